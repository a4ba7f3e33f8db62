"""The scripted provider answers as Anthropic's Messages API does."""

from __future__ import annotations

import json

import pytest
from wire import USER, ask, call, connect

from genai_integrations.testing.anthropic_dialect import AnthropicDialect

PATH = "/any/prefix/v1/messages"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
BETA = {**HEADERS, "anthropic-beta": "other-1, structured-outputs-2025-11-13"}
WEATHER = {
    "name": "weather",
    "description": "The weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
CLOCK = {"name": "clock", "input_schema": {"type": "object"}}
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
THINK = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
def claude(provider):
    """A provider that speaks Anthropic's dialect, and OpenAI's where that is asked for."""
    provider._dialects = (AnthropicDialect(), *provider._dialects)
    return provider


def body_of(**parameters):
    """A good request with these parameters."""
    return {"model": "claude", "max_tokens": 2000, "messages": USER, **parameters}


def say(claude, headers=HEADERS, **parameters):
    """The message that answers one request."""
    status, _, message = call(claude, body_of(**parameters), PATH, headers)
    assert status == 200, message
    return message


def stream(claude, headers=HEADERS, **parameters):
    """The events of a whole stream, whose lines and data must name the same type."""
    with connect(claude) as connection:
        reply = ask(connection, body_of(stream=True, **parameters), PATH, headers)
        assert reply.headers["content-type"].startswith("text/event-stream")
        *events, end = reply.read().decode().split("\n\n")
    assert end == ""
    rows = []
    for event in events:
        name, data = event.split("\n")
        rows.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {rows[-1]['type']}"
    return rows


def deltas(events, field):
    """What the deltas of one kind add up to."""
    return "".join(
        row["delta"].get(field, "") for row in events if "index" in row and "delta" in row
    )


def blocks_of(events):
    """The blocks that a stream adds up to, as they are opened and filled."""
    blocks = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            delta = dict(event["delta"])
            delta.pop("type")
            ((name, text),) = delta.items()
            name = {"partial_json": "json"}.get(name, name)
            blocks[event["index"]][name] += text
    return blocks


def test_the_default_answer_says_who_answered_and_to_what(claude):
    """The answer is a message with one block of text that quotes the last thing the user said."""
    messages = [
        *USER,
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "second"}]},
    ]
    message = say(claude, messages=messages, system="Be brief")

    assert message["type"] == "message"
    assert message["role"] == "assistant"
    assert message["model"] == "claude"
    assert message["id"].startswith("msg_01")
    assert message["content"] == [{"type": "text", "text": "provider says: second"}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
    assert message["usage"]["input_tokens"] == 6
    assert message["usage"]["output_tokens"] == 3


def test_a_stream_has_anthropics_events_in_their_order(claude):
    """The message starts empty; a ping follows the first block's start; the counts come with the stop reason."""
    events = stream(claude)

    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    started = events[0]["message"]
    assert (started["content"], started["stop_reason"]) == ([], None)
    assert (started["usage"]["input_tokens"], started["usage"]["output_tokens"]) == (2, 1)
    assert events[1]["content_block"] == {"type": "text", "text": ""}
    assert deltas(events, "text") == "provider says: hello there"
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert (events[-2]["usage"]["input_tokens"], events[-2]["usage"]["output_tokens"]) == (2, 4)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("안녕 😀", "안녕 😀"),
        (["one ", "", "two"], "one two"),
        ({"content": "partial"}, "partial"),
        ({"content": [{"type": "text", "text": "parts"}]}, "parts"),
        (lambda body: f"{len(body['messages'])} message", "1 message"),
        (lambda body: ["a", "b"], "ab"),
        ({"choices": [{"message": {"role": "assistant", "content": "whole"}}]}, "whole"),
    ],
)
def test_scripted_replies_take_every_form(claude, reply, text):
    """A text, pieces, a message, an OpenAI reply or a function: whole and as a stream they say the same."""
    claude.replies["claude"] = reply

    assert say(claude)["content"] == [{"type": "text", "text": text}]
    assert deltas(stream(claude), "text") == text


def test_pieces_are_streamed_as_they_were_scripted(claude):
    """A list of texts becomes that many deltas."""
    claude.replies["*"] = ["Hel", "lo  wor", "ld"]
    events = stream(claude)

    texts = [row["delta"]["text"] for row in events if row["type"] == "content_block_delta"]
    assert texts == ["Hel", "lo  wor", "ld"]


def test_an_empty_answer_has_no_blocks(claude):
    """A reply without content is a message without blocks, also as a stream."""
    claude.replies["*"] = ""

    assert say(claude)["content"] == []
    assert [event["type"] for event in stream(claude)] == [
        "message_start",
        "ping",
        "message_delta",
        "message_stop",
    ]


