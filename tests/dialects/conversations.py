"""Conversations as our users have them, made up: what the dialects are compared with others by."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
"""A picture of one pixel."""

PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").decode()
"""A document without a page."""

MAX_TURNS = 4


@dataclass(frozen=True)
class Asked:
    """One call: what a user hands to `client.completion`, beside the model."""

    messages: list[dict[str, Any]]
    params: dict[str, Any] = field(default_factory=dict)


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20
).filter(lambda text: bool(text.strip()))
"""A text with something to see: providers refuse empty ones, and each in its own way."""

TEXTS = st.one_of(
    st.sampled_from(["Hello!", "안녕하세요?", "What is 2 + 2?", '{"a": 1}', "line\nbreak"]), _WORDS
)
_NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
_VALUES = st.one_of(
    TEXTS, st.integers(-9, 9), st.booleans(), st.lists(st.integers(0, 9), max_size=2)
)

TEXT_PARTS = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
PICTURE_PARTS = st.sampled_from(
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}},
    ]
)
DOCUMENT_PARTS = st.just(
    {
        "type": "file",
        "file": {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
    }
)


@st.composite
def tools(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to three functions, each with a schema of its own."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    return [{"type": "function", "function": draw(_functions(name))} for name in names]


@st.composite
def _functions(draw: st.DrawFn, name: str) -> dict[str, Any]:
    fields = draw(st.dictionaries(_NAMES, _SCHEMAS, max_size=3))
    required = draw(st.lists(st.sampled_from(sorted(fields)), unique=True)) if fields else []
    schema = {"type": "object", "properties": fields, "required": required}
    about = draw(st.none() | TEXTS)
    return {"name": name, **({"description": about} if about else {}), "parameters": schema}


_SCHEMAS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 0},
        {"type": "number", "description": "degrees"},
        {"type": "boolean"},
        {"type": "string", "enum": ["celsius", "fahrenheit"]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    ]
)


@st.composite
def user_messages(draw: st.DrawFn, *, pictures: bool, documents: bool) -> dict[str, Any]:
    """A text, or parts with a text among them."""
    if draw(st.booleans()):
        return {"role": "user", "content": draw(TEXTS)}
    kinds = [TEXT_PARTS]
    kinds += [PICTURE_PARTS] if pictures else []
    kinds += [DOCUMENT_PARTS] if documents else []
    parts = draw(st.lists(st.one_of(kinds), max_size=2))
    return {"role": "user", "content": [*parts, draw(TEXT_PARTS)]}


@st.composite
def tool_turns(draw: st.DrawFn, names: list[str], start: int) -> list[dict[str, Any]]:
    """An assistant's calls, at most three at once, and the answer to each."""
    called = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    calls = [
        {
            "id": f"call_{start}_{at}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": json.dumps(draw(st.dictionaries(_NAMES, _VALUES, max_size=2))),
            },
        }
        for at, name in enumerate(called)
    ]
    said = draw(st.none() | TEXTS)
    answers = [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(TEXTS)} for call in calls
    ]
    return [{"role": "assistant", "content": said, "tool_calls": calls}, *answers]


@st.composite
def asked(draw: st.DrawFn, *, pictures: bool = True, documents: bool = False) -> Asked:
    """A whole call, which ends with the user's turn or a tool's answers.

    Args:
        draw: Hypothesis's own.
        pictures: Users may send pictures, by data and by address.
        documents: Users may send PDFs.
    """
    users = user_messages(pictures=pictures, documents=documents)
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        role = draw(st.sampled_from(["system", "system", "developer"]))
        messages.append({"role": role, "content": draw(TEXTS)})
    given_tools = draw(st.none() | tools())
    names = [tool["function"]["name"] for tool in given_tools or ()]
    messages.append(draw(users))
    for turn in range(draw(st.integers(0, MAX_TURNS))):
        if names and draw(st.booleans()):
            messages += draw(tool_turns(names, turn))
        else:
            messages += [{"role": "assistant", "content": draw(TEXTS)}, draw(users)]
    return Asked(messages, draw(_params(given_tools, names)))


@st.composite
def _params(
    draw: st.DrawFn, given_tools: list[dict[str, Any]] | None, names: list[str]
) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if draw(st.booleans()):
        params["max_tokens"] = draw(st.integers(1, 4000))
    if draw(st.booleans()):
        params["temperature"] = draw(st.sampled_from([0, 0.5, 1]))
    if draw(st.booleans()):
        params["stop"] = draw(st.sampled_from(["END", ["END", "\n\n"]]))
    if given_tools:
        params["tools"] = given_tools
        named = [{"type": "function", "function": {"name": name}} for name in names]
        if choice := draw(st.sampled_from([None, "auto", "none", "required", *named])):
            params["tool_choice"] = choice
    return params
