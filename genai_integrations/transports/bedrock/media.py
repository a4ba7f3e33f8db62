"""Pictures, documents, sound and videos as Converse's blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.media import data_url
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError

Part = Mapping[str, Any]

_KINDS: Mapping[str, tuple[str, str]] = {
    "image/png": ("image", "png"),
    "image/jpeg": ("image", "jpeg"),
    "image/gif": ("image", "gif"),
    "image/webp": ("image", "webp"),
    "application/pdf": ("document", "pdf"),
    "text/csv": ("document", "csv"),
    "application/csv": ("document", "csv"),
    "application/msword": ("document", "doc"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("document", "docx"),
    "application/vnd.ms-excel": ("document", "xls"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("document", "xlsx"),
    "text/html": ("document", "html"),
    "text/plain": ("document", "txt"),
    "text/markdown": ("document", "md"),
    "text/x-markdown": ("document", "md"),
    "video/x-matroska": ("video", "mkv"),
    "video/quicktime": ("video", "mov"),
    "video/mp4": ("video", "mp4"),
    "video/webm": ("video", "webm"),
    "video/x-flv": ("video", "flv"),
    "video/mpeg": ("video", "mpeg"),
    "video/x-ms-wmv": ("video", "wmv"),
    "video/3gpp": ("video", "three_gp"),
    "audio/mpeg": ("audio", "mp3"),
    "audio/mp3": ("audio", "mp3"),
    "audio/wav": ("audio", "wav"),
    "audio/x-wav": ("audio", "wav"),
    "audio/wave": ("audio", "wav"),
    "audio/flac": ("audio", "flac"),
    "audio/x-flac": ("audio", "flac"),
    "audio/ogg": ("audio", "ogg"),
    "audio/opus": ("audio", "opus"),
    "audio/aac": ("audio", "aac"),
    "audio/mp4": ("audio", "mp4"),
    "audio/x-m4a": ("audio", "m4a"),
    "audio/webm": ("audio", "webm"),
    "audio/pcm": ("audio", "pcm"),
}
"""Block and format by MIME type. Source: AWS API reference, `ImageBlock`, `DocumentBlock`, `VideoBlock`, `AudioBlock`."""

_BY_ENDING: Mapping[str, tuple[str, str]] = {
    **{form: (kind, form) for kind, form in _KINDS.values()},
    "jpg": ("image", "jpeg"),
    "mpg": ("video", "mpg"),
    "3gp": ("video", "three_gp"),
    # Audio has these endings too, and is rarer.
    "mp4": ("video", "mp4"),
    "webm": ("video", "webm"),
}
"""The same by the end of a file's name."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s()\[\]-]+")
_LONGEST_NAME = 180
"""Of 200, since another of the same name gets a number."""


def image(part: Part) -> Wire:
    """OpenAI's `image_url`."""
    given = part.get("image_url")
    if isinstance(given, Mapping):
        return _at(str(given.get("url") or ""), given.get("format"), "image")
    return _at(str(given or ""), None, "image")


def video(part: Part) -> Wire:
    """`video_url`, as vLLM, OpenRouter and LiteLLM have it."""
    given = part.get("video_url")
    url = given.get("url") if isinstance(given, Mapping) else given
    return _at(str(url or ""), None, "video")


def sound(part: Part) -> Wire:
    """OpenAI's `input_audio`."""
    given = part.get("input_audio") or {}
    return {"audio": {"format": given.get("format") or "wav", "source": {"bytes": given["data"]}}}


def file(part: Part) -> Wire:
    """OpenAI's `file`, with its data, or an address in S3 in place of an id."""
    given = part.get("file") or {}
    name = str(given.get("filename") or "")
    place = given.get("file_data") or given.get("file_id") or ""
    block = _at(str(place), given.get("format"), name)
    return _named(block, name) if "document" in block else block


def anthropics_document(part: Part) -> Wire:
    """Anthropic's `document`, which can be cited from."""
    source = part.get("source") or {}
    match source.get("type"):
        case "text":
            block: Wire = {"document": {"format": "txt", "source": {"text": source.get("data")}}}
        case "content":
            texts = [{"text": item["text"]} for item in source["content"] if "text" in item]
            block = {"document": {"format": "txt", "source": {"content": texts}}}
        case "base64":
            block = _of(source.get("media_type") or "application/pdf", source["data"], "document")
        case _:
            block = _at(str(source.get("url") or ""), None, "document")
    block = _named(block, str(part.get("title") or ""))
    more = {name: part[name] for name in ("context", "citations") if part.get(name)}
    return {"document": {**block["document"], **more}}


def search_result(part: Part) -> Wire:
    """Anthropic's `search_result`."""
    kept = {name: part[name] for name in ("source", "title", "citations") if name in part}
    texts = [{"text": item["text"]} for item in part.get("content") or () if item.get("text")]
    return {"searchResult": {**kept, "content": texts}}


def as_data_url(block: str, inner: Mapping[str, Any]) -> str:
    """The address that holds what a block of an answer has."""
    return f"data:{block}/{inner.get('format')};base64,{inner['source']['bytes']}"


def _at(url: str, mime: object, what: str) -> Wire:
    """A block by its address: one that holds the data, or one in S3."""
    told = mime if isinstance(mime, str) else None
    if held := data_url(url):
        return _of(told or held.media_type, held.base64, what)
    if url.startswith("s3://"):
        kind, form = _kind(told, url) or ("document", "pdf")
        return {kind: {"format": form, "source": {"s3Location": {"uri": url}}}}
    if not url:
        raise ConfigurationError(f"a message has a file without data ({what or 'no name'})")
    raise ConfigurationError(
        "Bedrock takes data, or an address in S3 (s3://...), and no other address or id: fetch it and pass its data"
    )


def _of(mime: str, data: str, what: str) -> Wire:
    found = _kind(mime, what)
    if found is None:
        raise ConfigurationError(f"Bedrock takes no file of the type {mime!r}")
    kind, form = found
    return {kind: {"format": form, "source": {"bytes": data}}}


def _kind(mime: str | None, name: str) -> tuple[str, str] | None:
    """Block and format, by MIME type, else by the end of a name."""
    known = _KINDS.get((mime or "").lower())
    return known or _BY_ENDING.get(name.rpartition(".")[2].lower())


def _named(block: Wire, name: str) -> Wire:
    """The document with a name that Bedrock allows: the model reads it, so others cannot speak through it."""
    stem = name.rpartition(".")[0] or name
    plain = " ".join(_NOT_IN_NAMES.sub(" ", stem).split())[:_LONGEST_NAME]
    return {"document": {**block["document"], "name": plain or "document"}}
