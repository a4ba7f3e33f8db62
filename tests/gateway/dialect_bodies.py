"""Bodies that callers of the gateway send, made up; and what the tests of its dialects share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall
from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.refusals import Refused, refused_of

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKMSAwIG9iajw8Pj5lbmRvYmoKdHJhaWxlcjw8Pj4KJSVFT0YK"

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=12).filter(str.strip)  # fmt: skip
NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
INPUTS = st.dictionaries(NAMES, TEXTS | st.integers(-9, 9) | st.booleans(), max_size=2)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
"""Any JSON."""


@st.composite
def spoilt(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """A body with something else in one place of it."""
    body = json.loads(json.dumps(body))
    row: Any = body
    while True:
        places = list(row) if isinstance(row, dict) else list(range(len(row)))
        place = draw(st.sampled_from(places))
        inner = row[place]
        if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
            row = inner
            continue
        if draw(st.booleans()):
            row[place] = draw(ANYTHING)
        else:
            del row[place]
        return body


def refusal_of(read: Callable[[dict[str, Any]], object], body: dict[str, Any]) -> Refused | None:
    """The refusal of a body; None if it asks something. Any other error is a mistake."""
    try:
        read(body)
    except (ConfigurationError, Refused) as error:
        return refused_of(error)
    return None


def call_of(provider: str, model: str, body: dict[str, Any]) -> WireCall:
    """An attempt at a provider."""
    connection = Connection.of("c", provider, "sk-ant-example", "https://llm.example")
    return WireCall(connection, model, "chat/completions", {"model": model, **body})


def parsed(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each is named by its own type."""
    events = []
    for block in stream.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """Messages of a chat completion: thoughts, text and calls."""
    message: dict[str, Any] = {"role": "assistant", "content": draw(TEXTS)}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(TEXTS)
    if draw(st.booleans()):
        message["provider_specific_fields"] = {"thought_signatures": [draw(NAMES)]}
    calls = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": draw(NAMES), "arguments": json.dumps(draw(INPUTS))},
        }
        for at in range(draw(st.integers(0, 2)))
    ]
    return {**message, "tool_calls": calls} if calls else message


USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_creation_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt-5"}


def reply_of(message: dict[str, Any], finish: str = "stop", **choice: Any) -> dict[str, Any]:
    """A chat completion."""
    row = {"index": 0, "message": message, "finish_reason": finish, **choice}
    return {**HEAD, "object": "chat.completion", "choices": [row], "usage": USAGE}


def chunks_of(message: dict[str, Any], finish: str = "stop") -> list[dict[str, Any]]:
    """The same as a stream: each text in two pieces, the end and the usage in chunks of their own."""
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning_content", "content", "refusal"):
        if text := message.get(name):
            deltas += ({name: text[:1]}, {name: text[1:]})
    for at, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        first = {"name": function["name"], "arguments": ""}
        deltas.append({"tool_calls": [{"index": at, "id": call["id"], "type": "function", "function": first}]})  # fmt: skip
        for piece in (function["arguments"][:3], function["arguments"][3:]):
            deltas.append({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    if beside := message.get("provider_specific_fields"):
        deltas.append({"provider_specific_fields": beside})
    made = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    last = {"index": 0, "delta": {}, "finish_reason": finish}
    head = {**HEAD, "object": "chat.completion.chunk"}
    return [
        *({**head, "choices": [choice]} for choice in (*made, last)),
        {**head, "choices": [], "usage": USAGE},
    ]
