"""The head of a request, as HTTP/1.1 writes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

from genai_integrations.transports.http.endpoint import Endpoint


class Way(Protocol):
    """How requests to one origin go.

    Attributes:
        name: What the header `Host` says.
        forwarded: What stands before the path where a proxy forwards requests, else nothing.
        headers: What such a proxy is told.
    """

    name: str
    forwarded: str
    headers: Mapping[str, str]


def head_of(way: Way, endpoint: Endpoint, length: int) -> bytes:
    """All that is written before a body of so many bytes."""
    head = (
        f"{endpoint.method} {way.forwarded}{_target(endpoint.path)} HTTP/1.1\r\n"
        f"host: {way.name}\r\ncontent-length: {length}\r\n"
    )
    # What is told to a proxy, unless the connection has its own word for it.
    for name, value in way.headers.items():
        if name not in endpoint.headers:
            head += f"{name}: {value}\r\n"
    return f"{head}{endpoint.lines}\r\n".encode("latin-1")


@lru_cache(1024)
def _target(path: str) -> str:
    return quote(path, safe=_IN_TARGETS)


_IN_TARGETS = "/?:@!$&'()*+,;=~%"
"""What may stand in a path and query as it is."""