def test_a_native_message_is_sent_as_it_is(claude):
    """A reply in Anthropic's own shape keeps its ids, its order of blocks and its reasons."""
    content = [
        {"type": "text", "text": "let me look"},
        {"type": "tool_use", "id": "toolu_mine", "name": "clock", "input": {"zone": "KST"}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
    ]
    claude.replies["*"] = {
        "type": "message",
        "id": "msg_mine",
        "model": "claude-served",
        "content": content,
        "stop_reason": "pause_turn",
    }
    message, events = say(claude), stream(claude)

    assert (message["id"], message["model"]) == ("msg_mine", "claude-served")
    assert (message["content"], message["stop_reason"]) == (content, "pause_turn")
    assert events[0]["message"]["id"] == "msg_mine"
    assert [block["type"] for block in blocks_of(events)] == ["text", "tool_use", "server_tool_use"]
    assert blocks_of(events)[1]["json"] == '{"zone": "KST"}'


def test_a_reply_function_that_raises_is_a_500_that_says_so(claude):
    """A mistake in a test's own function shows in the error."""
    claude.replies["*"] = lambda body: body["absent"]
    status, _, body = call(claude, body_of(), PATH, HEADERS)

    assert (status, body["error"]["type"]) == (500, "api_error")
    assert "KeyError('absent')" in body["error"]["message"]


@pytest.mark.parametrize(
    ("choice", "name", "given"),
    [
        ({"type": "any"}, "weather", {"city": "text", "days": 1}),
        ({"type": "tool", "name": "clock"}, "clock", {}),
    ],
)
def test_forced_tools_are_called_with_arguments_from_their_schema(claude, choice, name, given):
    """`any` calls the first tool, a named one is called by its name; both end with `tool_use`."""
    message = say(claude, tools=[WEATHER, CLOCK], tool_choice=choice)
    (block,) = message["content"]

    assert block["type"] == "tool_use"
    assert block["id"].startswith("toolu_01")
    assert (block["name"], block["input"]) == (name, given)
    assert message["stop_reason"] == "tool_use"


def test_tools_are_not_called_unless_forced(claude):
    """With `auto` or `none` the default answer is text."""
    for choice in (
        {"type": "auto"},
        {"type": "none"},
        {"type": "auto", "disable_parallel_tool_use": True},
    ):
        message = say(claude, tools=[WEATHER], tool_choice=choice)

        assert message["content"][0]["text"] == "provider says: hello there"


def test_parallel_calls_stream_in_fragments(claude):
    """Each call is a block of its own; one without arguments has nothing but an empty fragment."""
    claude.replies["*"] = {
        "content": "looking",
        "tool_calls": [
            {"name": "weather", "arguments": {"city": "서울", "days": 2}},
            {"id": "toolu_mine", "function": {"name": "clock", "arguments": ""}},
        ],
    }
    message, events = say(claude), stream(claude)
    text, weather, clock = blocks_of(events)
    fragments = [row for row in events if row.get("index") == 1 and "delta" in row]

    assert [block["type"] for block in message["content"]] == ["text", "tool_use", "tool_use"]
    assert message["content"][1]["input"] == {"city": "서울", "days": 2}
    assert message["content"][2] == {
        "type": "tool_use",
        "id": "toolu_mine",
        "name": "clock",
        "input": {},
    }
    assert text["text"] == "looking"
    assert (weather["name"], weather["input"]) == ("weather", {})
    assert json.loads(weather["json"]) == {"city": "서울", "days": 2}
    assert fragments[0]["delta"] == {"type": "input_json_delta", "partial_json": ""}
    assert len(fragments) > 3
    assert (clock["id"], clock["json"]) == ("toolu_mine", "")
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_arguments_that_are_no_json_can_only_be_streamed(claude):
    """A stream carries broken arguments as they are; a whole message cannot, and says so."""
    claude.replies["*"] = {"tool_calls": [{"name": "f", "arguments": "{broken"}]}

    assert blocks_of(stream(claude))[0]["json"] == "{broken"
    assert call(claude, body_of(), PATH, HEADERS)[0] == 500


@pytest.mark.parametrize(
    "content",
    [
        "12:00",
        [{"type": "text", "text": "12:00"}],
        [
            {"type": "text", "text": "12:00"},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        ],
    ],
)
@pytest.mark.parametrize("failed", [{}, {"is_error": True}])
def test_a_tool_result_is_answered_with_text_that_quotes_it(claude, content, failed):
    """After a result there is an answer, even while a tool is still required."""
    first = say(claude, tools=[CLOCK], tool_choice={"type": "any"})
    result = {"type": "tool_result", "tool_use_id": first["content"][0]["id"], "content": content}
    messages = [
        *USER,
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [{**result, **failed}]},
    ]
    for choice in ({"type": "any"}, {"type": "tool", "name": "clock"}, {"type": "auto"}):
        message = say(claude, messages=messages, tools=[CLOCK], tool_choice=choice)

        assert message["content"][0]["text"] == "provider says: the tool answered 12:00"


