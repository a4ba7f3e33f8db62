"""However a reply is cut into chunks, it is put together to the same reply."""

from __future__ import annotations

import contextlib
import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.incoming import IncomingChunks
from genai_integrations.errors import InvalidReplyError

texts = st.text(min_size=1, max_size=30)
functions = st.fixed_dictionaries({"name": st.text("abc_", min_size=1), "arguments": texts})
thoughts = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts}) | (
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts})
)
messages = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | texts},
    optional={
        "reasoning_content": texts,
        "refusal": texts,
        "function_call": functions,
        "audio": st.fixed_dictionaries({"id": texts, "data": texts, "transcript": texts}),
        "annotations": st.lists(st.fixed_dictionaries({"type": texts}), min_size=1, max_size=3),
        "thinking_blocks": st.lists(thoughts, min_size=1, max_size=1),
        "tool_calls": st.lists(functions, min_size=1, max_size=3),
    },
)


@st.composite
def replies(draw):
    """A reply and the chunks of one way to send it."""
    choices, lines = [], []
    for index in range(draw(st.integers(1, 3))):
        message = draw(messages)
        if "tool_calls" in message:
            message["tool_calls"] = [
                {"id": f"call {at}", "type": "function", "function": function}
                for at, function in enumerate(message["tool_calls"])
            ]
        choices.append({"index": index, "message": message, "finish_reason": "stop"})
        deltas = [delta for name in message for delta in cut(draw, name, message[name])]
        rows = [{"index": index, "delta": delta, "finish_reason": None} for delta in deltas]
        lines.append([*rows, {"index": index, "delta": {}, "finish_reason": "stop"}])
    chunks = []
    while lines := [line for line in lines if line]:
        line = draw(st.sampled_from(lines))
        chunks.append({"id": "chatcmpl-1", "model": "gpt-4o", "choices": [line.pop(0)]})
    return choices, chunks


def cut(draw, name, value):
    """One field as the deltas that bring it."""
    if name == "tool_calls":
        for at, call in enumerate(value):
            first = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield {name: [{"index": at, **first}]}
            for piece in pieces(draw, call["function"]["arguments"]):
                yield {name: [{"index": at, "function": {"name": None, "arguments": piece}}]}
    elif name == "thinking_blocks":
        (block,) = value
        for piece in pieces(draw, block["thinking"]):
            yield {name: [{"type": "thinking", "thinking": piece}]}
        yield {name: [{**block, "thinking": ""}]}
    elif name == "annotations":
        yield from ({name: [row]} for row in value)
    elif isinstance(value, dict):
        grows = {key for key in value if key in {"arguments", "data", "transcript"}}
        yield {name: {key: value[key] for key in value if key not in grows}}
        for key in grows:
            yield from ({name: {key: piece}} for piece in pieces(draw, value[key]))
    elif name == "role" or value is None:
        yield {name: value}
    else:
        yield from ({name: piece} for piece in pieces(draw, value))


def pieces(draw, text):
    """A text in any parts, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(replies())
def test_any_split_gives_the_same_reply(reply):
    """Texts, reasoning, refusals, calls, audio and annotations, of several answers mixed with each other."""
    choices, chunks = reply
    before = copy.deepcopy(chunks)
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    wire = assembly.wire({"total_tokens": 3})

    assert wire["choices"] == choices
    assert wire["usage"] == {"total_tokens": 3}
    assert (wire["id"], wire["model"], wire["object"]) == (
        "chatcmpl-1",
        "gpt-4o",
        "chat.completion",
    )
    assert chunks == before


names = st.sampled_from(
    ["content", "tool_calls", "function", "arguments", "index", "id", "audio", "thinking_blocks"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
odd_choices = st.fixed_dictionaries(
    {"delta": st.none() | st.dictionaries(names, anything, max_size=4)},
    optional={"index": anything, "logprobs": anything},
)


@given(st.lists(st.lists(odd_choices, max_size=2), max_size=4))
def test_odd_chunks_break_nothing(chunks):
    """Whatever the transports let pass is put together somehow, so that no call fails for being recorded."""
    assembly = Assembly()
    for choices in chunks:
        with contextlib.suppress(InvalidReplyError):
            assembly.add(IncomingChunks().check({"choices": choices}))

    assert json.dumps(assembly.wire(None))


def test_calls_without_an_index():
    """Servers that leave it out send each call whole."""
    assembly = Assembly()
    for name in ("one", "two"):
        call = {"id": name, "function": {"name": name, "arguments": "{}"}}
        assembly.add({"choices": [{"delta": {"tool_calls": [call]}}]})

    ((choice,),) = [assembly.wire(None)["choices"]]
    assert [call["id"] for call in choice["message"]["tool_calls"]] == ["one", "two"]
