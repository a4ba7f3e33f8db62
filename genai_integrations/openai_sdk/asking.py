"""A request that OpenAI's SDK makes, read; and what it is answered. No I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from genai_integrations.apis.responses.replies import response_of
from genai_integrations.apis.responses.requests import SAID_OTHERWISE, chat_of
from genai_integrations.apis.told import FIELD, told
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
from genai_integrations.calls.wire import Relayed, Wire
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


class Question(NamedTuple):
    """What is asked of a client.

    Attributes:
        ask: Asks it from a thread.
        aask: Asks the same from an event loop.
        given: Positional arguments of either.
        params: The others.
    """

    ask: Callable[..., Any]
    aask: Callable[..., Awaitable[Any]]
    given: tuple[Any, ...]
    params: Mapping[str, Any]


BASE = "http://genai.invalid/v1"
"""An address that is never looked up: the name is one that nobody has (RFC 2606)."""

CHAT, EMBEDDINGS, MODELS, RESPONSES = "chat/completions", "embeddings", "models", "responses"

_OF_THE_SDK = (
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "openai-organization", "openai-project", "transfer-encoding", "user-agent",
)  # fmt: skip
"""Headers that the SDK sets, beside those that begin with `x-stainless-`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        path: Behind the base: `chat/completions`, `responses`, `embeddings`, `models` or `models/NAME`.
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

    def chat(self) -> tuple[Any, dict[str, Any]]:
        """The messages of a chat, and its parameters.

        Raises:
            ConfigurationError: Something in the body is none of the Responses API's, or is not served here.
        """
        if self.path == CHAT:
            return self.body.get("messages"), self.params(_POSITIONAL)
        messages, said = chat_of(self.body)
        return messages, {**self.params(SAID_OTHERWISE), **said}

    def params(self, without: Container[str]) -> dict[str, Any]:
        """What is given on to the client.

        Args:
            without: Fields of the body that it is given otherwise.
        """
        left = {name: row for name, row in self.body.items() if name not in without}
        if self.headers:
            left["extra_headers"] = {**self.headers, **(left.get("extra_headers") or {})}
        if self.path == EMBEDDINGS:
            left.pop("encoding_format", None)
        if self.seconds is not None:
            # To the SDK it is one request, however many attempts are behind it; a stream may go on for longer.
            left.setdefault("timeout" if self.stream else "deadline", self.seconds)
        return left


_POSITIONAL = ("model", "messages", "input", "stream")
"""Of a chat, and of embeddings."""


def asked(
    method: str, path: str, content: bytes, headers: Mapping[str, str], timeout: Mapping[str, Any]
) -> Asked:
    """A request.

    Args:
        method: HTTP's.
        path: Of the URL.
        content: The body.
        headers: The request's.
        timeout: httpx's, by `connect`, `read`, `write` and `pool`, in seconds.

    Raises:
        ConfigurationError: It is not served.
    """
    own = unquote(path).removeprefix("/v1/")
    # Before the body is looked at: a file that is uploaded is not JSON.
    if _SERVED.get(MODELS if own.startswith(f"{MODELS}/") else own) != method:
        raise _not_served(method, own)
    more = {
        name: text
        for name, text in headers.items()
        if name not in _OF_THE_SDK and not name.startswith("x-stainless-")
    }
    body = jsonbytes.loads(content) if content else {}
    return Asked(own, body, more, timeout.get("read"))


_SERVED = {CHAT: "POST", RESPONSES: "POST", EMBEDDINGS: "POST", MODELS: "GET"}
"""By path, the method. The SDK's others change or list what is kept at OpenAI, or send files there."""


def question(client: Client, asked: Asked) -> Question:
    """What a request asks of the client.

    Raises:
        ConfigurationError: Something in it is none of the API's.
    """
    model = asked.body.get("model", "")
    if asked.path in (CHAT, RESPONSES):
        messages, params = asked.chat()
        chat = (model, messages, asked.stream)
        return Question(client.completion, client.acompletion, chat, params)
    if asked.path == EMBEDDINGS:
        texts = (model, asked.body.get("input"))
        return Question(client.embedding, client.aembedding, texts, asked.params(_POSITIONAL))
    return Question(listed, _alisted, (client, asked.path), {})


def _not_served(method: str, path: str) -> ConfigurationError:
    served = "chat.completions, responses, embeddings, models.list and models.retrieve are"
    if path.startswith((CHAT, RESPONSES)):
        served = "no answers are kept here, so there are only create, parse and stream"
    return ConfigurationError(f"as_openai() does not serve {method} {path}: {served}")


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


async def _alisted(client: Client, path: str) -> Wire:
    """As `listed`, which may read connections, and that takes its time."""
    return await asyncio.to_thread(listed, client, path)


def answered(reply: Reply, asked: Asked) -> bytes:
    """The body for a reply."""
    wire = reply.wire
    if asked.path == RESPONSES:
        if isinstance(wire, Relayed):
            return wire.raw
        return json_of({**response_of(wire, asked.body), FIELD: told(reply.route)})
    as_base64 = asked.path == EMBEDDINGS and asked.body.get("encoding_format") == "base64"
    return json_of(with_base64(wire) if as_base64 else wire)


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
