"""A stream's chunks put together again to the reply they are the pieces of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.transports.wire import Wire

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
"""Fields of a delta that are pieces of a text; every other field is a whole value."""


class Assembly:
    """Takes chunks, gives the reply. Chunks are not changed, and not kept."""

    def __init__(self) -> None:
        self._head: Wire = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Wire) -> None:
        """Take the next chunk."""
        for choice in chunk.get("choices") or ():
            at = choice.get("index") or 0
            own = self._choices.get(at)
            if own is None:
                own = self._choices[at] = _Choice()
                self._head = self._head or {
                    key: value for key, value in chunk.items() if key not in ("choices", "usage")
                }
            own.add(choice)

    def wire(self, usage: Mapping[str, Any] | None) -> Wire:
        """The reply, as far as it came.

        Args:
            usage: Of the whole stream, if it was reported.
        """
        choices = [own.wire(at) for at, own in sorted(self._choices.items())]
        reply = {**self._head, "object": "chat.completion", "choices": choices}
        return {**reply, "usage": dict(usage)} if usage else reply


class _Choice:
    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._fields: Wire = {}
        self._calls: dict[int, _Call] = {}
        self._logprobs: list[Any] = []
        self._finish: str | None = None

    def add(self, choice: Wire) -> None:
        self._finish = choice.get("finish_reason") or self._finish
        self._logprobs += (choice.get("logprobs") or {}).get("content") or ()
        for name, value in (choice.get("delta") or {}).items():
            if name in _TEXTS:
                if value:
                    self._texts.setdefault(name, []).append(value)
            elif name == "tool_calls":
                self._add_calls(value or ())
            elif value is not None:
                self._fields[name] = value

    def wire(self, index: int) -> Wire:
        texts = {name: "".join(pieces) for name, pieces in self._texts.items()}
        message = {"role": "assistant", "content": None, **self._fields, **texts}
        if self._calls:
            message["tool_calls"] = [call.wire() for _, call in sorted(self._calls.items())]
        choice = {"index": index, "message": message, "finish_reason": self._finish}
        return {**choice, "logprobs": {"content": self._logprobs}} if self._logprobs else choice

    def _add_calls(self, pieces: Any) -> None:
        for piece in pieces:
            at = piece.get("index") or 0
            self._calls.setdefault(at, _Call()).add(piece)


class _Call:
    def __init__(self) -> None:
        self._fields: Wire = {}
        self._function: Wire = {}
        self._arguments: list[str] = []

    def add(self, piece: Wire) -> None:
        for name, value in piece.items():
            if name == "function":
                self._add_function(value or {})
            elif name != "index" and value is not None:
                self._fields[name] = value

    def wire(self) -> Wire:
        function = {**self._function, "arguments": "".join(self._arguments)}
        return {"type": "function", **self._fields, "function": function}

    def _add_function(self, piece: Wire) -> None:
        for name, value in piece.items():
            if name == "arguments":
                self._arguments.append(value or "")
            elif value:
                self._function[name] = value
