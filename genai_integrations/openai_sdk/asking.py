"""A request that OpenAI's SDK makes, read; and what it is answered. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.openai_http import (
    Header,
    failure,
    json_of,
    model_body,
    models_body,
    with_base64,
)
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    ConfigurationError,
    GenAIError,
    RequestTimeoutError,
    UnknownModelError,
)
from genai_integrations.routing.names import Resolution
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.given import shown


class Client(Protocol):
    """What is wanted of a `GenAIClient`."""

    def completion(
        self, model: str, messages: Any, stream: bool, **params: Any
    ) -> Reply | ReplyStream:
        """A chat."""
        ...

    async def acompletion(
        self, model: str, messages: Any, stream: bool, **params: Any
    ) -> Reply | AsyncReplyStream:
        """As `completion`, without blocking the event loop."""
        ...

    def embedding(self, model: str, input: Any, **params: Any) -> Reply:  # noqa: A002  OpenAI's name
        """Embeddings."""
        ...

    async def aembedding(self, model: str, input: Any, **params: Any) -> Reply:  # noqa: A002  OpenAI's name
        """As `embedding`, without blocking the event loop."""
        ...

    def models(self) -> list[str]:
        """What connections list."""
        ...

    def resolve(self, model: str) -> Resolution:
        """What a name means."""
        ...


BASE = "http://genai.invalid/v1"
"""An address that is never looked up: the name is one that nobody has (RFC 2606)."""

CHAT, EMBEDDINGS, MODELS = "chat/completions", "embeddings", "models"

_OF_THE_SDK = (
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "openai-organization", "openai-project", "transfer-encoding", "user-agent",
)  # fmt: skip
"""Headers that the SDK sets, beside those that begin with `x-stainless-`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        path: Behind the base: `chat/completions`, `embeddings`, `models` or `models/NAME`.
        body: The request's; empty without one.
        headers: What the caller added by `extra_headers`.
        seconds: The `timeout` of the call or the SDK's client; None where there is none.
    """

    path: str
    body: Wire
    headers: Headers
    seconds: float | None

    @property
    def stream(self) -> bool:
        """Whether chunks are wanted."""
        return bool(self.body.get("stream"))

    @property
    def params(self) -> dict[str, Any]:
        """What is given on to the client, beside model, messages or input, and `stream`."""
        left = {name: row for name, row in self.body.items() if name not in _POSITIONAL}
        if self.headers:
            left["extra_headers"] = {**self.headers, **(left.get("extra_headers") or {})}
        if self.path == EMBEDDINGS:
            left.pop("encoding_format", None)
        if self.seconds is not None:
            # To the SDK it is one request, however many attempts are behind it; a stream may go on for longer.
            left.setdefault("timeout" if self.stream else "deadline", self.seconds)
        return left


_POSITIONAL = ("model", "messages", "input", "stream")


def asked(
    path: str, content: bytes, headers: Mapping[str, str], timeout: Mapping[str, Any]
) -> Asked:
    """A request.

    Args:
        path: Of the URL.
        content: The body.
        headers: The request's.
        timeout: httpx's, by `connect`, `read`, `write` and `pool`, in seconds.
    """
    more = {
        name: text
        for name, text in headers.items()
        if name not in _OF_THE_SDK and not name.startswith("x-stainless-")
    }
    body = jsonbytes.loads(content) if content else {}
    return Asked(unquote(path).removeprefix("/v1/"), body, more, timeout.get("read"))


def unknown_path(path: str) -> ConfigurationError:
    """The error for what is not served."""
    return ConfigurationError(
        f"a client of as_openai() has no {path!r}: it answers chat.completions, embeddings and models; "
        "a gateway serves the Responses API too"
    )


def listed(client: Client, path: str) -> Wire:
    """The models that connections list, or the one that is named behind `models/`, listed or not.

    Reads connections, so it may take its time.

    Raises:
        GenAIError: Nobody serves it, or connections cannot be read.
    """
    name = path.removeprefix(MODELS).removeprefix("/")
    if not name:
        return models_body(client.models())
    targets = client.resolve(name).targets
    if not targets:
        raise UnknownModelError(
            f"no connection serves {shown(name)}: models.list() has those that are listed"
        )
    return {**model_body(targets[0].name), "id": name}


def embedded(reply: Reply, asked: Asked) -> bytes:
    """The body for embeddings."""
    as_base64 = asked.body.get("encoding_format") == "base64"
    return json_of(with_base64(reply.wire) if as_base64 else reply.wire)


def never_came(error: GenAIError) -> type[GenAIError] | None:
    """What the SDK tells by an exception of its own and no status: a time-out, or no connection, of every target."""
    causes = error.attempts if isinstance(error, AllTargetsFailedError) else (error,)
    for kind in (RequestTimeoutError, APIConnectionError):
        if causes and all(isinstance(cause, kind) for cause in causes):
            return kind
    return None


def failed(error: GenAIError) -> tuple[int, bytes, list[Header]]:
    """Status, body and headers for an error."""
    told = failure(error)
    more = [(name.encode(), text.encode()) for name, text in told.headers.items()]
    return told.status, json_of(told.body), [JSON, *more]


JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")
