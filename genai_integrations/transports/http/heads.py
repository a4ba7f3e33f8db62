"""Heads as HTTP/1.1 has them: of a request, written; of an answer, read without the standard library's e-mail parser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException
from typing import NamedTuple, Protocol
from urllib.parse import quote

from genai_integrations.errors import CallError, RequestTimeoutError
from genai_integrations.transports.http.endpoint import Endpoint

REFUSED = 300
"""Statuses from here on say that there is no answer, whatever the body is."""

LARGEST_HEAD = 1 << 20
"""Bytes of all header lines together. There is no other limit on their number and length."""

_LONGEST_LENGTH = 18
"""Digits of an answer's length: more bytes than there are."""

_FOLD = re.compile(r"\r?\n[ \t]+")
_STATUS = re.compile(r"(HTTP/\d+\.\d+) +(\d{3})(?: |\r?$)")
_SPACE = " \t\r"
_WITHOUT_BODY = frozenset((204, 304))
_FIRST_FINAL = 200
_SWITCHED = 101

TOO_LARGE = "the head of the answer is too large"

_IN_TARGETS = "/?:@!$&'()*+,;=~%"
"""What may stand in a path and query as it is."""


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
    """All that is written before a request's body of so many bytes."""
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


class Head(NamedTuple):
    """What an answer's head says.

    Attributes:
        status: HTTP status.
        headers: By lower-case name; the first of a name counts.
        is_chunked: Whether its body comes in chunks.
        length: Bytes of a body that does not; None if it ends with the connection.
        closes: Whether the connection ends with the answer.
    """

    status: int
    headers: dict[str, str]
    is_chunked: bool
    length: int | None
    closes: bool

    @property
    def is_final(self) -> bool:
        """Whether it is no informational one, such as 103 Early Hints, before the answer's own."""
        return self.status >= _FIRST_FINAL


def read_head(data: bytes) -> Head:
    """The head that these bytes are, without the empty line behind it.

    Raises:
        http.client.HTTPException: They are none, or the server leaves HTTP/1.
    """
    line, _, rest = data.decode("latin-1").partition("\n")
    found = _STATUS.match(line)
    if found is None:
        raise HTTPException("the server does not answer in HTTP")
    version, status = found[1], int(found[2])
    if not version.startswith("HTTP/1.") or status == _SWITCHED:
        raise HTTPException(f"the server does not go on in HTTP/1: {version} {status}")
    headers = by_name(unfolded(rest))
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    length = None if is_chunked else length_of(status, headers)
    closes = says_close(version, headers) or (not is_chunked and length is None)
    return Head(status, headers, is_chunked, length, closes)


def says_close(version: str, headers: dict[str, str]) -> bool:
    """Whether a head says that the connection ends."""
    told = headers.get("connection", "").lower()
    return "keep-alive" not in told if version == "HTTP/1.0" else "close" in told


def length_of(status: int, headers: dict[str, str]) -> int | None:
    """Bytes of a body that is not chunked; None if it ends with the connection.

    Raises:
        http.client.HTTPException: What the head says is no length.
    """
    told = headers.get("content-length")
    if status in _WITHOUT_BODY:
        return 0
    if told is None:
        return None
    if not told.isdecimal() or len(told) > _LONGEST_LENGTH:
        raise HTTPException("the length of the answer is not a number")
    return int(told)


def unread(error: CallError, status: int) -> bytes:
    """The body of an answer that cannot be read: none, where its head says all that counts.

    Raises:
        CallError: The error, of an answer that is none without its body, or that did not come in time.
    """
    if status < REFUSED or isinstance(error, RequestTimeoutError):
        raise error
    # Not its beginning either: a secret that is cut in two would not be taken out of it.
    return b""


def unfolded(text: str) -> list[str]:
    """The header lines in a text, each that goes on in the next line in one."""
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    return text.split("\n")


def by_name(lines: list[str]) -> dict[str, str]:
    """Header lines by lower-case name; the first of a name counts.

    Raises:
        http.client.HTTPException: The answer has two lengths.
    """
    head: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip(_SPACE).lower(), value.strip(_SPACE)
            if head.setdefault(name, value) != value and name == "content-length":
                raise HTTPException("the answer has two lengths")
    return head
