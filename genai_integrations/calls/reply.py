"""Replies and chunks: OpenAI's wire shape with attributes, wrapped only where they are looked at.

Each class says by annotations which fields OpenAI's API defines: type checkers and editors read them there, and so do
`__dir__` and `__getattr__`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

from genai_integrations.calls.dumping import dumped, dumped_json
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire

T = TypeVar("T")

_NAME = re.compile(r"\w+")


class WireObject:
    """A wire dict whose keys are attributes too.

    A field that OpenAI's API defines but the provider left out reads as None. `wire` is the dict itself.
    """

    __slots__ = ("wire",)
    _fields: ClassVar[Mapping[str, type[WireObject] | None]] = {}
    _classes: ClassVar[dict[str, type[WireObject]]] = {}

    def __init_subclass__(cls) -> None:
        """Read the annotations: a field's name, and the class of ours that its value is wrapped in."""
        super().__init_subclass__()
        WireObject._classes[cls.__name__] = cls
        own = {name: _class_in(str(told)) for name, told in cls.__annotations__.items()}
        cls._fields = {**cls._fields, **own}

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def __getattr__(self, name: str) -> Any:
        if name == "wire" or name.startswith("__"):
            raise AttributeError(name)
        if name not in self.wire and name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return _wrapped(self.wire.get(name), self._fields.get(name) or WireObject)

    def __dir__(self) -> Iterable[str]:
        """For people who press Tab: OpenAI's fields, and what the provider added."""
        added = (name for name in self.wire if isinstance(name, str) and name.isidentifier())
        return sorted({*super().__dir__(), *self._fields, *added})

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

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        exclude_none: bool = False,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
    ) -> Wire:
        """A copy as plain dicts, as OpenAI's objects give it.

        Args:
            mode: `python`, or `json` for values that JSON has.
            include: Only these keys, of the object itself.
            exclude: All but these.
            exclude_none: Leave out what is None, at any depth.
            exclude_unset: Of no effect, as nothing is in a reply that its provider did not set.
            exclude_defaults: As `exclude_none`: the default of every field is None.
        """
        del exclude_unset
        without_none = exclude_none or exclude_defaults
        return dumped(self.wire, mode, include, exclude, without_none=without_none)

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        exclude_none: bool = False,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
    ) -> str:
        """The wire form as JSON, with so many spaces to a level; takes what `model_dump` takes."""
        del exclude_unset
        without_none = exclude_none or exclude_defaults
        wire = dumped(self.wire, "python", include, exclude, without_none=without_none)
        return dumped_json(wire, indent)

    def to_dict(
        self,
        *,
        mode: Literal["python", "json"] = "python",
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, object]:
        """As `model_dump`, under the name that OpenAI's objects have beside it."""
        return self.model_dump(
            mode=mode,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )

    def to_json(
        self,
        *,
        indent: int | None = 2,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """As `model_dump_json`, in the same way."""
        return self.model_dump_json(
            indent=indent,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireObject) and self.wire == other.wire

    __hash__ = None  # type: ignore[assignment]  # mutable, as a dict is

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.wire!r})"


def _class_in(annotation: str) -> type[WireObject] | None:
    """The class of ours that an annotation names, such as `list[Choice]`; None where it names none."""
    found = (WireObject._classes.get(word) for word in _NAME.findall(annotation))  # noqa: SLF001  ours
    return next(filter(None, found), None)


def _wrapped(value: object, kind: type[WireObject]) -> Any:
    if isinstance(value, dict):
        return kind(value)
    if isinstance(value, list):
        return [_wrapped(item, kind) for item in value]
    return value


class Function(WireObject):
    """The function part of a tool call; `arguments` is JSON text."""

    __slots__ = ()
    name: str
    arguments: str


class ToolCall(WireObject):
    """One tool call."""

    __slots__ = ()
    id: str
    type: str
    index: int | None
    function: Function


