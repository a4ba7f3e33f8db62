"""One attempt at a provider that does not speak OpenAI's dialect: LiteLLM translates, we do the rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import Any

from genai_integrations.calls.incoming import IncomingChunks, check_reply
from genai_integrations.calls.wire import (
    END,
    AsyncChunks,
    Wire,
    WireCall,
    finish_reasons,
    has_content,
)
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.litellm_export import litellm_params
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    ConfigurationError,
    GenAIError,
    InvalidReplyError,
)
from genai_integrations.runtime.background import BackgroundLoop
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.surroundings import last_words
from genai_integrations.transports.chunks import ClosableChunks, Line
from genai_integrations.transports.failures import foreign_error
from genai_integrations.transports.http.google_tokens import check_google_auth
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.litellm.feed import Feed
from genai_integrations.transports.litellm.loading import litellm_module
from genai_integrations.transports.litellm.quiet import quiet
from genai_integrations.transports.litellm.shared import SHARED_LITELLM, SharedLitellm

_SECRET_PARAMS = (
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "vertex_credentials",
)


class LitellmTransport:
    """Performs attempts through LiteLLM, which is only a translator here.

    It gets our HTTP client, makes no retries, and has none of its globals set. All its work runs on one event
    loop in a thread of its own: its clients are bound to loops, and its synchronous streams ignore time-outs
    and cost twice as much as the asynchronous ones.

    Args:
        pins: Which hosts each key may go to.
        shared: Has that loop, and the connections.
    """

    def __init__(self, pins: OriginPins, shared: SharedLitellm = SHARED_LITELLM) -> None:
        self._pins = pins
        self._shared = shared
        self._loop = shared.loop
        self._opened: BoundedMap[tuple[str, str], _Opened] = BoundedMap(_MOST_OPENED)
        self._proxies: dict[str, MaskedText | None] = {}

    def is_open(self, call: WireCall) -> bool:
        """Whether the call's key is read and LiteLLM's arguments are made, as after `prepare`."""
        known = self._opened.get((call.connection.name, call.model))
        return known is not None and known[0] is call.connection

    def prepare(self, call: WireCall, ends: float | None) -> None:
        """Read its key, and start the loop; what is wrong with it, sending it says."""
        seconds = None if ends is None else max(ends - time.monotonic(), 0.0)
        with contextlib.suppress(TimeoutError):
            self._loop.run(self._prepared(call), seconds)

    async def aprepare(self, call: WireCall, ends: float | None) -> None:
        """As `prepare`, without blocking the loop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if ends is None else max(ends - time.monotonic(), 0.0)):
                await self._loop.arun(self._prepared(call))

    async def _prepared(self, call: WireCall) -> None:
        await self._shared.rehearse()
        # Whatever LiteLLM makes of it: the modules of the provider are there for the attempt.
        with quiet(), contextlib.suppress(Exception):
            litellm_module().get_supported_openai_params(
                call.model, call.connection.provider.litellm
            )
        with quiet(), contextlib.suppress(GenAIError):
            self._open(call)

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply. Raises as `DirectTransport.send`."""
        seconds = patience.left()
        try:
            return self._loop.run(self._send(call, seconds), seconds, patience.line)
        except TimeoutError:
            raise patience.error() from None

    def stream(self, call: WireCall, patience: Patience) -> ClosableChunks:
        """One request, chunks as they arrive. Raises as `DirectTransport.stream`."""
        line = Line()
        return ClosableChunks(self._read(call, patience, line), line.hang_up)

    def _read(self, call: WireCall, patience: Patience, line: Line) -> Generator[Wire]:
        feed = Feed(self._stream(call, max(patience.left(), patience.idle)))
        line.lead_to(lambda: self._loop.spawn(feed.close()))
        try:
            while batch := self._loop.run(feed.batch(), patience.left()):
                yield from batch
        except TimeoutError:
            raise patience.error() from None
        finally:
            # Not waited for: a stream may be collected in any thread, the loop's own among them.
            self._loop.spawn(feed.close())

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As `send`; how long the whole may take is the caller's to bound."""
        try:
            return await self._loop.arun(self._send(call, idle))
        except TimeoutError:
            raise _ending() from None

    def astream(self, call: WireCall, idle: float) -> AsyncChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        return _FromLoop(self._loop, self._stream(call, idle))

    def close(self) -> None:
        """Forget every key. The loop and its connections have none, and others may use them."""
        self._opened.clear()
        self._proxies.clear()

    async def _send(self, call: WireCall, idle: float) -> Wire:
        module = litellm_module()
        ask = module.acompletion
        if call.operation == "embeddings":
            drops = call.connection.provider.name in _DROP_CLIENT
            ask = self._blocking if drops else module.aembedding
        with self._witnessed(call, idle) as witness:
            reply = await ask(**self._arguments(call, idle))
            if witness.failure:
                raise witness.failure
        wire = check_reply(reply.model_dump(exclude_none=True), call.operation)
        if call.operation == "chat/completions" and _is_empty(wire):
            raise InvalidReplyError("the provider answered with nothing")
        return wire

    async def _blocking(self, **arguments: Any) -> Any:
        """LiteLLM's `embedding` by our HTTP client, which its `aembedding` drops for some providers."""
        import httpx
        from litellm.llms.custom_httpx.http_handler import HTTPHandler

        from genai_integrations.transports.litellm.witness import (
            BlockingTransport,
            WitnessedTransport,
        )

        transport = BlockingTransport(WitnessedTransport(self._shared.http.async_http))
        # Its end closes the transport, so a call that is cancelled hangs up.
        with httpx.Client(transport=transport) as client:
            arguments["client"] = HTTPHandler(client=client)
            return await asyncio.to_thread(litellm_module().embedding, **arguments)

    async def _stream(self, call: WireCall, idle: float) -> AsyncGenerator[Wire]:
        with self._witnessed(call, idle) as witness:
            stream = await litellm_module().acompletion(**self._arguments(call, idle))
            empty_end: Wire | None = None
            seen = calls = False
            incoming = IncomingChunks()
            async for piece in stream:
                chunk = incoming.check(piece.model_dump(exclude_none=True))
                seen = seen or has_content(chunk)
                calls = _calls_by_now(chunk, calls=calls)
                if not seen and "stop" in finish_reasons(chunk):
                    # LiteLLM ends a stream of nothing as a good, empty answer: only usage tells whether it is.
                    empty_end = chunk
                    continue
                if empty_end and _generated(chunk):
                    yield empty_end
                    empty_end = None
                yield chunk
            if witness.failure:
                raise witness.failure
            if not witness.end_seen:
                raise InvalidReplyError("it was cut short")
            if empty_end:
                raise InvalidReplyError("the stream ended before its first content")
        yield END

    @contextlib.contextmanager
    def _witnessed(self, call: WireCall, idle: float) -> Generator[Any]:
        """Have the wire watched, and turn whatever LiteLLM raises into an error of ours."""
        from genai_integrations.transports.litellm.witness import Witness, current

        arguments, headers = self._open(call)
        secrets = [arguments[name] for name in _SECRET_PARAMS if arguments.get(name)]
        secrets += headers.values()
        must_end = call.connection.provider.name in _SAY_THE_END
        witness = Witness(
            call.connection.name,
            idle,
            secrets,
            headers,
            call_headers=call.headers,
            proxies=self._proxies,
            must_end=must_end,
        )
        token = current.set(witness)
        try:
            with quiet():
                yield witness
        except GenAIError:
            raise
        except Exception as error:  # noqa: BLE001  whatever LiteLLM raises becomes one of ours
            failure = (
                witness.failure
                or last_words(error)
                or foreign_error(error, witness.status, secrets)
            )
            if isinstance(failure, CallError):
                failure.request_id = failure.request_id or witness.request_id
        else:
            return
        finally:
            with contextlib.suppress(ValueError):
                current.reset(token)
        # Outside the handler, because LiteLLM's errors quote what the server said and hold it in their frames.
        raise failure

    def _arguments(self, call: WireCall, idle: float) -> dict[str, Any]:
        # A copy, because LiteLLM changes messages in place.
        body = _copied(call.body)
        del body["model"]
        _check_parameters(body)
        arguments, _ = self._open(call)
        if call.headers:
            arguments = {**arguments, "extra_headers": call.headers}
        return {
            **body,
            **arguments,
            "drop_params": _drops(call),
            "max_retries": 0,
            "no-log": True,
            "timeout": idle,
        }

    def _open(self, call: WireCall) -> tuple[dict[str, Any], dict[str, str]]:
        """LiteLLM's arguments and the stored headers, which we send ourselves: LiteLLM's are ASCII only."""
        key = (call.connection.name, call.model)
        known = self._opened.get(key)
        if known and known[0] is call.connection:
            return known[1:]
        if call.connection.provider.name == "vertex":
            check_google_auth(call.connection)
        arguments = _masked(litellm_params(call.connection, call.model))
        headers = arguments.pop("extra_headers", {})
        self._check_host(call.connection, arguments)
        # Our HTTP client in the form that LiteLLM takes.
        arguments["client"] = self._shared.client_for(call.connection.provider, arguments)
        self._opened.put(key, (call.connection, arguments, headers))
        return arguments, headers

    def _check_host(self, connection: Connection, arguments: Mapping[str, Any]) -> None:
        base = arguments.get("api_base") or arguments.get("aws_bedrock_runtime_endpoint")
        secret = arguments.get("api_key") or arguments.get("aws_secret_access_key")
        if base and secret:
            self._pins.check(connection, base, secret)


