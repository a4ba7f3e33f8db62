"""Pictures, sound and documents inside a request: `data:` URLs, as OpenAI's shape has them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_HEAD = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<parameters>(?:;[\w.+-]+=[^;,]*)*)(?P<base64>;base64)?,",
    re.IGNORECASE,
)
_DEFAULT_TYPE = "text/plain"
"""Source: RFC 2397, of a URL that names none."""

_RENAMED = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
"""Names in use for types that have another one."""


@dataclass(frozen=True, slots=True)
class DataUrl:
    """What a `data:` URL holds.

    Attributes:
        media_type: Such as `image/png`, in lower case and without parameters.
        base64: The bytes, in base64.
    """

    media_type: str
    base64: str

    def text(self) -> str:
        """The bytes as text in UTF-8; what is none is replaced."""
        return base64.b64decode(self.base64).decode(errors="replace")


def data_url(url: str) -> DataUrl | None:
    """What a URL holds; None for an address."""
    head = _HEAD.match(url)
    if head is None:
        return None
    media_type = (head["type"] or _DEFAULT_TYPE).lower()
    data = url[head.end() :]
    if not head["base64"]:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return DataUrl(_RENAMED.get(media_type, media_type), data)
