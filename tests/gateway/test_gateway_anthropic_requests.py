"""What a body of `POST /v1/messages` asks, in OpenAI's shape, and in Anthropic's again."""

from __future__ import annotations

import pytest
from dialect_bodies import ANYTHING, INPUTS, NAMES, PDF, PNG, TEXTS, call_of, refusal_of, spoilt
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.calls.wire import Spoken
from genai_integrations.gateway.dialects.anthropic.dialect import counted, request
from genai_integrations.gateway.dialects.anthropic.failures import failure
from genai_integrations.transports.anthropic.requests import request_body

HEAD = {"model": "claude-sonnet-4-5", "max_tokens": 100}
EPHEMERAL = {"type": "ephemeral"}


def asked(*messages, **params):
    """What is asked, with these turns."""
    body = {**HEAD, "messages": list(messages), **params}
    found = request(body)
    assert found.params.pop("spoken") == Spoken("anthropic", body)
    return found


def user(*blocks):
    """A user's turn."""
    return {"role": "user", "content": list(blocks)}


def test_texts_and_systems_words_are_messages_of_their_own():
    """One text alone is no list: servers that copied OpenAI do not all take one."""
    found = asked(
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
        user({"type": "text", "text": "And?"}),
        system=[{"type": "text", "text": "Be brief."}],
    )

    assert found.model == "claude-sonnet-4-5"
    assert found.stream is False
    assert found.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "And?"},
    ]
    assert found.params == {"max_tokens": 100}


def test_marks_for_the_prompt_cache_stay_at_their_parts():
    """In the system's words, in a turn, at a tool and at a tool's result."""
    found = asked(
        user({"type": "text", "text": "Hello!", "cache_control": EPHEMERAL}),
        user({"type": "tool_result", "tool_use_id": "t", "content": "1", "cache_control": EPHEMERAL}),
        system=[{"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL}],
        tools=[{"name": "now", "input_schema": {"type": "object"}, "cache_control": EPHEMERAL}],
    )  # fmt: skip

    marked = {"type": "text", "cache_control": EPHEMERAL}
    assert found.messages == [
        {"role": "system", "content": [{**marked, "text": "Be brief."}]},
        {"role": "user", "content": [{**marked, "text": "Hello!"}]},
        {"role": "tool", "tool_call_id": "t", "content": [{**marked, "text": "1"}]},
    ]
    assert found.params["tools"] == [
        {
            "type": "function",
            "function": {"name": "now", "parameters": {"type": "object"}},
            "cache_control": EPHEMERAL,
        }
    ]


def test_pictures_and_documents_are_parts_of_openais():
    """By their data, by an address that nobody here fetches, by their id; a text is a text."""
    picture = {"type": "base64", "media_type": "image/png", "data": PNG}
    found = asked(
        user(
            {"type": "image", "source": picture},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_2"}},
            {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "One."}},
            {"type": "search_result", "source": "https://example.com", "title": "Page", "content": [{"type": "text", "text": "Two."}]},
        )
    )  # fmt: skip

    assert found.messages[0]["content"] == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}},
        {"type": "file", "file": {"file_id": "file_1", "format": "image/*"}},
        {
            "type": "file",
            "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "document.pdf"},
        },
        {"type": "file", "file": {"file_id": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"file_id": "file_2"}},
        {"type": "text", "text": "[Notes]"},
        {"type": "text", "text": "One."},
        {"type": "text", "text": "[Page: https://example.com]"},
        {"type": "text", "text": "Two."},
    ]


def test_calls_and_their_results_follow_each_other():
    """Results are messages before the rest of the turn; one that failed says so, and may have a picture."""
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}}
    found = asked(
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "cat"}},
                {"type": "tool_use", "id": "t2", "name": "ask", "input": {}},
            ],
        },
        user(
            {"type": "text", "text": "Go on."},
            {"type": "tool_result", "tool_use_id": "t1", "content": [picture]},
            {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": True},
        ),
    )

    look = {"name": "look", "arguments": '{"at":"cat"}'}
    assert found.messages == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": look},
                {"id": "t2", "type": "function", "function": {"name": "ask", "arguments": "{}"}},
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "t1",
            "content": [{"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}}],
        },
        {"role": "tool", "tool_call_id": "t2", "content": "no", "is_error": True},
        {"role": "user", "content": "Go on."},
    ]


def test_parameters_have_openais_names():
    """Who asks, the stops, the tier and the tools."""
    found = asked(
        {"role": "user", "content": "Hello!"},
        temperature=0.5,
        top_k=5,
        stop_sequences=["."],
        metadata={"user_id": "u-1"},
        service_tier="standard_only",
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        tools=[{"type": "custom", "name": "now", "description": "The time.", "input_schema": {}, "strict": True}],
        context_management={"edits": []},
        stream=True,
    )  # fmt: skip

    assert found.stream is True
    now = {"name": "now", "description": "The time.", "parameters": {}, "strict": True}
    assert found.params == {
        "max_tokens": 100,
        "temperature": 0.5,
        "top_k": 5,
        "stop": ["."],
        "user": "u-1",
        "service_tier": "default",
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "tools": [{"type": "function", "function": now}],
        "stream_recovery": None,
    }


