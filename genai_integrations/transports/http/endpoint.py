"""Where a request goes, and with which headers: what a dialect hands to HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from genai_integrations.runtime.masked import MaskedText


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address with its headers.

    Attributes:
        origin: `scheme://host:port`.
        url: The whole address.
        path: The path and query, percent-encoded.
        proxy: The address of the proxy that the environment named for it, if any.
        headers: What to send; the values show masked.
        latin_headers: The same for a client that encodes headers as Latin-1: the bytes come out as UTF-8.
        secrets: Texts to take out of whatever the server says.
        method: What is done there.
    """

    origin: str
    url: str
    path: str
    proxy: MaskedText | None
    headers: dict[str, str]
    latin_headers: dict[str, str]
    secrets: tuple[MaskedText, ...]
    method: str = "POST"

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same with more headers, in lower case and ASCII; where both have one, this one's own wins."""
        if not headers:
            return self
        return replace(
            self,
            headers={**headers, **self.headers},
            latin_headers={**headers, **self.latin_headers},
        )
