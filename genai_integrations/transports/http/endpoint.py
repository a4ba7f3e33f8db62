"""Where a request goes, and with which headers: what a dialect hands to HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self
from urllib.parse import urlsplit

from genai_integrations.runtime.masked import MaskedText


@dataclass(frozen=True, slots=True)
class Proof:
    """What one request proves itself with.

    Attributes:
        headers: In lower case and ASCII; values that are secret show masked.
        secrets: Texts to take out of whatever the server says.
        parts: What stands in the address in place of marks, percent-encoded: a project that only a token tells.
    """

    headers: Mapping[str, str]
    secrets: tuple[MaskedText, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


class Signer(Protocol):
    """Proves each request anew: by a signature of it, or a token that ends after a while. Safe for threads."""

    @property
    def is_ready(self) -> bool:
        """Whether `sign` answers at once."""
        ...

    def prepare(self, ends: float | None) -> None:
        """Load what it takes, a library or a token, until a moment of `time.monotonic`; failures are `sign`'s to tell.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        ...

    def aprepare(self, ends: float | None) -> Awaitable[None]:
        """As `prepare`, without blocking the loop."""
        ...

    def sign(self, endpoint: Endpoint, body: bytes) -> Proof:
        """The proof for one request. Never waits.

        Raises:
            CredentialError: There is nothing to prove it with.
            CallError: Whoever gives out tokens does not.
        """
        ...


_LISTS = frozenset(("anthropic-beta",))
"""Headers of which several values count, one after the other."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address with its headers.

    Attributes:
        origin: `scheme://host:port`.
        url: The whole address.
        path: The path and query, percent-encoded.
        proxy: The address of the proxy that the environment named for it, if any.
        headers: What to send; the values show masked.
        lines: The same as HTTP/1 writes it, for a client that encodes as Latin-1: the bytes come out as UTF-8.
        secrets: Texts to take out of whatever the server says.
        method: What is done there.
        signer: Proves each request, if `headers` do not.
    """

    origin: str
    url: str
    path: str
    proxy: MaskedText | None
    headers: dict[str, str]
    secrets: tuple[MaskedText, ...]
    method: str = "POST"
    signer: Signer | None = None
    lines: MaskedText = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Written once: most endpoints are asked again and again.
        text = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        object.__setattr__(self, "lines", MaskedText(text.encode().decode("latin-1")))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same with more headers, in lower case and ASCII; where both have one, this one's own wins.

        Those that are lists have both.
        """
        if not headers:
            return self
        both = {
            name: ",".join((self.headers[name], headers[name]))
            for name in _LISTS.intersection(headers, self.headers)
        }
        return replace(self, headers={**headers, **self.headers, **both})

    def signed(self, body: bytes) -> Self:
        """The same with the proof that one request takes.

        Raises:
            CredentialError: As `Signer.sign`.
            CallError: As `Signer.sign`.
        """
        if self.signer is None:
            return self
        proof = self.signer.sign(self, body)
        url, path = self.url, self.path
        for mark, part in proof.parts.items():
            url, path = url.replace(mark, part), path.replace(mark, part)
        return replace(
            self,
            url=url,
            path=path,
            headers={**self.headers, **proof.headers},
            secrets=(*self.secrets, *proof.secrets),
        )


def reached(endpoint: Endpoint) -> str:
    """`host:port` of whom a connection is made to: the proxy, if there is one."""
    return urlsplit(endpoint.proxy or endpoint.origin).netloc.rpartition("@")[2]
