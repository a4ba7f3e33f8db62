"""Answers of servers that copied OpenAI's dialect with words of their own, in OpenAI's words."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import Any

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire
from genai_integrations.transports.chunks import ClosableChunks

Restate = Callable[[Wire], Wire]
"""Changes an answer or chunk in place, and returns it."""


def restated_stream(chunks: Chunks, restate: Restate) -> ClosableChunks:
    """The chunks, each restated."""
    return ClosableChunks(_restated(chunks, restate), chunks.close)


def _restated(chunks: Chunks, restate: Restate) -> Generator[Wire]:
    with contextlib.closing(chunks):
        for chunk in chunks:
            yield restate(chunk)


class RestatedChunks:
    """The chunks of an asynchronous stream, each restated."""

    def __init__(self, chunks: AsyncChunks, restate: Restate) -> None:
        self._chunks = chunks
        self._restate = restate

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self

    async def __anext__(self) -> Wire:
        return self._restate(await self._chunks.__anext__())

    async def aclose(self) -> None:
        """Stop, and let the provider know."""
        await self._chunks.aclose()


def _mistral(wire: Wire) -> Wire:
    """Its reasoning models answer with a list of thoughts and texts in place of the text."""
    for said in _said(wire):
        content = said.get("content")
        if not isinstance(content, list):
            continue
        parts = [part for part in content if isinstance(part, dict)]
        thoughts = [part.get("thinking") for part in parts if part.get("type") == "thinking"]
        said["content"] = _joined(parts) or None
        if thoughts:
            said["reasoning_content"] = "".join(map(_joined, thoughts))
    return wire


def _xai(wire: Wire) -> Wire:
    """A tool call ends with an empty reason, and thoughts are counted beside the answer, not in it."""
    for choice in wire.get("choices") or ():
        said = choice.get("message") or choice.get("delta") or {}
        if choice.get("finish_reason") == "" and said.get("tool_calls"):
            choice["finish_reason"] = "tool_calls"
    usage = wire.get("usage") or {}
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    answered = usage.get("completion_tokens") or 0
    if thought and usage.get("total_tokens") == usage.get("prompt_tokens", 0) + answered + thought:
        usage["completion_tokens"] = answered + thought
    return wire


def _voyage(wire: Wire) -> Wire:
    """Only the sum of tokens is told, and all of them are the prompt's."""
    usage = wire.get("usage") or {}
    if "total_tokens" in usage:
        usage.setdefault("prompt_tokens", usage["total_tokens"])
    return wire


RESTATED: Mapping[str, Restate] = {"mistral": _mistral, "voyage": _voyage, "xai": _xai}
"""What to do with the answers of a provider, by its name; of all others nothing differs."""


def _said(wire: Wire) -> Iterator[dict[str, Any]]:
    for choice in wire.get("choices") or ():
        said = choice.get("message") or choice.get("delta")
        if isinstance(said, dict):
            yield said


def _joined(parts: object) -> str:
    """The texts among the parts, as one."""
    if not isinstance(parts, list):
        return parts if isinstance(parts, str) else ""
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