class Message(WireObject):
    """A message, or the delta of one."""

    __slots__ = ()
    role: str
    content: str | None
    refusal: str | None
    annotations: list[WireObject] | None
    audio: WireObject | None
    reasoning_content: str | None
    function_call: Function | None
    tool_calls: list[ToolCall] | None


class Choice(WireObject):
    """One alternative of an answer; its `message`, or in a stream its `delta`."""

    __slots__ = ()
    index: int
    finish_reason: str | None
    logprobs: WireObject | None
    message: Message
    delta: Message


class TokenDetails(WireObject):
    """Tokens that a sum is made of."""

    __slots__ = ()
    cached_tokens: int | None
    reasoning_tokens: int | None
    audio_tokens: int | None


class Usage(WireObject):
    """Tokens."""

    __slots__ = ()
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: TokenDetails | None
    completion_tokens_details: TokenDetails | None


class Embedding(WireObject):
    """One text's vector."""

    __slots__ = ()
    index: int
    object: str
    embedding: list[float]


class Chunk(WireObject):
    """One piece of a streamed answer, shaped as OpenAI's `ChatCompletionChunk`.

    `restarted` is true where the stream broke and begins anew: what came before is to be dropped.
    """

    __slots__ = ()
    id: str
    object: str
    created: int
    model: str
    service_tier: str | None
    system_fingerprint: str | None
    restarted: bool | None
    choices: list[Choice]
    usage: Usage | None

    @property
    def text(self) -> str:
        """What the first choice's delta says, or why it refuses; empty where it brings something else."""
        for choice in self.wire.get("choices") or ():
            # With `n=2` most chunks have one choice, which may be the second.
            if not choice.get("index"):
                delta = choice.get("delta") or {}
                return delta.get("content") or delta.get("refusal") or ""
        return ""


class Reply(Chunk):
    """An answer, shaped as OpenAI's `ChatCompletion` or `CreateEmbeddingResponse`.

    Attributes:
        wire: The answer as plain dicts.
        route: Every attempt that led to it.
    """

    __slots__ = ("route",)
    data: list[Embedding]

    def __init__(self, wire: Wire, route: Route) -> None:
        super().__init__(wire)
        self.route = route

    @property
    def text(self) -> str:
        """What the first choice says, or why it refuses; empty where it only calls tools, and for embeddings."""
        message = self._first_message()
        return message.get("content") or message.get("refusal") or ""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the first choice calls; empty for none."""
        return [ToolCall(call) for call in self._first_message().get("tool_calls") or ()]

    def _first_message(self) -> Wire:
        choices = self.wire.get("choices")
        return (choices[0].get("message") if choices else None) or {}

    @property
    def parsed(self) -> Any:
        """What the answer's JSON says; an object, where a class was given as `response_format`: see `ParsedReply`.

        Raises:
            InvalidReplyError: The model refused, its answer was cut, or is not what was asked for.
        """
        from genai_integrations.calls.parsing import parsed_json

        return parsed_json(self.wire)

    @property
    def request_id(self) -> str | None:
        """The provider's id of the request that was answered, for its support; None if it gave none."""
        return self.route.attempts[-1].request_id if self.route.attempts else None

    _request_id = request_id  # OpenAI's name

    def __dir__(self) -> Iterable[str]:
        """Without what an answer of this kind never has."""
        hidden = ("choices", "tool_calls", "parsed") if "data" in self.wire else ("data",)
        return [name for name in super().__dir__() if name not in hidden]

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.calls.views import reply_bundle

        return reply_bundle(self)


class ParsedReply(Reply, Generic[T]):
    """A reply to a call with a class as `response_format`: `parsed` is an instance of it.

    Args:
        wire: The answer as plain dicts.
        route: Every attempt that led to it.
        parse: Makes the object.
    """

    __slots__ = ("_parse",)

    def __init__(self, wire: Wire, route: Route, parse: Callable[[Wire], T]) -> None:
        super().__init__(wire, route)
        self._parse = parse

    @property
    def parsed(self) -> T:
        """The object; made again each time it is asked for. Raises as `Reply.parsed`."""
        return self._parse(self.wire)