_SAY_THE_END = frozenset(("anthropic", "bedrock", "google-ai-studio", "vertex"))
"""Providers whose streams say when they are whole: where that is missing, LiteLLM makes it up."""

_DROP_CLIENT = frozenset(("google-ai-studio", "vertex"))
"""Providers whose asynchronous embeddings LiteLLM would send by a client of its own, which nobody guards."""

_Opened = tuple[Connection, dict[str, Any], dict[str, str]]
"""A connection, LiteLLM's arguments for it, and its own headers."""

_MOST_OPENED = 1024
"""Models whose arguments are remembered; a program that makes names up cannot fill the memory."""


class _FromLoop:
    """Chunks that another loop makes.

    No generator, because a loop that shuts down closes all of its generators at once, and this one is
    closed by the one around it.
    """

    def __init__(self, loop: BackgroundLoop, chunks: AsyncGenerator[Wire]) -> None:
        self._loop = loop
        self._feed = Feed(chunks)
        self._batch: Iterator[Wire] = iter(())
        self._has_begun = self._is_closed = False

    def __del__(self) -> None:
        """Dropped unread, or half read: the provider must know all the same."""
        if self._has_begun:
            self._close()

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self

    async def __anext__(self) -> Wire:
        chunk = next(self._batch, None)
        if chunk is None and not self._is_closed:
            self._has_begun = True
            try:
                self._batch = iter(await self._loop.arun(self._feed.batch()))
            except TimeoutError:
                raise _ending() from None
            chunk = next(self._batch, None)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._close()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._batch = iter(())
            self._loop.spawn(self._feed.close())


