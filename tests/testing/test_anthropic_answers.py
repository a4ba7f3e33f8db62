"""The scripted provider answers as Anthropic's Messages API does."""

from __future__ import annotations

import json

import pytest
from anthropic_wire import CLOCK, HEADERS, PATH, blocks_of, body_of, deltas, say, stream
from wire import USER, call

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
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


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


def test_the_anthropic_sdk_understands_it(claude):
    """The vendor's own client reads its messages, streams and errors."""
    anthropic = pytest.importorskip("anthropic")
    params = {"model": "claude", "max_tokens": 2000, "messages": USER}
    forced = {"tools": [WEATHER], "tool_choice": {"type": "any"}}
    with anthropic.Anthropic(api_key="k", base_url=claude.url, max_retries=0) as client:
        message = client.messages.create(**params)
        with client.messages.stream(**params, **forced) as events:
            streamed = events.get_final_message()
        with pytest.raises(anthropic.RateLimitError) as caught:
            client.messages.create(**{**params, "model": "fault-429"})

    assert message.content[0].text == "provider says: hello there"
    assert streamed.content[0].input == {"city": "text", "days": 1}
    assert streamed.stop_reason == "tool_use"
    assert caught.value.request_id.startswith("req_011")
