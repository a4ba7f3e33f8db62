"""Pictures, sound, films and documents in OpenAI's form as Gemini's parts. Nothing is fetched."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError

_FILES = "https://generativelanguage.googleapis.com/v1beta/"
"""Where AI Studio's Files API has its files: `files/abc` is short for one of them."""

_YOUTUBE = ("www.youtube.com", "youtube.com", "m.youtube.com", "youtu.be")
_RESOLUTIONS = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
    "ultra_high": "MEDIA_RESOLUTION_ULTRA_HIGH",
}
"""https://ai.google.dev/gemini-api/docs/media-resolution, by OpenAI's `detail`; `auto` is the model's own."""

_ALIASES = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/mpeg3": "audio/mp3"}


def media_part(part: Mapping[str, Any], *, per_part: bool) -> Wire | None:
    """A part of a message as Gemini's; None if it is none of these kinds.

    Args:
        part: In OpenAI's form, or LiteLLM's for what OpenAI's has not.
        per_part: Whether the model takes a resolution for each part.

    Raises:
        ConfigurationError: It holds no data and no address.
    """
    convert = _KINDS.get(str(part.get("type")))
    if convert is None:
        return None
    given = part.get(str(part["type"]))
    fields = given if isinstance(given, Mapping) else {"url": given}
    made = convert(fields)
    if per_part and (level := _RESOLUTIONS.get(str(fields.get("detail")))):
        made["mediaResolution"] = {"level": level}
    if isinstance(film := fields.get("video_metadata"), Mapping):
        made["videoMetadata"] = {_FILM.get(name, name): value for name, value in film.items()}
    return made


_FILM = {"start_offset": "startOffset", "end_offset": "endOffset"}


def resolution_wanted(messages: list[Wire]) -> str | None:
    """The highest resolution that a part asks for, for a model that has one for all."""
    levels = list(_RESOLUTIONS)
    found = [
        str(inner.get("detail"))
        for message in messages
        for part in (message["content"] if isinstance(message.get("content"), list) else ())
        if isinstance(part, Mapping) and isinstance(inner := part.get(str(part.get("type"))), dict)
    ]
    asked = [level for level in found if level in _RESOLUTIONS]
    return _RESOLUTIONS[max(asked, key=levels.index)] if asked else None


def _picture(fields: Mapping[str, Any]) -> Wire:
    return _located(fields.get("url"), _type(fields), "image/jpeg")


def _film(fields: Mapping[str, Any]) -> Wire:
    return _located(fields.get("url"), _type(fields), "video/mp4")


def _sound(fields: Mapping[str, Any]) -> Wire:
    kind = str(fields.get("format") or "wav")
    mime = kind if "/" in kind else f"audio/{kind}"
    return _inline(mime, fields.get("data"))


def _file(fields: Mapping[str, Any]) -> Wire:
    mime = _type(fields) or _guess(str(fields.get("filename") or ""))
    if data := fields.get("file_data"):
        return _located(data, mime, None) if _is_address(data) else _inline(mime, data)
    return _located(fields.get("file_id") or fields.get("url"), mime, None)


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Wire]] = {
    "file": _file,
    "image_url": _picture,
    "input_audio": _sound,
    "video_url": _film,
}


def _located(url: object, mime: str | None, default: str | None) -> Wire:
    """What an address holds, or leads to.

    `gs://`, the Files API, YouTube and public addresses are Google's to fetch:
    https://ai.google.dev/gemini-api/docs/file-input-methods.
    """
    if not isinstance(url, str) or not url:
        raise ConfigurationError("a picture or file has no data and no address")
    if url.startswith("data:"):
        head, _, data = url.removeprefix("data:").partition(",")
        said, *more = head.split(";")
        text = data if "base64" in more else base64.b64encode(data.encode()).decode()
        return _inline(mime or said or default, text)
    if url.startswith("files/"):
        url = _FILES + url
    if urlsplit(url).hostname in _YOUTUBE:
        default = "video/mp4"
    known = mime or _guess(url) or (None if url.startswith(_FILES) else default)
    return {"fileData": {**({"mimeType": known} if known else {}), "fileUri": url}}


def _inline(mime: str | None, data: object) -> Wire:
    if not isinstance(data, str) or not data:
        raise ConfigurationError("a picture or file has no data")
    if not mime:
        raise ConfigurationError(
            "a file does not say what it is: add `format`, such as application/pdf"
        )
    return {"inlineData": {"mimeType": _ALIASES.get(mime, mime), "data": data}}


def _is_address(text: object) -> bool:
    return isinstance(text, str) and text.startswith(("data:", "gs://", "http", "files/"))


def _type(fields: Mapping[str, Any]) -> str | None:
    said = fields.get("format") or fields.get("mime_type") or fields.get("content_type")
    return said if isinstance(said, str) and "/" in said else None


def _guess(name: str) -> str | None:
    return mimetypes.guess_type(urlsplit(name).path)[0]