def _ending() -> APIConnectionError:
    return APIConnectionError("the call was ended because the process is ending")


def _check_parameters(body: Mapping[str, Any]) -> None:
    """Refuse what steers LiteLLM itself, which could go around the connection or make an answer up."""
    from litellm.types.utils import all_litellm_params

    steering = set(body).intersection(all_litellm_params) - _ALSO_OPENAIS
    if steering:
        raise ConfigurationError(
            f"a call may not set {', '.join(sorted(steering))}: it steers LiteLLM and is not a model's parameter"
        )


_ALSO_OPENAIS = frozenset(("metadata",))


def _masked(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same, with texts whose repr is masked in place of the secrets."""
    masked: dict[str, Any] = {
        name: MaskedText(value) if name in _SECRET_PARAMS else value
        for name, value in arguments.items()
    }
    if "extra_headers" in masked:
        headers = masked["extra_headers"]
        masked["extra_headers"] = {name: MaskedText(value) for name, value in headers.items()}
    return masked


def _drops(call: WireCall) -> bool:
    """Whether LiteLLM may leave parameters out. It takes no list, so one that must stay keeps all of them."""
    kept = call.drop_params
    return kept if isinstance(kept, bool) else call.body.keys().isdisjoint(kept)


def _calls_by_now(chunk: Wire, *, calls: bool) -> bool:
    """Whether a tool was called in this chunk or before, as `calls` says.

    Structured output by a forced tool comes as text, so it does not end with a call: its finish is corrected.
    """
    for choice in chunk["choices"]:
        calls = calls or bool((choice.get("delta") or {}).get("tool_calls"))
        if not calls and choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return calls


def _copied(value: Any) -> Any:
    """A copy of all dicts and lists; what `deepcopy` takes, it takes a third of."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(each) for each in value]
    return value


def _is_empty(reply: Wire) -> bool:
    """Whether it says nothing, and nothing was generated for it: Gemini's `STOP` without a word."""
    said = any(has_content({"choices": [{"delta": row["message"]}]}) for row in reply["choices"])
    return not said and "stop" in finish_reasons(reply) and not _generated(reply)


def _generated(chunk: Wire) -> bool:
    """Whether tokens of an answer were generated, beside those of a thought that led to none."""
    usage = chunk.get("usage") or {}
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return (usage.get("completion_tokens") or 0) > thought
