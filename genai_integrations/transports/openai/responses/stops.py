"""Stop sequences, which the Responses API does not have: what it says is cut as the chat API would have cut it.

The text behind a stop is generated, and paid for, all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.transports.openai.responses.events import ResponseEvents


def stops_of(body: Wire) -> tuple[str, ...]:
    """The stop sequences that a request asks for."""
    given = body.get("stop") or ()
    stops = (given,) if isinstance(given, str) else given
    return tuple(stop for stop in stops if isinstance(stop, str) and stop)


def cut(reply: Wire, stops: Sequence[str]) -> Wire:
    """A completion that ends where its text has the first stop; changed in place."""
    for choice in reply["choices"]:
        message = choice["message"]
        text = message.get("content") or ""
        end = _end(text, stops)
        if end is not None:
            _end_at(choice, "message", text[:end])
    return reply


def _end(text: str, stops: Iterable[str]) -> int | None:
    """Where the first stop in a text begins; None if there is none."""
    return min((at for stop in stops if (at := text.find(stop)) >= 0), default=None)


def _end_at(choice: Wire, name: str, text: str) -> None:
    """What came behind the text was not to be said: calls, and the output that would be given back."""
    said = choice[name]
    kept: dict[str, Any] = {"content": text} if text or name == "message" else {}
    for key in said:
        if key not in ("content", "tool_calls", "provider_specific_fields"):
            kept[key] = said[key]
    choice[name] = kept
    choice["finish_reason"] = "stop"


class StoppedEvents:
    """The events of a stream, as `Events`, whose text ends at the first stop.

    Args:
        stops: The stop sequences.

    Attributes:
        ended: The response is whole.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.ended = False
        self._events = ResponseEvents()
        self._stops = stops
        self._held = ""
        self._is_over = False

    def take(self, event: Wire) -> Iterator[Wire]:
        """The chunks that an event stands for, without text that is, or may become, a stop."""
        for chunk in self._events.take(event):
            choice = chunk["choices"][0]
            if "error" not in choice:
                self._cut(choice)
            if choice["delta"] or choice["finish_reason"] or "error" in choice:
                yield chunk
        self.ended = self._events.ended

    def finish(self) -> Iterable[Wire]:
        """What is held back is told with the last event; without that, the stream is broken."""
        return ()

    def _cut(self, choice: Wire) -> None:
        delta, is_last = choice["delta"], choice["finish_reason"]
        if self._is_over:
            choice["delta"] = {}
            if is_last:
                choice["finish_reason"] = "stop"
            return
        text = self._held + (delta.get("content") or "")
        end = _end(text, self._stops)
        if end is not None:
            self._is_over = True
            _end_at(choice, "delta", text[:end])
            choice["finish_reason"] = "stop" if is_last else None
            return
        self._held = "" if is_last or "tool_calls" in delta else self._beginning(text)
        shown = text.removesuffix(self._held) if self._held else text
        choice["delta"] = {name: delta[name] for name in delta if name != "content"}
        if shown:
            choice["delta"]["content"] = shown

    def _beginning(self, text: str) -> str:
        """The end of a text that may be the beginning of a stop."""
        sizes = range(min(len(text), max(map(len, self._stops)) - 1), 0, -1)
        tails = (text[-size:] for size in sizes)
        return next((tail for tail in tails if any(s.startswith(tail) for s in self._stops)), "")
