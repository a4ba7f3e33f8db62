"""Pictures, sounds, films and documents of LlamaIndex as parts of a message in OpenAI's shape: loaded where there are some."""

from __future__ import annotations

import base64
import codecs
import mimetypes
from collections.abc import Callable
from io import IOBase
from pathlib import Path
from typing import Any

import filetype  # type: ignore[import-untyped]  # it has no types, and LlamaIndex depends on it
from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    DocumentBlock,
    ImageBlock,
    VideoBlock,
)

from genai_integrations.calls.media import DataUrl, data_url
from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index.blocks import Part

_TEXTS = ("text/csv", "text/html", "text/markdown")
"""Kinds of text that providers tell apart; most refuse others, such as a program's or JSON."""

_UNTITLED = "input_document"
"""LlamaIndex's title of a document that was given none."""


def media_part(block: BaseContentBlock) -> Part:
    """The part of a block with a picture, a sound, a film or a document.

    Raises:
        ConfigurationError: No model takes such a block, or it holds nothing.
    """
    if isinstance(block, ImageBlock):
        return _image(block)
    if isinstance(block, AudioBlock):
        return _audio(block)
    if isinstance(block, VideoBlock):
        return _video(block)
    if isinstance(block, DocumentBlock):
        return _document(block)
    raise ConfigurationError(f"it has a {type(block).__name__}, which no model takes")


def _image(block: ImageBlock) -> Part:
    url = _remote(block.url) if not block.image else None
    if url is None:
        held = _held(block.image, block.path, block.url, block.resolve_image)
        url = _inline(held, block.image_mimetype or _type(held) or "image/png")
    image = {"url": url}
    if block.detail:
        image["detail"] = block.detail
    return {"type": "image_url", "image_url": image}


def _audio(block: AudioBlock) -> Part:
    if not block.audio and _remote(block.url):
        # Chat APIs take audio as data only, and fetching an address is the program's decision.
        raise ConfigurationError(
            "it has an AudioBlock with a URL: fetch it, and pass AudioBlock(audio=...)"
        )
    held = _held(block.audio, block.path, block.url, block.resolve_audio)
    known = block.format or _sound(_type(held)) or _ending(block.path) or "wav"
    return {"type": "input_audio", "input_audio": {"data": held.base64, "format": known}}


def _video(block: VideoBlock) -> Part:
    url = _remote(block.url) if not block.video else None
    if url is not None:
        return _file(file_id=url, format=block.video_mimetype or "video/mp4")
    held = _held(block.video, block.path, block.url, block.resolve_video)
    return _file(file_data=_inline(held, block.video_mimetype or _type(held) or "video/mp4"))


def _document(block: DocumentBlock) -> Part:
    url = _remote(block.url) if not block.data else None
    if url is not None:
        return _file(file_id=url)
    held = _held(block.data, block.path, block.url, block.resolve_document)
    name = block.title
    if block.path and name == _UNTITLED:
        name = Path(str(block.path)).name  # servers look at its ending
    kind = block.document_mimetype or _type(held) or _type_by_name(name or "", held)
    return _file(filename=name, file_data=_inline(held, kind))


def document_of(file: Part) -> DocumentBlock:
    """The block of a part with a file.

    Raises:
        LookupError: The part lacks what it is about.
    """
    data = file.get("file_data")
    if data and not data_url(data):
        return DocumentBlock(data=base64.b64decode(data), title=file.get("filename"))
    # An id stands in place of an address, on the wire too.
    return DocumentBlock(url=data or file["file_id"], title=file.get("filename"))


def _file(**file: Any) -> Part:
    return {"type": "file", "file": file}


def _remote(url: object) -> str | None:
    """The address of something that is not inline."""
    text = str(url) if url else ""
    return text if text and not text.startswith("data:") else None


def _inline(held: DataUrl, mime: str) -> str:
    return f"data:{mime};base64,{held.base64}"


def _held(
    given: bytes | IOBase | None, path: object, url: object, resolve: Callable[[], IOBase]
) -> DataUrl:
    """The contents, and their type if they come with one. LlamaIndex keeps bytes as base64 already, files and buffers as they are."""
    if isinstance(given, bytes) and given:
        return DataUrl("", given.decode())
    if given is None and path is None and (held := data_url(str(url or ""))):
        # RFC 2397 has a type for a URL that names none, but what is in it tells more.
        return DataUrl("", held.base64) if str(url).startswith(("data:;", "data:,")) else held
    try:
        raw = Path(str(path)).read_bytes() if path and not given else resolve().read()
    except ValueError as error:
        raise ConfigurationError(f"it has a block with nothing in it: {error}") from error
    return DataUrl("", base64.b64encode(raw).decode())


def _head(held: DataUrl) -> bytes:
    """As much as tells what it is."""
    return base64.b64decode(held.base64[:400])


def _type(held: DataUrl) -> str:
    """What it is said to be, or begins like."""
    return held.media_type or filetype.guess_mime(_head(held)) or ""


def _type_by_name(name: str, held: DataUrl) -> str:
    guess = mimetypes.guess_type(name)[0]
    if _is_text(held):
        return guess if guess in _TEXTS else "text/plain"
    return guess or "application/pdf"


def _is_text(held: DataUrl) -> bool:
    head = _head(held)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the cut may go through a character
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _sound(mime: str) -> str:
    """OpenAI's name of a sound's type: the ending of its files."""
    known = filetype.get_type(mime=mime)
    return str(known.extension) if known else mime.partition("/")[2]


def _ending(path: object) -> str:
    return Path(str(path)).suffix.removeprefix(".").lower() if path else ""
