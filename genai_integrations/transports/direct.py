"""One attempt by HTTP, in a dialect of our own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING

from genai_integrations.calls.wire import END, Operation, Relayed, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.made_once import made_once
from genai_integrations.runtime.network import tls_context
from genai_integrations.transports.chunks import (
    ArrivingChunks,
    AsyncClosableChunks,
    ClosableChunks,
    Line,
    atimed,
    one_by_one,
    timed,
)
from genai_integrations.transports.dialect import Dialect, Relaying
from genai_integrations.transports.failures import leaving, unwritable
from genai_integrations.transports.http.endpoint import Endpoint, Signer
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import SHARED, Shared
from genai_integrations.transports.reading import (
    Reader,
    RelayingReader,
    check_status,
    is_good,
    read_reply,
)

if TYPE_CHECKING:
    from genai_integrations.transports.http.async_http import AsyncHttp
    from genai_integrations.transports.http.sync_http import SyncHttp


class DirectTransport:
    """Performs attempts by HTTP. Safe for threads, for several event loops and after fork.

    Args:
        pins: Which hosts each key may go to.
        dialect_of: In whose wire format a connection's model is spoken to; None if in none of ours.
        shared: Has the connections.
    """

    def __init__(
        self,
        pins: OriginPins,
        dialect_of: Callable[[Connection, str], Dialect | None],
        shared: Shared = SHARED,
    ) -> None:
        self._pins = pins
        self._dialect_of = dialect_of
        self._shared = shared
        self._opened: BoundedMap[_Key, _Opened] = BoundedMap(_MOST_OPENED)

    @made_once
    def _sync(self) -> SyncHttp:
        return self._shared.sync_http

    @made_once
    def _async(self) -> AsyncHttp:
        return self._shared.async_http

    def signer(self, call: WireCall) -> Signer | None:
        """What signs the call, if it is signed and its key can be opened; if not, sending it says why."""
        try:
            return self._open(call)[2].signer
        except GenAIError:
            return None

    def is_open(self, call: WireCall) -> bool:
        """Whether the call's key is read and its address known, as after `open`."""
        known = self._opened.get(_key_of(call))
        return known is not None and known[0] is call.connection

    def open(self, call: WireCall) -> None:
        """Read its key, and the certificates for its address; what is wrong with them, sending it says."""
        with contextlib.suppress(GenAIError):
            _, _, endpoint = self._open(call)
            if endpoint.origin.startswith("https"):
                tls_context()

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be read, or may not go there.
        """
        http = self._sync  # first, so that a fork waits for its import
        from genai_integrations.transports.http import sync_http

        dialect, endpoint, body, relays = self._request(call)
        answered = None
        try:
            response = answered = http.post(endpoint, body, patience, call.times)
            answer = sync_http.read_all(response, patience)
            check_status(response.status, response.headers, answer, endpoint.secrets)
            reply = read_reply(answer, dialect, call, endpoint.secrets, response.headers)
            return Relayed(reply, answer) if relays else reply
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed attempt
            raise leaving(error, endpoint.secrets, answered) from None

    def stream(self, call: WireCall, patience: Patience) -> ClosableChunks:
        """One request, chunks as they arrive. Nothing is sent before the first `next`.

        Raises:
            CallError: The attempt failed, at any chunk.
            CredentialError: As in `send`.
        """
        line = Line()
        chunks = self._stream(call, patience, line)
        if call.times is not None:
            chunks = timed(chunks, call.times)
        return ClosableChunks(chunks, line.hang_up)

    def _stream(self, call: WireCall, patience: Patience, line: Line) -> Generator[Wire]:
        http = self._sync  # first, so that a fork waits for its import
        from genai_integrations.transports.http import sync_http

        dialect, endpoint, body, relays = self._request(call)
        answered = None
        try:
            response = answered = http.post(endpoint, body, patience, call.times)
            line.lead_to(response.hang_up)
            if not is_good(response.status):
                answer = sync_http.read_all(response, patience)
                check_status(response.status, response.headers, answer, endpoint.secrets)
            reader = (RelayingReader if relays else Reader)(dialect, call, endpoint.secrets)
            with contextlib.closing(sync_http.read_pieces(response, patience)) as pieces:
                for piece in pieces:
                    yield from reader.feed(piece)
                    if reader.failure is not None:
                        reader.check()
                    if reader.ended:
                        sync_http.finish(response, patience)
                        yield END
                        return
            yield from reader.finish()
            if reader.ended:
                yield END
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed attempt
            raise leaving(error, endpoint.secrets, answered) from None

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As `send`; how long the whole may take is the caller's to bound."""
        from genai_integrations.transports.http.async_http import read_all

        dialect, endpoint, body, relays = self._request(call)
        answered = None
        try:
            response = answered = await self._async.post(endpoint, body, idle, call.times)
            answer = await read_all(response)
            check_status(response.status, response.headers, answer, endpoint.secrets)
            reply = read_reply(answer, dialect, call, endpoint.secrets, response.headers)
            return Relayed(reply, answer) if relays else reply
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed attempt
            raise leaving(error, endpoint.secrets, answered) from None

    def astream(self, call: WireCall, idle: float) -> AsyncClosableChunks | ArrivingChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        line = Line()
        arrivals = self._arrivals(call, idle, line)
        if call.times is not None:
            return AsyncClosableChunks(atimed(one_by_one(arrivals), call.times), line.hang_up)
        return ArrivingChunks(arrivals, line.hang_up)

    async def _arrivals(
        self, call: WireCall, idle: float, line: Line
    ) -> AsyncGenerator[list[Wire]]:
        from genai_integrations.transports.http.async_http import finish, read_all, taking

        dialect, endpoint, body, relays = self._request(call)
        answered = None
        try:
            response = answered = await self._async.post(endpoint, body, idle, call.times)
            line.lead_to(response.close)
            if not is_good(response.status):
                answer = await read_all(response)
                check_status(response.status, response.headers, answer, endpoint.secrets)
            reader = (RelayingReader if relays else Reader)(dialect, call, endpoint.secrets)
            take = taking(response)
            with contextlib.closing(response):
                while piece := await take():
                    if chunks := reader.feed(piece):
                        yield chunks
                    if reader.failure is not None:
                        reader.check()
                    if reader.ended:
                        await finish(response)
                        yield [END]
                        return
            for chunk in reader.finish():
                yield [chunk]
            if reader.ended:
                yield [END]
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed attempt
            raise leaving(error, endpoint.secrets, answered) from None

    def close(self) -> None:
        """Forget every key. Connections have none, and others may use them."""
        self._opened.clear()

    def _request(self, call: WireCall) -> tuple[Dialect, Endpoint, bytes, bool]:
        """Who is asked in which words, and whether those are the caller's own."""
        _, dialect, endpoint = self._open(call)
        relayed = None if call.spoken is None else _relayed(dialect, call)
        try:
            # Not by `written`: every call comes by here.
            wire = dialect.body(call) if relayed is None else relayed
            headers = call.headers if dialect.headers is None else dialect.headers(call, wire)
        except GenAIError:
            raise
        except Exception as error:
            raise unwritable(error) from error
        body = jsonbytes.dumps(wire)
        if headers:
            endpoint = endpoint.with_headers(headers)
        signed = endpoint.signed(body) if endpoint.signer else endpoint
        return dialect, signed, body, relayed is not None

    def _open(self, call: WireCall) -> _Opened:
        """The call's dialect and endpoint, opened anew when the connection was read anew."""
        connection, key = call.connection, _key_of(call)
        known = self._opened.get(key)
        if known and known[0] is connection:
            return known
        dialect = self._dialect_of(connection, call.model)
        if dialect is None:
            raise ConfigurationError(f"{connection.provider.name} is spoken to by LiteLLM")
        endpoint = dialect.endpoint(
            connection, call.model, call.operation, streamed=key[-1], pins=self._pins
        )
        opened = (connection, dialect, endpoint)
        self._opened.put(key, opened)
        return opened


def _relayed(dialect: Dialect, call: WireCall) -> Wire | None:
    """The request in the caller's own words; None if the target speaks others."""
    if call.spoken is None or not isinstance(dialect, Relaying):
        return None
    return dialect.relayed(call) if dialect.speaks == call.spoken.dialect else None


_Key = tuple[str, str | None, str, Operation, bool]
_Opened = tuple[Connection, Dialect, Endpoint]


def _key_of(call: WireCall) -> _Key:
    connection = call.connection
    streamed = bool(call.body.get("stream"))
    return connection.name, connection.dialect, call.model, call.operation, streamed


_MOST_OPENED = 1024
"""Endpoints that are remembered; a program that makes names up cannot fill the memory."""
