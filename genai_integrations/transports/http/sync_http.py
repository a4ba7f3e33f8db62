"""HTTP for threads, with time-outs that bound the whole answer."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
import urllib.request  # noqa: F401  `proxy_for` needs it, and must not load it while a provider is waited for
from collections.abc import Generator
from functools import partial
from http.client import HTTPException
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as ConnectTimeoutError

from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    GenAIError,
    RequestTimeoutError,
)
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.network import (
    CONNECT_TIMEOUT,
    END_OF_BODY,
    IDLE_IN_ALL,
    without_frames,
)
from genai_integrations.settings import answer_limits
from genai_integrations.transports.http.answer import Answer, PatientReader
from genai_integrations.transports.http.endpoint import Endpoint, reached
from genai_integrations.transports.http.heads import head_of, unread
from genai_integrations.transports.http.hosts import Host
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.sizes import answer_too_large

if TYPE_CHECKING:
    from genai_integrations.calls.wire import Times

_FAILED = (HTTPError, HTTPException, OSError)
"""What urllib3, which connects, and the standard library, which reads, raise for what goes wrong on the wire."""


class SyncHttp:
    """Posts to endpoints, over connections that all who post share. Safe for threads and after fork.

    It knows no key: what it keeps of an endpoint is where it is.

    A request is written once. RFC 9110, 9.2.2: one that is not idempotent is never repeated unnoticed unless it is
    known that nothing of it was processed, and of a request that was written nobody knows. So an idle connection
    is looked at before anything is written: one that the server closed, or that has bytes waiting, is not used. If
    the connection breaks later, that is a failed attempt, which the caller's policy counts and shows.
    """

    def __init__(self) -> None:
        self._hosts: BoundedMap[_Place, Host] = BoundedMap(_MOST_HOSTS)
        self._next_look = 0.0
        self._opened = 0
        after_fork_in_child(self.abandon)

    def post(
        self, endpoint: Endpoint, body: bytes, patience: Patience, times: Times | None = None
    ) -> Answer:
        """Send and return the answer with its body unread.

        Args:
            endpoint: Where to.
            body: Encoded request.
            patience: How long the answer may take.
            times: Takes how long the connection and the head took.

        Raises:
            CallError: No answer came.
        """
        place = (endpoint.origin, endpoint.proxy)
        try:
            host = self._hosts.get(place) or self._new(place)
            connection = host.idle()
            if connection is None:
                self._opened += 1
                connection = _opened(host, endpoint, patience, times)
            if self._next_look <= (now := time.monotonic()) or self._opened >= _OPENED:
                self._close_idle(now)
            answer = _exchange(host, connection, endpoint, body, patience)
        except GenAIError as error:
            raise without_frames(error) from None
        except _FAILED as error:
            raise translated(error, patience) from without_frames(error)
        except BaseException as error:  # noqa: BLE001  it goes on at once
            # Ctrl-C passes frames that hold the request's bytes too.
            raise error.with_traceback(None) from None
        if times is not None:
            times.answered()
        return answer

    def abandon(self) -> object:
        """In a forked child: forget all connections without closing them."""
        hosts, self._hosts = self._hosts, BoundedMap(_MOST_HOSTS)
        return hosts

    def _new(self, place: _Place) -> Host:
        return self._hosts.get_or_put(place, Host(*place))

    def _close_idle(self, now: float) -> None:
        """Close what has been idle for too long, and what is too much: first of the hosts not asked for longest."""
        self._next_look = now + _LOOKS
        self._opened = 0
        hosts = self._hosts.values()
        surplus = sum(host.idle_count() for host in hosts) - IDLE_IN_ALL
        for host in hosts:
            before = host.idle_count()
            host.close_idle(at_least=surplus)
            surplus -= before - host.idle_count()


_Place = tuple[str, str | None]
"""An origin, and the proxy on the way to it: connections by another proxy are others."""

_LOOKS = 5.0
"""Seconds between two looks at all hosts' idle connections."""

_OPENED = IDLE_IN_ALL // 4
"""After so many new connections they are looked at sooner."""

_MOST_HOSTS = 1024
"""Hosts that are kept; the connections of one that is forgotten close with it."""


