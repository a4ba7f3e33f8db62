"""A class as `response_format`: the schema that is asked for, and the answer as an object of the class."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.json_text import json_in
from genai_integrations.calls.schemas import strict_schema
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError, InvalidReplyError
from genai_integrations.runtime.plain import one_line

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Parse = Callable[[Wire], Any]
"""Takes a whole answer, gives what it stands for."""

_LONGEST_REASON = 300
_LONGEST_NAME = 64
_MOST_KINDS = 256
"""Classes whose schema is remembered: making one takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes an object of an answer; what it makes goes through a pickle where its class does."""

    kind: type

    def __call__(self, wire: Wire) -> Any:
        """The object. Raises as `Reply.parsed`."""
        return _read(wire, _adapter(self.kind).validate_json, self.kind.__name__)


@lru_cache(_MOST_KINDS)
def enforced(kind: type) -> tuple[Wire, Reader]:
    """What is asked for in place of a class, and what reads the answer; the same objects each time.

    The schema is strict where OpenAI's subset has a form of it that accepts the same.

    Args:
        kind: A Pydantic model, dataclass or TypedDict.

    Raises:
        ConfigurationError: It is another class, or Pydantic cannot make a schema of it.
    """
    from pydantic.errors import PydanticUserError

    try:
        schema = _adapter(kind).json_schema()
    except (PydanticUserError, TypeError) as error:
        raise _no_schema(kind, f"Pydantic says {error}") from None
    if schema.get("type") != "object" and "$ref" not in schema:
        found = schema.get("type", "anything")
        raise _no_schema(kind, f"its schema describes {found}, not an object")
    closed = strict_schema(schema)
    name = "".join(letter for letter in kind.__name__ if letter.isascii() and letter.isalnum())
    form = {
        "name": name[:_LONGEST_NAME] or "answer",
        "schema": schema if closed is None else closed,
        "strict": closed is not None,
    }
    return {"type": "json_schema", "json_schema": form}, Reader(kind)


@lru_cache(_MOST_KINDS)
def _adapter(kind: type) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def parsed_json(wire: Wire) -> Any:
    """What the JSON of an answer says.

    Raises:
        InvalidReplyError: The model refused, the answer was cut, or is no JSON.
    """
    return _read(wire, json.loads, "JSON")


def _read(wire: Wire, read: Callable[[str], Any], wanted: str) -> Any:
    choice: Mapping[str, Any] = next(iter(wire.get("choices") or ()), {})
    message = choice.get("message") or {}
    if refusal := message.get("refusal"):
        raise InvalidReplyError(f"the model refused: {one_line(refusal, _LONGEST_REASON)}")
    text, reason = message.get("content"), choice.get("finish_reason")
    if reason == "length":
        raise InvalidReplyError("the answer was cut off by its token limit: raise max_tokens")
    if not text:
        raise InvalidReplyError(f"the answer has no text to read (finish_reason: {reason})")
    try:
        return read(json_in(text))
    except ValueError as error:
        # Pydantic's errors are ValueErrors, as JSON's are.
        why = one_line(str(error), _LONGEST_REASON)
        raise InvalidReplyError(f"the answer does not fit {wanted}: {why}") from None


def _no_schema(kind: type, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"response_format={kind.__name__} cannot be asked for ({one_line(why, _LONGEST_REASON)}): "
        "give a Pydantic model, a dataclass, a TypedDict or OpenAI's dict"
    )