def test_a_tool_that_was_not_called_yet_can_be_forced_after_a_result(claude):
    """Naming another tool than the one that answered calls it: that is how answers are given a schema."""
    use = {"type": "tool_use", "id": "t1", "name": "clock", "input": {}}
    messages = [
        *USER,
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
    ]
    tools, choice = [CLOCK, WEATHER], {"type": "tool", "name": "weather"}
    message = say(claude, messages=messages, tools=tools, tool_choice=choice)

    assert message["content"][0]["name"] == "weather"


def test_words_after_a_result_are_what_is_answered(claude):
    """Text in the same turn as a result is the last thing the user said."""
    use = {"type": "tool_use", "id": "t1", "name": "clock", "input": {}}
    answer = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
        {"type": "text", "text": "so?"},
    ]
    messages = [*USER, {"role": "assistant", "content": [use]}, {"role": "user", "content": answer}]

    assert (
        say(claude, messages=messages, tools=[CLOCK])["content"][0]["text"] == "provider says: so?"
    )


def test_structured_output_follows_its_schema(claude):
    """Both ways to ask for a JSON schema are answered by an object of it."""
    wanted = {"type": "json_schema", "schema": SCHEMA}

    assert say(claude, output_config={"format": wanted})["content"][0]["text"] == '{"ok": true}'
    assert say(claude, BETA, output_format=wanted)["content"][0]["text"] == '{"ok": true}'


@pytest.mark.parametrize(
    ("parameters", "text", "reason", "sequence"),
    [
        ({"stop_sequences": [" there"]}, "provider says: hello", "stop_sequence", " there"),
        ({"stop_sequences": ["absent", "hello", ":"]}, "provider says", "stop_sequence", ":"),
        ({"max_tokens": 2}, "provider says:", "max_tokens", None),
        ({"max_tokens": 4}, "provider says: hello there", "end_turn", None),
        ({"max_tokens": 1, "stop_sequences": [":"]}, "provider", "max_tokens", None),
    ],
)
def test_answers_are_cut_where_the_request_says(claude, parameters, text, reason, sequence):
    """Stop sequences and limits cut the answer, whole and streamed, and say so."""
    message, events = say(claude, **parameters), stream(claude, **parameters)

    assert message["content"][0]["text"] == deltas(events, "text") == text
    assert (message["stop_reason"], message["stop_sequence"]) == (reason, sequence)
    assert events[-2]["delta"]["stop_reason"] == reason
    assert events[-2]["delta"]["stop_sequence"] == sequence


def test_pieces_that_are_cut_are_streamed_as_words(claude):
    """A limit applies to scripted pieces too."""
    claude.replies["*"] = ["o", "ne two three"]

    assert deltas(stream(claude, max_tokens=2), "text") == "one two"


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"finish_reason": "length"}, "max_tokens"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({"finish_reason": "stop"}, "end_turn"),
        ({"stop_reason": "model_context_window_exceeded"}, "model_context_window_exceeded"),
        ({"refusal": "no"}, "refusal"),
    ],
)
def test_the_reason_for_the_end_can_be_scripted(claude, extra, reason):
    """In OpenAI's words or in Anthropic's."""
    claude.replies["*"] = {"content": "x", **extra}

    assert say(claude)["stop_reason"] == reason


def test_a_model_that_is_told_to_think_does(claude):
    """A signed block of thinking comes first, and streams as words and then its signature."""
    message = say(claude, thinking=THINK)
    thinking, text = message["content"]
    events = stream(claude, thinking={"type": "adaptive"})
    kinds = [row["delta"]["type"] for row in events if row.get("index") == 0 and "delta" in row]

    assert thinking["thinking"] == "provider thinks about: hello there"
    assert text["text"] == "provider says: hello there"
    assert blocks_of(events)[0] == {**thinking, "json": ""}
    assert kinds == [*["thinking_delta"] * 5, "signature_delta"]
    assert message["usage"]["output_tokens"] == 9
    assert message["usage"]["output_tokens_details"] == {"thinking_tokens": 5}