def _opened(
    host: Host, endpoint: Endpoint, patience: Patience, times: Times | None
) -> HTTPConnection:
    """A new connection; how long it takes is noted, also where it fails."""
    since, seconds = time.monotonic(), min(patience.left(), CONNECT_TIMEOUT)
    try:
        return host.open(seconds)
    except _FAILED as error:
        raise _unreached(error, endpoint, patience, seconds) from without_frames(error)
    finally:
        if times is not None:
            times.connected(since)


def _exchange(
    host: Host, connection: HTTPConnection, endpoint: Endpoint, body: bytes, patience: Patience
) -> Answer:
    sock = connection.sock
    answer = Answer(PatientReader(sock, patience), partial(host.put_back, connection))
    if patience.line is not None:
        patience.line.lead_to(answer.hang_up)
    try:
        sock.settimeout(patience.left())
        # A server may answer, and hang up, before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # One packet for head and body.
            sock.sendall(head_of(host, endpoint, len(body)) + body)
        answer.begin()
    except BaseException:
        answer.close()
        raise
    return answer


def read_all(answer: Answer, patience: Patience) -> bytes:
    """The whole body. That of a refusal is empty where it cannot be read: the head says enough.

    Raises:
        CallError: It did not come whole, or not in time.
    """
    try:
        return _whole(answer, patience)
    except CallError as error:
        return unread(error, answer.status)


def _whole(answer: Answer, patience: Patience) -> bytes:
    most, size, taken = answer_limits().body, 0, []
    try:
        body = answer.short(most)
    except _FAILED as error:
        answer.close()
        raise translated(error, patience) from without_frames(error)
    except BaseException:
        answer.close()
        raise
    if body is not None:
        answer.close()
        return body
    with contextlib.closing(read_pieces(answer, patience)) as pieces:
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise answer_too_large(most)
            taken.append(piece)
    return b"".join(taken)


def read_pieces(answer: Answer, patience: Patience) -> Generator[bytes]:
    """The body as it arrives, unpacked.

    Raises:
        CallError: It broke off, or did not come in time, or is packed in a way that is not understood.
    """
    try:
        packed = answer.packed
        while piece := answer.piece():
            if packed is None:
                yield piece
                continue
            packed.feed(piece)
            while piece := packed.piece():
                yield piece
        if packed is not None:
            packed.check_end()
    except _FAILED as error:
        raise translated(error, patience) from without_frames(error)
    finally:
        answer.close()


def finish(answer: Answer, patience: Patience) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    patience.end_within(END_OF_BODY)
    with contextlib.suppress(RequestTimeoutError, *_FAILED):
        answer.piece()


def _unreached(
    error: Exception, endpoint: Endpoint, patience: Patience, seconds: float
) -> CallError:
    """Our error for one of `_FAILED` where a connection was to be made within so many seconds."""
    is_late = isinstance(error, (ConnectTimeoutError, TimeoutError))
    if isinstance(error, NewConnectionError) or (not is_late and getattr(error, "errno", None)):
        words = f"cannot connect: {_words(error)}"
    elif is_late and seconds == CONNECT_TIMEOUT:
        words = f"cannot connect within {seconds:g} s"
    else:
        # A proxy's refusal, which has no number; or the answer's own time is over.
        return translated(error, patience)
    return APIConnectionError(words, address=reached(endpoint))


def translated(error: Exception, patience: Patience) -> CallError:
    """Our error for one of `_FAILED`, once there is a connection.

    Args:
        error: What was raised.
        patience: How long the answer might take.
    """
    if isinstance(error, (ConnectTimeoutError, TimeoutError)):
        return patience.error()
    return APIConnectionError(f"the connection broke: {_words(error)}")


_URLLIB3S = re.compile(
    r"^.*Failed to (?:establish a new connection: (?:\[Errno -?\d+\] )?)?", re.DOTALL
)
"""What urllib3 writes before the words of the system."""


def _words(error: BaseException) -> str:
    # As asyncio's errors are told, too.
    text = _URLLIB3S.sub("", str(error))
    return f"{text or type(error).__name__}"[:200]
