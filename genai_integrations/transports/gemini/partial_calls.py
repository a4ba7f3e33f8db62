"""Calls whose arguments come value by value, put together to whole ones.

Vertex AI sends them so if `streamFunctionCallArguments` is set:
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling, "Streaming function call arguments".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]")
"""One step of a path: `.name`, `[0]`, `['name']`."""

_MOST_ITEMS = 100_000
"""A place in a list that no answer has."""

_VALUES = ("stringValue", "numberValue", "boolValue")


class PartialCalls:
    """Holds the call that is under way."""

    __slots__ = ("_args", "_call")

    def __init__(self) -> None:
        self._call: Wire | None = None
        self._args: Wire = {}

    def whole(self, parts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The parts, with a whole call where one became whole."""
        for part in parts:
            call = part.get("functionCall")
            if not isinstance(call, Mapping) or not (self._call or "willContinue" in call):
                yield part
                continue
            if call.get("name"):
                yield from self.rest()
                self._call = {**part, "functionCall": {**call}}
                self._args = dict(call.get("args") or {})
            for piece in call.get("partialArgs") or ():
                self._put(piece)
            if not call.get("willContinue"):
                yield from self.rest()

    def rest(self) -> Iterator[Mapping[str, Any]]:
        """The call that is under way, as far as it came."""
        if self._call is not None:
            call = self._call["functionCall"]
            kept = {name: call[name] for name in ("id", "name") if name in call}
            yield {**self._call, "functionCall": {**kept, "args": self._args}}
            self._call, self._args = None, {}

    def _put(self, piece: Mapping[str, Any]) -> None:
        """Set one value, or go on with a text."""
        steps = [
            int(index) if index else name or quoted
            for name, index, quoted in _STEP.findall(str(piece.get("jsonPath")))
        ]
        value = next((piece[name] for name in _VALUES if name in piece), None)
        place: Any = self._args
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            known = _at(place, step)
            if following is not None:
                value_there = known if isinstance(known, (dict, list)) else _room(following)
            else:
                goes_on = isinstance(known, str) and isinstance(value, str)
                value_there = known + value if goes_on else value
            if not _set(place, step, value_there):
                return
            place = value_there


def _room(step: str | int) -> Any:
    return [] if isinstance(step, int) else {}


def _at(place: Any, step: str | int) -> Any:
    if isinstance(place, list) and isinstance(step, int):
        return place[step] if step < len(place) else None
    return place.get(step) if isinstance(place, dict) else None


def _set(place: Any, step: str | int, value: Any) -> bool:
    if isinstance(place, list) and isinstance(step, int) and step < _MOST_ITEMS:
        place += [None] * (step + 1 - len(place))
        place[step] = value
        return True
    if isinstance(place, dict):
        place[step] = value
        return True
    return False
