"""HTTP for event loops, with connections that all who post in one loop share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    GenAIError,
)
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.network import CONNECT_TIMEOUT, END_OF_BODY, without_frames
from genai_integrations.settings import answer_limits
from genai_integrations.transports.http.async_answer import AsyncAnswer
from genai_integrations.transports.http.async_connection import Connection
from genai_integrations.transports.http.async_hosts import Pool, Way
from genai_integrations.transports.http.endpoint import Endpoint, reached
from genai_integrations.transports.http.heads import head_of, unread
from genai_integrations.transports.http.packing import Unpacking, unpacking
from genai_integrations.transports.http.sizes import answer_too_large

if TYPE_CHECKING:
    from genai_integrations.calls.wire import Times

_LARGE = 1 << 18
"""Bytes of a body above which it is sent piece by piece."""


class AsyncHttp:
    """Posts to endpoints from any event loop. Time-outs of the first answer are the caller's.

    A loop has one session, which all who post in it share. It belongs to the loop and is closed with it, by an
    asynchronous generator parked there: `asyncio.run` closes those when it ends. It knows no key.

    A request is written once, as `SyncHttp` says.
    """

    def __init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, _Session] = {}
        # Before the finalisers of sockets, which would complain of what nobody has closed.
        weakref.finalize(self, _forget_all, self._sessions)
        after_fork_in_child(self.abandon)

    async def post(
        self, endpoint: Endpoint, body: bytes, idle: float, times: Times | None = None
    ) -> AsyncAnswer:
        """Send and return the answer with its body unread.

        Args:
            endpoint: Where to.
            body: Encoded request.
            idle: Seconds that the socket may be silent.
            times: Takes how long the connection and the head took.

        Raises:
            CallError: No answer came.
        """
        session = self._sessions.get(asyncio.get_running_loop()) or await self._new_session()
        try:
            answer = await session.post(endpoint, body, idle, times)
        except GenAIError as error:
            raise without_frames(error) from None
        except BaseException as error:  # noqa: BLE001  it goes on at once
            # A cancellation passes frames that hold the request's bytes.
            raise error.with_traceback(None) from None
        if times is not None:
            times.answered()
        return answer

    def forget_closed_loops(self) -> None:
        """Close what loops have left open that were closed without shutting down their generators."""
        # A copy of the keys, because other threads' loops come and go.
        for loop in list(self._sessions):
            if loop.is_closed() and (session := self._sessions.pop(loop, None)):
                session.forget()

    def abandon(self) -> object:
        """In a forked child: forget all sessions without closing them."""
        sessions = list(self._sessions.items())
        self._sessions.clear()
        return sessions

    async def _new_session(self) -> _Session:
        self.forget_closed_loops()
        loop = asyncio.get_running_loop()
        session = self._sessions[loop] = _Session()
        await session.park()
        return session


class _Session:
    """One loop's connections."""

    def __init__(self) -> None:
        self._pool = Pool()
        self._keeper = self._keep()

    async def post(
        self, endpoint: Endpoint, body: bytes, idle: float, times: Times | None
    ) -> AsyncAnswer:
        pool, place = self._pool, (endpoint.origin, endpoint.proxy)
        way = pool.way(place)
        connection = pool.idle(place) or await self._opened(way, endpoint, idle, times)
        answer = AsyncAnswer(connection, idle, pool.put_back)
        try:
            head = head_of(way, endpoint, len(body))
            if len(body) <= _LARGE:
                # One packet for both.
                connection.transport.write(head + body)
            else:
                connection.transport.write(head)
                await _write(connection, answer, body)
            await answer.begun()
            if "content-encoding" in answer.headers:
                answer.packed = unpacking(answer.headers)
        except BaseException:
            answer.close()
            raise
        return answer

    async def park(self) -> None:
        """Leave a generator in the loop that closes the session when the loop shuts down."""
        await anext(self._keeper)

    def forget(self) -> None:
        """Let go of what a closed loop has left."""
        self._pool.forget()

    async def _opened(
        self, way: Way, endpoint: Endpoint, idle: float, times: Times | None
    ) -> Connection:
        """A new connection; how long it takes is noted, also where it fails."""
        since, seconds = time.monotonic(), min(idle, CONNECT_TIMEOUT)
        try:
            async with asyncio.timeout(seconds):
                return await way.open(self._pool.lost)
        except TimeoutError:
            raise APIConnectionError(
                f"cannot connect within {seconds:g} s", address=reached(endpoint)
            ) from None
        except OSError as error:
            raise APIConnectionError(
                f"cannot connect: {_words(error)}", address=reached(endpoint)
            ) from without_frames(error)
        finally:
            if times is not None:
                times.connected(since)

    async def _keep(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._pool.close()


async def _write(connection: Connection, answer: AsyncAnswer, body: bytes) -> None:
    """Write a large body piece by piece, so that others have their turn, until the server answers or is gone."""
    for start in range(0, len(body), _LARGE):
        if answer.status or not connection.is_open:
            # It would take the next request for the rest of this one.
            answer.closes = True
            return
        connection.transport.write(body[start : start + _LARGE])
        await connection.room()


def _forget_all(sessions: dict[asyncio.AbstractEventLoop, _Session]) -> None:
    """At the interpreter's end: close what loops have left open that do not run any more."""
    for loop, session in list(sessions.items()):
        if not loop.is_running():
            session.forget()


def taking(answer: AsyncAnswer) -> Callable[[], Awaitable[bytes]]:
    """What gives the next piece of a body, unpacked; none at its end. Raises as `read_pieces`."""
    return answer.piece if answer.packed is None else partial(_unpacked, answer, answer.packed)


async def _unpacked(answer: AsyncAnswer, packed: Unpacking) -> bytes:
    while not (piece := packed.piece()):
        data = await answer.piece()
        if not data:
            packed.check_end()
            return b""
        packed.feed(data)
    return piece


async def read_pieces(answer: AsyncAnswer) -> AsyncGenerator[bytes]:
    """The body as it arrives, unpacked.

    Raises:
        CallError: It broke off, or stalled, or is not packed as its head says.
    """
    take = taking(answer)
    try:
        while piece := await take():
            yield piece
    finally:
        # Gives the connection back if the body was read to its end, closes it otherwise.
        answer.close()


async def finish(answer: AsyncAnswer) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    if not answer.is_whole:
        with contextlib.suppress(CallError, TimeoutError):
            async with asyncio.timeout(END_OF_BODY):
                await answer.piece()


async def read_all(answer: AsyncAnswer) -> bytes:
    """The whole body. That of a refusal is empty where it cannot be read: the head says enough.

    Raises:
        CallError: It did not come whole, or is too large.
    """
    try:
        return await _whole(answer)
    except CallError as error:
        return unread(error, answer.status)


async def _whole(answer: AsyncAnswer) -> bytes:
    most, size, taken = answer_limits().body, 0, []
    whole = answer.whole(most)
    if whole is not None:
        # All of it came with the head, as short answers do.
        answer.close()
        return whole
    async with contextlib.aclosing(read_pieces(answer)) as pieces:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise answer_too_large(most)
            taken.append(piece)
    return b"".join(taken)


def _words(error: OSError) -> str:
    """What the operating system, or TLS, says; asyncio's texts for the former have the address in them."""
    is_systems = type(error) is not ssl.SSLError and not isinstance(
        error, (ssl.SSLCertVerificationError, socket.gaierror)
    )
    return os.strerror(error.errno) if is_systems and error.errno else str(error)
