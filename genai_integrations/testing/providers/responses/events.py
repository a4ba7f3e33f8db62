"""A response as the events of a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.testing.providers.dialect import Piece

_WORDS = re.compile(r"\s*\S+|\s+$")
_FRAGMENT = 6
_Event = tuple[str, dict[str, Any]]


def event(value: Mapping[str, object]) -> bytes:
    """One event."""
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return f"event: {value['type']}\n".encode() + b"data: " + data + b"\n\n"


def pieces_of(response: Mapping[str, Any], texts: Sequence[str] | None) -> list[Piece]:
    """The events of a whole stream.

    Args:
        response: What is streamed.
        texts: The pieces of its text; None for words.
    """
    pieces = []
    for number, (kind, rest) in enumerate(_events(response, texts)):
        value = {"type": f"response.{kind}", "sequence_number": number, **rest}
        # As with the events of chat completions, the opening of a call is content.
        content = kind.endswith(".delta") or _opens_a_call(rest)
        pieces.append(Piece(event(value), content, closing=kind in _LAST))
    return pieces


_LAST = ("completed", "incomplete", "failed")


def _opens_a_call(rest: Mapping[str, Any]) -> bool:
    item = rest.get("item") or {}
    return item.get("type") == "function_call" and item["status"] == "in_progress"


def _events(response: Mapping[str, Any], texts: Sequence[str] | None) -> Iterator[_Event]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield "created", {"response": begun}
    yield "in_progress", {"response": begun}
    for at, item in enumerate(response["output"]):
        tell = _TELLERS.get(item["type"])
        opened = {**item, "status": "in_progress", **_EMPTY.get(item["type"], {})}
        if item["type"] == "reasoning":
            del opened["status"]
        yield "output_item.added", {"output_index": at, "item": opened}
        where = {"output_index": at, "item_id": item["id"]}
        if tell is not None:
            yield from tell(item, where, texts)
        yield "output_item.done", {"output_index": at, "item": item}
    yield response["status"], {"response": response}


_EMPTY: Mapping[str, dict[str, Any]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


def _message(
    item: Mapping[str, Any], where: dict[str, Any], texts: Sequence[str] | None
) -> Iterator[_Event]:
    for at, part in enumerate(item["content"]):
        here = {**where, "content_index": at}
        is_text = part["type"] == "output_text"
        empty = {**part, "text": ""} if is_text else {"type": "refusal", "refusal": ""}
        yield "content_part.added", {**here, "part": empty}
        if is_text:
            yield from _text(part, here, texts)
        else:
            for word in _WORDS.findall(part["refusal"]):
                yield "refusal.delta", {**here, "delta": word}
            yield "refusal.done", {**here, "refusal": part["refusal"]}
        yield "content_part.done", {**here, "part": part}


def _text(
    part: Mapping[str, Any], here: dict[str, Any], texts: Sequence[str] | None
) -> Iterator[_Event]:
    words = texts if texts is not None else _WORDS.findall(part["text"])
    logprobs = part.get("logprobs") or ()
    for at, word in enumerate(words):
        yield "output_text.delta", {**here, "delta": word, "logprobs": list(logprobs[at : at + 1])}
    for at, note in enumerate(part.get("annotations") or ()):
        yield "output_text.annotation.added", {**here, "annotation_index": at, "annotation": note}
    yield "output_text.done", {**here, "text": part["text"], "logprobs": list(logprobs)}


def _reasoning(
    item: Mapping[str, Any], where: dict[str, Any], _texts: Sequence[str] | None
) -> Iterator[_Event]:
    for at, part in enumerate(item["summary"]):
        here = {**where, "summary_index": at}
        yield "reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}
        for word in _WORDS.findall(part["text"]):
            yield "reasoning_summary_text.delta", {**here, "delta": word}
        yield "reasoning_summary_text.done", {**here, "text": part["text"]}
        yield "reasoning_summary_part.done", {**here, "part": part}


def _function(
    item: Mapping[str, Any], where: dict[str, Any], _texts: Sequence[str] | None
) -> Iterator[_Event]:
    for piece in _fragments(item["arguments"]):
        yield "function_call_arguments.delta", {**where, "delta": piece}
    yield "function_call_arguments.done", {**where, "arguments": item["arguments"]}


def _custom(
    item: Mapping[str, Any], where: dict[str, Any], _texts: Sequence[str] | None
) -> Iterator[_Event]:
    for piece in _fragments(item["input"]):
        yield "custom_tool_call_input.delta", {**where, "delta": piece}
    yield "custom_tool_call_input.done", {**where, "input": item["input"]}


def _search(
    _item: Mapping[str, Any], where: dict[str, Any], _texts: Sequence[str] | None
) -> Iterator[_Event]:
    for state in ("in_progress", "searching", "completed"):
        yield f"web_search_call.{state}", where


_TELLERS: Mapping[str, Callable[..., Iterator[_Event]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function,
    "custom_tool_call": _custom,
    "web_search_call": _search,
}


def _fragments(text: str) -> Iterator[str]:
    return (text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT))