def test_long_id_of_a_user_is_replaced_by_its_hash():
    """OpenAI takes 64 characters, and Claude Code sends more."""
    found = asked({"role": "user", "content": "Hi"}, metadata={"user_id": "user_" + "0" * 100})

    assert found.params["user"] == (
        "266d5c9cd87025149e558f7bf02c70c32e633bb678495228ffcf3440ac23e086"
    )


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "now"}, {"type": "function", "function": {"name": "now"}}),
    ],
)
def test_choice_among_tools_is_openais(choice, told):
    """Each kind of choice."""
    found = asked({"role": "user", "content": "Hi"}, tool_choice=choice)

    assert found.params["tool_choice"] == told


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "high"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_budget_of_thought_has_a_word_for_other_providers(params, told):
    """Beside the budget itself, which Claude and Gemini take."""
    found = asked({"role": "user", "content": "Hi"}, **params)

    assert found.params["thinking"] == params["thinking"]
    assert found.params.get("reasoning_effort") == told


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}, False),
        ({"type": "object", "properties": {}}, False),
        ({"type": "object", "required": 5, "additionalProperties": False}, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_form_of_the_answer_is_openais_and_strict_where_openai_takes_it(schema, strict, place):
    """OpenAI refuses `strict` for a schema with a property that may be left out."""
    form = {"type": "json_schema", "schema": schema}
    given = {"format": form} if place == "output_config" else form
    found = asked({"role": "user", "content": "Hi"}, **{place: given})

    assert found.params["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": strict},
    }


THOUGHTS = st.lists(
    st.one_of(
        st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, TEXTS, NAMES),
        st.builds(lambda data: {"type": "redacted_thinking", "data": data}, NAMES),
    ),
    max_size=2,
)  # fmt: skip
TEXT_BLOCKS = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
MARKED = st.builds(lambda block: {**block, "cache_control": EPHEMERAL}, TEXT_BLOCKS)
PICTURES = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]
)  # fmt: skip


@st.composite
def conversations(draw):
    """Bodies as Anthropic's SDK sends them, in the form that our own writer gives them."""
    turns = []
    for number in range(draw(st.integers(1, 3))):
        said = draw(st.lists(TEXT_BLOCKS | MARKED | PICTURES, min_size=1, max_size=3))
        turns.append({"role": "user", "content": said})
        calls = [
            {"type": "tool_use", "id": f"t{number}_{at}", "name": draw(NAMES), "input": draw(INPUTS)}
            for at in range(draw(st.integers(0, 2)))
        ]  # fmt: skip
        text = [{"type": "text", "text": draw(TEXTS).strip()}]
        turns.append({"role": "assistant", "content": [*draw(THOUGHTS), *text, *calls]})
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": draw(TEXTS | st.lists(TEXT_BLOCKS, min_size=2, max_size=2))}
            for call in calls
        ]  # fmt: skip
        if results and draw(st.booleans()):
            results[-1]["is_error"] = True
        if results:
            turns.append({"role": "user", "content": results})
    tools = [
        {"name": name, "input_schema": {"type": "object", "properties": {}}}
        for name in draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
    ]
    body = {**HEAD, "messages": turns, "tools": tools, "stop_sequences": ["."], "top_k": 3}
    body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    body["metadata"] = {"user_id": "u-1"}
    if draw(st.booleans()):
        body["system"] = draw(st.lists(TEXT_BLOCKS | MARKED, min_size=1, max_size=2))
    return body


@settings(max_examples=50)
@given(conversations())
def test_conversation_comes_back_as_it_was(body):
    """Into OpenAI's shape and, for a Claude, out of it: not a block is another, or elsewhere."""
    found = request(body)
    del found.params["spoken"]
    call = call_of("anthropic", found.model, {"messages": found.messages, **found.params})
    sent = request_body(call)

    turns = []
    for turn in body["messages"]:
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1] = {**turn, "content": [*turns[-1]["content"], *turn["content"]]}
        else:
            turns.append(turn)
    assert sent == {**body, "messages": turns}


@settings(max_examples=50)
@given(st.data())
def test_hostile_body_is_refused_in_anthropics_shape_or_asks_something(data):
    """One place of a good body is anything else, or not there: no other error comes of it."""
    body = data.draw(spoilt(data.draw(conversations())))
    for read in (request, counted):
        if refusal := refusal_of(read, body):
            status, told = failure(refusal)
            assert status == 400
            assert told["type"] == "error"
            assert told["error"]["type"] == "invalid_request_error"


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["model", "messages", "max_tokens", "system", "tools", "thinking", "metadata", "tool_choice", "output_config"]), ANYTHING))  # fmt: skip
def test_anything_is_refused_or_asks_something(body):
    """No other error comes of it."""
    refusal = refusal_of(request, body)
    assert refusal is None or failure(refusal)[0] == 400


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"max_tokens": 1, "messages": []}, 'name a model: "model": "gpt-4o-mini"'),
        ({"model": "m", "messages": []}, "max_tokens: is missing"),
        ({**HEAD, "messages": "Hello!"}, "messages: must be a list"),
        ({**HEAD, "messages": ["Hello!"]}, "messages.0: must be an object"),
        ({**HEAD, "messages": [{"content": "Hello!"}]}, "messages.0.role: is missing"),
        ({**HEAD, "messages": [user({"type": "image"})]}, "messages.0.content.0.source: is missing"),
        ({**HEAD, "messages": [], "tools": [{"name": "now"}]}, "tools.0.input_schema: is missing"),
        ({**HEAD, "messages": [], "extra_headers": {"x": "y"}}, "a request may not have extra_headers"),
    ],
)  # fmt: skip
def test_refusal_says_where(body, told):
    """And never what stands there."""
    assert failure(refusal_of(request, body)) == (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": told}},
    )