def test_reasoning_can_be_scripted(claude):
    """`reasoning_content` is signed; blocks of thinking may be scripted one by one."""
    claude.replies["*"] = {"reasoning_content": "I think so", "content": "yes"}
    thinking, _ = say(claude)["content"]
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "I think so")
    assert thinking["signature"]

    given = [{"type": "thinking", "thinking": "one"}, {"type": "redacted_thinking"}]
    claude.replies["*"] = {"thinking_blocks": given, "content": "yes"}
    first, second, _ = say(claude)["content"]
    assert (first["thinking"], second["type"]) == ("one", "redacted_thinking")
    assert first["signature"]
    assert blocks_of(stream(claude))[1]["data"] == second["data"]


@pytest.mark.parametrize("thinking", [THINK, {"type": "adaptive", "display": "omitted"}])
def test_thinking_comes_back_in_a_tool_loop(claude, thinking):
    """Blocks that come back unchanged are accepted, also those whose text was left out."""
    claude.replies["*"] = {
        "thinking_blocks": [{"type": "thinking", "thinking": "hm"}, {"type": "redacted_thinking"}],
        "tool_calls": [{"name": "clock"}],
    }
    content = say(claude, thinking=thinking, tools=[CLOCK])["content"]
    claude.replies.clear()
    result = {"type": "tool_result", "tool_use_id": content[2]["id"], "content": "1"}
    messages = [
        *USER,
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    message = say(claude, thinking=thinking, tools=[CLOCK], messages=messages)

    assert content[0]["thinking"] == ("" if "display" in thinking else "hm")
    assert message["content"][-1]["text"] == "provider says: the tool answered 1"


def test_marked_prompts_are_cached(claude):
    """What is marked is written to the cache first and read from it then; only the rest is input."""
    system = [{"type": "text", "text": "one two three", "cache_control": {"type": "ephemeral"}}]
    tools = [{**CLOCK, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first = say(claude, system=system, tools=tools)["usage"]
    second = say(claude, system=system, tools=tools)["usage"]
    (started, *_) = stream(claude, system=system, tools=tools)

    assert first["cache_creation"] == {
        "ephemeral_1h_input_tokens": 2,
        "ephemeral_5m_input_tokens": 3,
    }
    assert (first["cache_creation_input_tokens"], first["cache_read_input_tokens"]) == (5, 0)
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, 5)
    assert first["input_tokens"] == second["input_tokens"] == 2
    assert started["message"]["usage"]["cache_read_input_tokens"] == 5


def test_a_longer_prompt_reads_what_it_shares(claude):
    """Marking the whole prompt caches each turn on top of the one before; other models share nothing."""
    mark = {"type": "ephemeral"}
    say(claude, cache_control=mark)
    longer = [*USER, {"role": "assistant", "content": "a b c"}, {"role": "user", "content": "d"}]
    usage = say(claude, cache_control=mark, messages=longer)["usage"]
    other = say(claude, cache_control=mark, messages=longer, model="other")["usage"]

    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (2, 4)
    assert usage["input_tokens"] == 0
    assert (other["cache_read_input_tokens"], other["cache_creation_input_tokens"]) == (0, 6)


@pytest.mark.parametrize(
    "given",
    [
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 2,
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
        },
        {
            "prompt_tokens": 10,
            "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 5, "cache_creation_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    ],
)
def test_usage_can_be_scripted(claude, given):
    """In Anthropic's words or in OpenAI's, whose prompt includes what was cached."""
    claude.replies["*"] = {"content": "x", "usage": given}
    usage, events = say(claude)["usage"], stream(claude)

    for counts in (usage, events[-2]["usage"]):
        assert counts["input_tokens"] == 3
        assert counts["cache_read_input_tokens"] == 5
        assert counts["cache_creation_input_tokens"] == 2
        assert counts["output_tokens"] == 9
        assert counts["output_tokens_details"] == {"thinking_tokens": 4}


def test_the_list_of_models_is_anthropics(claude):
    """Who names a version of the API gets Anthropic's list, others OpenAI's."""
    claude.models = ["one", "two"]

    _, _, listed = call(claude, b"", "/v1/models", HEADERS, "GET")
    assert [row["id"] for row in listed["data"]] == ["one", "two"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("one", "two", False)
    assert call(claude, b"", "/v1/models", {}, "GET")[2]["object"] == "list"


def test_every_answer_has_its_own_ids(claude):
    """Messages, calls and requests are numbered."""
    rows = [call(claude, body_of(), PATH, HEADERS) for _ in range(2)]

    assert len({headers["request-id"] for _, headers, _ in rows}) == 2
    assert len({body["id"] for _, _, body in rows}) == 2
    assert claude.requests[0].model == "claude"
