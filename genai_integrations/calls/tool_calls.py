"""Tool calls as servers write them, in OpenAI's form: numbered, with an id each, arguments as JSON text."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes


def whole_calls(calls: object) -> list[Wire]:
    """The calls of a whole reply; what is no object is left out."""
    seen: set[str] = set()
    return [_whole(call, seen) for call in _objects(calls)]


def _whole(call: Wire, seen: set[str]) -> Wire:
    function = call.get("function")
    if isinstance(function, dict):
        # A call without arguments has an empty object, as with OpenAI.
        arguments = _text(function.get("arguments")) or "{}"
        call["function"] = {**function, "arguments": arguments}
    call["id"] = _identity(call.get("id"), seen)
    call["type"] = call.get("type") or "function"
    return call


def function_of(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function that a call is of; a custom tool's text is its only argument, `input`."""
    custom = call.get("custom")
    if isinstance(custom, dict):
        arguments = json.dumps({"input": custom.get("input") or ""}, ensure_ascii=False)
        return {"name": custom.get("name"), "arguments": arguments}
    return call.get("function") or {}


@dataclass(slots=True)
class _Call:
    """One call of a stream, as far as it came."""

    number: int
    given: object
    name: str
    texts: list[str] = field(default_factory=list)

    def is_whole(self) -> bool:
        """Whether the arguments are an object that is complete."""
        return isinstance(_loaded("".join(self.texts)), dict)


class StreamedCalls:
    """The calls of one streamed answer.

    OpenAI sends id, type and name in the first piece of a call, only arguments in those after it, and gives each
    call a number. Others repeat the name (llama.cpp, MiniMax), number every call 0 (bridges to Gemini, SGLang) or
    none, and leave out ids.
    """

    __slots__ = ("_at", "_last", "_numbers", "_seen")

    def __init__(self) -> None:
        self._at: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._numbers: set[int] = set()
        self._seen: set[str] = set()

    def restated(self, pieces: Iterable[object]) -> list[Wire]:
        """The pieces of one delta, as OpenAI would send them."""
        fresh: list[_Call] = []
        # A call of a custom tool has no function, and comes whole.
        return [
            piece if "custom" in piece else self._restated(piece, fresh)
            for piece in _objects(pieces)
        ]

    def _restated(self, piece: Wire, fresh: list[_Call]) -> Wire:
        index, function = piece.get("index"), piece.get("function")
        call = self._at.get(index) if isinstance(index, int) else self._last
        if not isinstance(function, dict):
            function = {}
        if call is not None and not _begins_another(piece, function, call, fresh):
            return _continued(piece, function, call)
        call = self._begun(index, piece, function)
        fresh.append(call)
        text = _text(function.get("arguments"))
        call.texts.append(text)
        return {
            **piece,
            "index": call.number,
            "id": _identity(piece.get("id"), self._seen),
            "type": piece.get("type") or "function",
            "function": {**function, "arguments": text},
        }

    def _begun(self, index: object, piece: Wire, function: Wire) -> _Call:
        is_free = isinstance(index, int) and index not in self._numbers
        number = index if isinstance(index, int) and is_free else max(self._numbers, default=-1) + 1
        call = self._last = _Call(number, piece.get("id"), function.get("name") or "")
        self._numbers.add(number)
        self._at[index if isinstance(index, int) else number] = call
        return call


def _begins_another(piece: Wire, function: Wire, call: _Call, fresh: list[_Call]) -> bool:
    """Whether a piece is the first of another call, though its number says the same one."""
    name, given = function.get("name"), piece.get("id")
    if not name:
        return False
    if call in fresh or (given and call.given and given != call.given):
        return True
    if not function.get("arguments"):
        # A name beside nothing: repeated, or another one's, or the next piece of a name.
        return name != call.name and any(call.texts)
    return call.is_whole() or (name != call.name and bool(call.name))


def _continued(piece: Wire, function: Wire, call: _Call) -> Wire:
    """A later piece of a call: what it has beside id, type and a name that was told."""
    text = function.get("arguments")
    text = text if isinstance(text, str) else "" if text is None else _text(text)
    call.texts.append(text)
    said: Wire = {"arguments": text}
    name = function.get("name")
    if name and name != call.name:
        said["name"] = name
        call.name += name
    rest = {key: piece[key] for key in piece if key not in ("id", "type", "index", "function")}
    return {"index": call.number, "function": said, **rest}


def _identity(given: object, seen: set[str]) -> str:
    """The id that was given, or a new one: results are told apart by them."""
    own = given if isinstance(given, str) and given else ""
    if not own or own in seen:
        own = f"call_{uuid.uuid4().hex[:24]}"
    seen.add(own)
    return own


def arguments_in(text: str) -> Wire:
    """The arguments of a call as the object that most APIs want; what a model wrote otherwise is kept under a name."""
    if not text.strip():
        return {}
    try:
        value = jsonbytes.loads(text.encode(errors="replace"))
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"arguments": value}


_MADE_ANEW = 9
"""Characters of an id that is made for one that a provider does not take: as many as Mistral wants."""


def fitting_id(given: str, pattern: str) -> str:
    """An id that another provider gave, in the form that this one takes; the same always becomes the same."""
    if re.fullmatch(pattern, given):
        return given
    return hashlib.sha256(given.encode(errors="replace")).hexdigest()[:_MADE_ANEW]


def _text(arguments: object) -> str:
    """Arguments as JSON text, which some servers send as an object, or encode twice; Groq says `null` for none."""
    if arguments is None:
        return ""
    if arguments == "null":
        return "{}"
    if not isinstance(arguments, str):
        return json.dumps(arguments, ensure_ascii=False)
    if arguments[:1] == '"':
        inner = _loaded(arguments)
        if isinstance(inner, str) and isinstance(_loaded(inner), dict):
            return inner
    return arguments


def _loaded(text: str) -> object:
    try:
        return jsonbytes.loads(text.encode())
    except ValueError:
        return None


def _objects(items: object) -> list[Wire]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
