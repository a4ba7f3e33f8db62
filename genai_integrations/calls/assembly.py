"""A stream's chunks put together again to the reply they are the pieces of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from genai_integrations.calls.wire import Wire

_TEXTS = frozenset(
    (
        "arguments",
        "content",
        "data",
        "reasoning",
        "reasoning_content",
        "refusal",
        "summary",
        "text",
        "thinking",
        "transcript",
    )
)
"""Fields that are pieces of a text, at whatever depth. Of other plain values the last one counts."""

_K = TypeVar("_K", "_Object", "_List")


class Assembly:
    """Takes chunks, gives the reply. Chunks are not changed, and not kept; what is odd in one is left out."""

    def __init__(self) -> None:
        self._head: Wire = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Wire) -> None:
        """Take the next chunk."""
        for choice in chunk.get("choices") or ():
            at = choice.get("index")
            at = at if isinstance(at, int) else 0
            own = self._choices.get(at)
            if own is None:
                own = self._choices[at] = _Choice()
                self._head = self._head or {
                    key: value for key, value in chunk.items() if key not in ("choices", "usage")
                }
            own.add(choice)

    def wire(self, usage: Mapping[str, object] | None) -> Wire:
        """The reply, as far as it came.

        Args:
            usage: Of the whole stream, if it was reported.
        """
        choices = [own.wire(at) for at, own in sorted(self._choices.items())]
        reply = {**self._head, "object": "chat.completion", "choices": choices}
        return {**reply, "usage": dict(usage)} if usage else reply


class _Choice:
    def __init__(self) -> None:
        self._message = _Object()
        self._logprobs = _Object()
        self._finish: str | None = None

    def add(self, choice: Wire) -> None:
        self._finish = choice.get("finish_reason") or self._finish
        if choice.get("logprobs"):
            self._logprobs.add(choice["logprobs"])
        self._message.add(choice.get("delta"))

    def wire(self, index: int) -> Wire:
        said = {name: value for name, value in self._message.wire().items() if value != ""}
        message = {"role": "assistant", "content": None, **said}
        choice = {"index": index, "message": message, "finish_reason": self._finish}
        logprobs = self._logprobs.wire()
        return {**choice, "logprobs": logprobs} if logprobs else choice


class _Object:
    """An object that arrives in pieces."""

    def __init__(self) -> None:
        self._values: Wire = {}
        self._texts: dict[str, list[str]] = {}
        self._inner: dict[str, _Object | _List] = {}

    def add(self, piece: object) -> None:
        if not isinstance(piece, dict):
            return
        for name, value in piece.items():
            if isinstance(value, str) and name in _TEXTS:
                self._texts.setdefault(name, []).append(value)
            elif isinstance(value, dict):
                self._at(name, _Object).add(value)
            elif isinstance(value, list):
                self._at(name, _CONTINUED.get(name, _List)).add(value)
            elif value is not None and value != "":
                self._values[name] = value

    def wire(self) -> Wire:
        inner = {name: part.wire() for name, part in self._inner.items()}
        texts = {name: "".join(pieces) for name, pieces in self._texts.items()}
        return {**self._values, **inner, **texts}

    def _at(self, name: str, kind: type[_K]) -> _K:
        """What grows under a name; where its kind changes, the new one counts."""
        found = self._inner.get(name)
        if type(found) is kind:
            return found
        fresh = self._inner[name] = kind()
        return fresh


class _List:
    """A list whose items are whole."""

    def __init__(self) -> None:
        self._found: list[object] = []

    def add(self, items: list[object]) -> None:
        self._found += items

    def wire(self) -> list[object]:
        return self._found


class _Items(_List):
    """A list whose items arrive in pieces, which say by `index` what they belong to, or go on with the last one."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[object, _Object] = {}

    def add(self, items: list[object]) -> None:
        for item in items:
            if isinstance(item, dict):
                self._place(item).add({key: item[key] for key in item if key != "index"})

    def wire(self) -> list[object]:
        return [place.wire() for place in self._places.values()]

    def _place(self, item: Wire) -> _Object:
        index = item.get("index")
        if not isinstance(index, int):
            # Servers that leave it out send each call whole, with an id.
            last = len(self._places) - 1
            index = last + 1 if item.get("id") or last < 0 else last
        return self._places.setdefault(index, _Object())


class _Details(_Items):
    """OpenRouter's `reasoning_details`: a text and its signature may have one index, and it goes back as it came."""

    def add(self, items: list[object]) -> None:
        for item in items:
            if isinstance(item, dict):
                index = item.get("index")
                known = index if isinstance(index, int) else len(self._places)
                self._places.setdefault((known, item.get("type")), _Object()).add(item)


_CONTINUED: Mapping[str, type[_List]] = {
    "reasoning_details": _Details,
    "thinking_blocks": _Items,
    "tool_calls": _Items,
}
"""Lists whose items come in pieces. Other lists come item by item."""
