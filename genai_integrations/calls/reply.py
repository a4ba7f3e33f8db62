"""Replies and chunks: OpenAI's wire shape with attributes, wrapped only where they are looked at."""

from __future__ import annotations

import copy
from collections.abc import Iterator, KeysView, Mapping
from typing import Any, ClassVar

from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes


class WireObject:
    """A wire dict whose keys are attributes too.

    A field that OpenAI's API defines but the provider left out reads as None. `wire` is the dict itself.
    """

    __slots__ = ("wire",)
    _fields: ClassVar[Mapping[str, type[WireObject] | None]] = {}

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def __getattr__(self, name: str) -> Any:
        if name == "wire" or name.startswith("__"):
            raise AttributeError(name)
        if name not in self.wire and name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return _wrapped(self.wire.get(name), self._fields.get(name) or WireObject)

    def __getitem__(self, key: str) -> Any:
        return self.wire[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.wire)

    def keys(self) -> KeysView[str]:
        """As of a dict, so that `dict(reply)` works."""
        return self.wire.keys()

    def __contains__(self, key: object) -> bool:
        return key in self.wire

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict: the plain value."""
        return self.wire.get(key, default)

    def model_dump(self) -> Wire:
        """A copy as plain dicts."""
        return copy.deepcopy(self.wire)

    def model_dump_json(self) -> str:
        """The wire form as JSON."""
        return jsonbytes.dumps(self.wire).decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireObject) and self.wire == other.wire

    __hash__ = None  # type: ignore[assignment]  # mutable, as a dict is

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.wire!r})"


def _wrapped(value: object, kind: type[WireObject]) -> Any:
    if isinstance(value, dict):
        return kind(value)
    if isinstance(value, list):
        return [_wrapped(item, kind) for item in value]
    return value


def _optional(*names: str) -> dict[str, type[WireObject] | None]:
    return dict.fromkeys(names)


class Function(WireObject):
    """The function part of a tool call; `arguments` is JSON text."""

    __slots__ = ()
    _fields = _optional("name", "arguments")


class ToolCall(WireObject):
    """One tool call."""

    __slots__ = ()
    _fields: ClassVar = {**_optional("id", "type", "index"), "function": Function}


class Message(WireObject):
    """A message, or the delta of one."""

    __slots__ = ()
    _fields: ClassVar = {
        **_optional("role", "content", "refusal", "annotations", "audio", "reasoning_content"),
        "function_call": Function,
        "tool_calls": ToolCall,
    }


class Choice(WireObject):
    """One alternative of an answer."""

    __slots__ = ()
    _fields: ClassVar = {
        **_optional("index", "finish_reason", "logprobs"),
        "message": Message,
        "delta": Message,
    }


class Usage(WireObject):
    """Tokens."""

    __slots__ = ()
    _fields = _optional(
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    )


class Chunk(WireObject):
    """One piece of a streamed answer, shaped as OpenAI's `ChatCompletionChunk`.

    `restarted` is true where the stream broke and begins anew: what came before is to be dropped.
    """

    __slots__ = ()
    _fields: ClassVar = {
        **_optional(
            "id", "object", "created", "model", "service_tier", "system_fingerprint", "restarted"
        ),
        "choices": Choice,
        "usage": Usage,
    }


class Reply(Chunk):
    """An answer, shaped as OpenAI's `ChatCompletion` or `CreateEmbeddingResponse`.

    Attributes:
        wire: The answer as plain dicts.
        route: Every attempt that led to it.
    """

    __slots__ = ("route",)
    _fields: ClassVar = {**Chunk._fields, **_optional("data")}

    def __init__(self, wire: Wire, route: Route) -> None:
        super().__init__(wire)
        self.route = route

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.calls.views import reply_bundle

        return reply_bundle(self)
