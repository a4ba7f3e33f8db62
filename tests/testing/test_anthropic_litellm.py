"""LiteLLM reads and writes the scripted provider's Anthropic dialect as it does the real one's."""

from __future__ import annotations

import asyncio
import json

import pytest
from litellm_streams import put_together
from wire import USER

# pydantic says this of LiteLLM's own types while LiteLLM builds them in the middle of a stream.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Item '.*' on TypedDict class '.*' is using the `ReadOnly` qualifier:UserWarning"
)

MODEL = "anthropic/claude-sonnet-4-5"
OLDER = "anthropic/claude-3-haiku-20240307"
ADAPTIVE = "anthropic/claude-opus-5"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"


@pytest.fixture(params=["sync", "async", "stream", "async stream"])
def ask(request, litellm, claude, monkeypatch):
    """Ask through LiteLLM in one of four ways; streams come back put together."""
    monkeypatch.setenv("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    stream = "stream" in request.param

    def ask(model=MODEL, messages=USER, **params):
        params |= {"model": model, "messages": messages, "stream": stream, "num_retries": 0}
        params |= {"api_key": "sk-ant-k", "api_base": claude.url}
        if "async" in request.param:
            return asyncio.run(_ask_async(litellm, params, stream=stream))
        if stream:
            return put_together(litellm, [litellm.completion(**params)])
        return litellm.completion(**params)

    return ask


async def _ask_async(litellm, params, *, stream):
    try:
        reply = await litellm.acompletion(**params)
        if not stream:
            return reply
        return litellm.stream_chunk_builder([chunk async for chunk in reply])
    finally:
        await litellm.close_litellm_async_clients()


def message_of(reply):
    """The message of the only choice."""
    (choice,) = reply.choices
    return choice.message


def sent(claude):
    """The body that the server saw last."""
    return claude.requests[-1].body


def test_text_system_and_turns(ask, claude):
    """The system's words go beside the messages, the turns stay in order, the answer comes back."""
    messages = [
        {"role": "system", "content": "be kind"},
        *USER,
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "again"},
    ]
    reply = ask(messages=messages, temperature=0.5, user="u-1")

    assert message_of(reply).content == "provider says: again"
    assert reply.choices[0].finish_reason == "stop"
    assert claude.requests[-1].path == "/v1/messages"
    assert claude.requests[-1].headers["x-api-key"] == "sk-ant-k"
    assert sent(claude)["system"] == [{"type": "text", "text": "be kind"}]
    assert [row["role"] for row in sent(claude)["messages"]] == ["user", "assistant", "user"]
    assert sent(claude)["metadata"] == {"user_id": "u-1"}


def test_parallel_calls(ask, claude):
    """Every call arrives with its id and arguments; one without arguments has an empty object."""
    calls = [{"name": "weather", "arguments": {"city": "서울"}}, {"id": "toolu_2", "name": "clock"}]
    claude.replies["*"] = {"content": "looking", "tool_calls": calls}
    reply = ask(tools=[WEATHER, CLOCK], parallel_tool_calls=True)
    weather, clock = message_of(reply).tool_calls

    assert message_of(reply).content == "looking"
    assert (weather.function.name, clock.function.name) == ("weather", "clock")
    assert json.loads(weather.function.arguments) == {"city": "서울"}
    assert (clock.id, clock.function.arguments) == ("toolu_2", "{}")
    assert reply.choices[0].finish_reason == "tool_calls"


def test_forced_tools(ask, claude):
    """`required` and a named function become Anthropic's choices."""
    named = {"type": "function", "function": {"name": "clock"}}
    for choice, wanted in (
        ("required", {"type": "any"}),
        (named, {"type": "tool", "name": "clock"}),
    ):
        (call,) = message_of(ask(tools=[CLOCK], tool_choice=choice)).tool_calls

        assert sent(claude)["tool_choice"] == wanted
        assert (call.function.name, call.function.arguments) == ("clock", "{}")


@pytest.mark.parametrize(
    "content",
    [
        "12:00",
        [
            {"type": "text", "text": "12:00"},
            {"type": "image_url", "image_url": {"url": PNG}},
        ],
    ],
)
def test_a_tool_loop_with_thinking(ask, claude, content):
    """The thinking comes back as it was given, and with it the results of both calls."""
    claude.replies["*"] = {
        "reasoning_content": "I need two clocks",
        "tool_calls": [{"name": "clock"}, {"name": "clock"}],
    }
    first = message_of(ask(tools=[CLOCK], reasoning_effort="low"))
    claude.replies.clear()
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": content} for call in first.tool_calls
    ]
    # LiteLLM would replace an empty string, which its streams give, by words of its own.
    messages = [*USER, {**first.model_dump(), "content": first.content or None}, *results]
    reply = ask(tools=[CLOCK], reasoning_effort="low", messages=messages)

    assert first.reasoning_content == "I need two clocks"
    assert message_of(reply).content == "provider says: the tool answered 12:00"
    assert [block["type"] for block in sent(claude)["messages"][1]["content"]] == [
        "thinking",
        "tool_use",
        "tool_use",
    ]


