"""Images and documents: what Anthropic checks of their data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.providers.anthropic.errors import (
    RefusalError,
    extra,
    missing,
    wrong,
)

_IMAGES: Mapping[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "base64": ("media_type", "data"),
    "url": ("url",),
    "file": ("file_id",),
    "text": ("media_type", "data"),
    "content": ("content",),
}
_SOURCES: Mapping[str, tuple[str, ...]] = {
    "image": ("base64", "url", "file"),
    "document": ("base64", "text", "content", "url", "file"),
}


def check_media(block: Mapping[str, Any], where: str) -> None:
    """Refuse an image or document that cannot be read.

    Raises:
        RefusalError: The source is of no known kind, incomplete, or not what it says it is.
    """
    source, kind = block["source"], block["type"]
    if not isinstance(source, dict):
        raise wrong(f"{where}.source", "a valid dictionary or object to extract fields from")
    tag = source.get("type")
    if tag not in _SOURCES[kind]:
        expected = ", ".join(repr(each) for each in _SOURCES[kind])
        message = f"Input tag {tag!r} found using 'type' does not match any of the expected tags: {expected}"
        raise RefusalError(f"{where}.source: {message}")
    where = f"{where}.source.{tag}"
    for field in _FIELDS[tag]:
        if field not in source:
            raise missing(f"{where}.{field}")
    for field in source:
        if field not in (*_FIELDS[tag], "type"):
            raise extra(f"{where}.{field}")
    if tag == "url" and not str(source["url"]).startswith("https://"):
        raise RefusalError(f"{where}.url: Only HTTPS URLs are supported.")
    if tag == "base64":
        check = _check_image if kind == "image" else _check_pdf
        check(source, where)


def _check_image(source: Mapping[str, object], where: str) -> None:
    said = source["media_type"]
    if said not in _IMAGES:
        raise wrong(f"{where}.media_type", "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
    data = _decoded(source, where)
    found = next((name for name, starts in _IMAGES.items() if data.startswith(starts)), None)
    if found is None:
        raise RefusalError("Could not process image")
    if found != said:
        message = f"The image was specified using the {said} media type, but the image appears to be a {found} image"
        raise RefusalError(f"{where}: {message}")


def _check_pdf(source: Mapping[str, object], where: str) -> None:
    if source["media_type"] != "application/pdf":
        raise wrong(f"{where}.media_type", "'application/pdf'")
    if not _decoded(source, where).startswith(b"%PDF-"):
        raise RefusalError(f"{where}.data: The PDF specified was not valid.")


def _decoded(source: Mapping[str, Any], where: str) -> bytes:
    try:
        return base64.b64decode(source["data"], validate=True)
    except (TypeError, ValueError):
        raise RefusalError(f"{where}: invalid base64 data") from None
