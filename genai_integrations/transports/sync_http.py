"""HTTP for threads, with time-outs that bound the whole answer."""

from __future__ import annotations

import contextlib
import io
import socket
import zlib
from collections.abc import Generator
from functools import partial
from http.client import HTTPException, RemoteDisconnected
from typing import Any
from urllib.parse import quote

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as ConnectTimeoutError

from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    GenAIError,
    RequestTimeoutError,
)
from genai_integrations.network import (
    CONNECT_TIMEOUT,
    END_OF_BODY,
    drop_sockets_after_fork,
    without_frames,
)
from genai_integrations.transports.answer import Answer
from genai_integrations.transports.endpoint import Endpoint
from genai_integrations.transports.hosts import Host
from genai_integrations.transports.patience import Patience

_BROKEN = (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
_FAILED = (HTTPError, HTTPException, OSError, zlib.error)
"""What urllib3, which connects, and the standard library, which reads, raise for what goes wrong on the wire."""


class SyncHttp:
    """Posts to endpoints. Safe for threads; a forked child starts with no connections."""

    def __init__(self, connections_per_host: int = 100) -> None:
        self._per_host = connections_per_host
        self._hosts: dict[str, Host] = {}
        drop_sockets_after_fork(self)

    def post(self, endpoint: Endpoint, body: bytes, patience: Patience) -> Answer:
        """Send and return the answer with its body unread.

        Raises:
            CallError: No answer came.
        """
        try:
            host = self._host(endpoint.origin)
            idle = host.idle()
            if idle is not None:
                # If the server closed it while the request was on its way, a new one is taken.
                with contextlib.suppress(*_BROKEN):
                    return _exchange(host, idle, endpoint, body, patience)
            new = host.open(min(patience.left(), CONNECT_TIMEOUT))
            return _exchange(host, new, endpoint, body, patience)
        except GenAIError as error:
            raise without_frames(error) from None
        except _FAILED as error:
            raise translated(error, patience) from without_frames(error)
        except BaseException as error:  # noqa: BLE001  it goes on at once
            # Ctrl-C passes frames that hold the request's bytes too.
            raise error.with_traceback(None) from None

    def abandon(self) -> Any:
        """Forget all connections without closing them."""
        hosts, self._hosts = self._hosts, {}
        return hosts

    def close(self) -> None:
        """Close all idle connections."""
        for host in self.abandon().values():
            host.close()

    def _host(self, origin: str) -> Host:
        known = self._hosts.get(origin)
        return known or self._hosts.setdefault(origin, Host(origin, self._per_host))


def _request(host: Host, endpoint: Endpoint, body: bytes) -> bytes:
    """Head and body, to be sent together: one packet fewer."""
    headers = {
        "host": host.name,
        "content-length": len(body),
        **host.headers,
        **endpoint.latin_headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    target = host.forwarded + quote(endpoint.path, safe=_IN_TARGETS)
    return f"{endpoint.method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


_IN_TARGETS = "/?:@!$&'()*+,;=~%"
"""What may stand in a path and query as it is."""


def _exchange(
    host: Host, connection: HTTPConnection, endpoint: Endpoint, body: bytes, patience: Patience
) -> Answer:
    sock = connection.sock
    answer = Answer(_PatientReader(sock, patience), partial(host.put_back, connection))
    try:
        sock.settimeout(patience.left())
        # A server may answer, and hang up, before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(_request(host, endpoint, body))
        answer.begin()
    except BaseException:
        answer.close()
        raise
    return answer


def read_all(answer: Answer, patience: Patience) -> bytes:
    """The whole body.

    Raises:
        CallError: It did not come whole, or not in time.
    """
    return b"".join(read_pieces(answer, patience))


def read_pieces(answer: Answer, patience: Patience) -> Generator[bytes]:
    """The body as it arrives.

    Raises:
        CallError: It broke off, or did not come in time.
    """
    try:
        while piece := answer.piece():
            yield piece
    except _FAILED as error:
        raise translated(error, patience) from without_frames(error)
    finally:
        answer.close()


def finish(answer: Answer, patience: Patience) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    patience.end_within(END_OF_BODY)
    with contextlib.suppress(RequestTimeoutError, *_FAILED):
        answer.piece()


def translated(error: Exception, patience: Patience) -> CallError:
    """Our error for one of `_FAILED`."""
    if isinstance(error, (NewConnectionError, socket.gaierror)):
        return APIConnectionError(f"cannot connect: {_words(error)}")
    if isinstance(error, (ConnectTimeoutError, TimeoutError)):
        return patience.error()
    return APIConnectionError(f"the connection broke: {_words(error)}")


def _words(error: BaseException) -> str:
    text = str(error).rpartition("Failed to ")[2]
    return f"{text or type(error).__name__}"[:200]


class _PatientReader(io.RawIOBase):
    """A socket's bytes; each wait is as long as the answer may still take, for its head too."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience
        self._seconds = -1.0

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the standard library asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._patience.left()
        if left != self._seconds:
            self._sock.settimeout(left)
            self._seconds = left
        return self._sock.recv_into(buffer)