def test_thinking_that_was_changed_is_refused(ask, claude, litellm):
    """A changed signature is LiteLLM's error for a bad request, with Anthropic's words."""
    claude.replies["*"] = {"reasoning_content": "hm", "tool_calls": [{"name": "clock"}]}
    first = message_of(ask(tools=[CLOCK], reasoning_effort="low")).model_dump()
    first["thinking_blocks"][0]["thinking"] = "something else"
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "1"}

    with pytest.raises(litellm.BadRequestError, match="Invalid `signature` in `thinking` block"):
        ask(tools=[CLOCK], reasoning_effort="low", messages=[*USER, first, result])


@pytest.mark.parametrize("model", [MODEL, ADAPTIVE])
def test_reasoning_is_read_and_counted(ask, model):
    """Thinking is reasoning content, and its tokens are counted apart."""
    reply = ask(model, reasoning_effort="low")

    assert message_of(reply).reasoning_content == "provider thinks about: hello there"
    assert message_of(reply).content == "provider says: hello there"
    assert reply.usage.completion_tokens == 9
    assert reply.usage.completion_tokens_details.reasoning_tokens == 5


def test_images_and_documents(ask, claude):
    """Data and addresses of images and documents become sources that the API takes."""
    content = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_data": PDF}},
    ]
    reply = ask(messages=[{"role": "user", "content": content}])
    blocks = sent(claude)["messages"][0]["content"]

    assert message_of(reply).content == "provider says: see"
    assert [block["type"] for block in blocks] == ["text", "image", "image", "document"]
    assert [block["source"]["type"] for block in blocks[1:]] == ["base64", "url", "base64"]


@pytest.mark.parametrize("model", [MODEL, OLDER])
@pytest.mark.parametrize("extra", [{}, {"tools": [CLOCK]}])
def test_structured_output(ask, claude, model, extra):
    """Newer models are asked for a format, older ones by a tool; the JSON is the text of the answer."""
    reply = ask(model, response_format=WANTED, **extra)

    assert ("output_format" in sent(claude)) is (model == MODEL)
    assert json.loads(message_of(reply).content) == {"ok": True}
    assert not message_of(reply).tool_calls
    assert reply.choices[0].finish_reason == "stop"


def test_structured_output_while_thinking(ask):
    """Where the tool for the answer cannot be forced, it is called all the same."""
    reply = ask(
        "anthropic/claude-3-7-sonnet-20250219", response_format=WANTED, reasoning_effort="low"
    )

    assert json.loads(message_of(reply).content) == {"ok": True}


@pytest.mark.parametrize(
    ("params", "text", "reason"),
    [
        ({"stop": [" there"]}, "provider says: hello", "stop"),
        ({"max_tokens": 2}, "provider says:", "length"),
        ({"model": "anthropic/fault-filter-stop"}, "provider says:", "content_filter"),
    ],
)
def test_reasons_for_the_end(ask, params, text, reason):
    """Stop sequences, limits and refusals have OpenAI's names."""
    reply = ask(**params)

    assert message_of(reply).content == text
    assert reply.choices[0].finish_reason == reason


def test_usage_counts_the_cache(ask, claude):
    """What was read from the cache and written to it is part of the prompt and told apart."""
    text = {"type": "text", "text": "one two three", "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "system", "content": [text]}, *USER]
    first, second = ask(messages=messages).usage, ask(messages=messages).usage

    assert first.prompt_tokens == second.prompt_tokens == 5
    assert first.prompt_tokens_details.cache_creation_tokens == 3
    assert first.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cache_creation_tokens == 0
    assert second.prompt_tokens_details.cached_tokens == 3
    assert second.completion_tokens == 4

    claude.replies["*"] = {
        "content": "x",
        "usage": {"input_tokens": 1, "cache_read_input_tokens": 9},
    }
    assert ask().usage.prompt_tokens == 10


@pytest.mark.parametrize(
    ("model", "name", "status"),
    [
        ("fault-400", "BadRequestError", 400),
        ("fault-401", "AuthenticationError", 401),
        ("fault-403", "PermissionDeniedError", 403),
        ("fault-404", "NotFoundError", 404),
        ("fault-429", "RateLimitError", 429),
        ("fault-500", "InternalServerError", 500),
        ("fault-503", "ServiceUnavailableError", 503),
        ("fault-529", "InternalServerError", 500),
        ("fault-context", "ContextWindowExceededError", 400),
        ("fault-filter", "ContentPolicyViolationError", 400),
        ("fault-quota", "RateLimitError", 429),
    ],
)
def test_errors_are_told_apart(ask, litellm, model, name, status):
    """Each error is LiteLLM's class for it. An overload loses its 529 there."""
    with pytest.raises(getattr(litellm, name)) as caught:
        ask(f"anthropic/{model}")

    assert caught.value.status_code == status


def test_an_error_event_interrupts_the_stream(litellm, claude, monkeypatch):
    """Some text, then LiteLLM's error for a stream that failed in the middle."""
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    params = {"api_key": "k", "api_base": claude.url, "num_retries": 0, "stream": True}
    reply = litellm.completion("anthropic/fault-error-event", USER, **params)
    texts = []
    with pytest.raises(litellm.exceptions.MidStreamFallbackError, match="Overloaded"):
        texts.extend(chunk.choices[0].delta.content for chunk in reply)

    assert texts == ["provider", " says:"]
