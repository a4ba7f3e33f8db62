"""LlamaIndex content blocks as parts of a message in OpenAI's shape."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from io import IOBase
from pathlib import Path
from typing import Any

import filetype  # type: ignore[import-untyped]  # it has no types, and LlamaIndex depends on it
from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    VideoBlock,
)

from genai_integrations.errors import ConfigurationError

Part = dict[str, Any]
"""One part of a message's content."""


def parts_of(block: BaseContentBlock) -> Iterator[Part]:
    """The parts of one block; most have one, a citable block has its header and its contents.

    Raises:
        ConfigurationError: The block has no form on the wire, or holds nothing.
    """
    if isinstance(block, TextBlock):
        yield text_part(block.text)
    elif isinstance(block, CitableBlock):
        # No provider-neutral form exists, so the model sees the source as text.
        yield text_part(f"[{block.title}] ({block.source})")
        for inner in block.content:
            yield from parts_of(inner)
    elif isinstance(block, CitationBlock):
        yield from parts_of(block.cited_content)
        yield text_part(f"[{block.title}] ({block.source})")
    else:
        yield _media_part(block)


def text_part(text: str) -> Part:
    """A text."""
    return {"type": "text", "text": text}


def mark_cached(part: Part, point: CachePoint) -> Part:
    """The part with the mark up to which a provider may cache."""
    control = {"type": point.cache_control.type}
    if point.cache_control.ttl and point.cache_control.ttl != "5m":
        control["ttl"] = point.cache_control.ttl
    return {**part, "cache_control": control}


def _media_part(block: BaseContentBlock) -> Part:
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
        data = _base64(block.image, block.path, block.url, block.resolve_image)
        url = _data_url(block.image_mimetype, data, "image/png")
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
    data = _base64(block.audio, block.path, block.url, block.resolve_audio)
    known = block.format or filetype.guess_extension(base64.b64decode(data[:400])) or "wav"
    return {"type": "input_audio", "input_audio": {"data": data, "format": known}}


def _video(block: VideoBlock) -> Part:
    url = _remote(block.url) if not block.video else None
    if url is not None:
        return _file(file_id=url, format=block.video_mimetype or "video/mp4")
    data = _base64(block.video, block.path, block.url, block.resolve_video)
    return _file(file_data=_data_url(block.video_mimetype, data, "video/mp4"))


def _document(block: DocumentBlock) -> Part:
    url = _remote(block.url) if not block.data else None
    if url is not None:
        return _file(file_id=url)
    data = _base64(block.data, block.path, block.url, block.resolve_document)
    whole = _data_url(block.document_mimetype, data, "application/pdf")
    return _file(filename=block.title, file_data=whole)


def _file(**file: Any) -> Part:
    return {"type": "file", "file": file}


def _remote(url: object) -> str | None:
    """The address of something that is not inline."""
    text = str(url) if url else ""
    return text if text and not text.startswith("data:") else None


def _data_url(mime: str | None, data: str, default: str) -> str:
    known = mime or filetype.guess_mime(base64.b64decode(data[:400])) or default
    return f"data:{known};base64,{data}"


def _base64(
    given: bytes | IOBase | None, path: object, url: object, resolve: Callable[[], IOBase]
) -> str:
    """The contents. LlamaIndex keeps bytes as base64 already, files and buffers as they are."""
    if isinstance(given, bytes) and given:
        return given.decode()
    if given is None and path is None and url:
        return str(url).partition(";base64,")[2]
    try:
        raw = Path(str(path)).read_bytes() if path and not given else resolve().read()
    except ValueError as error:
        raise ConfigurationError(f"it has a block with nothing in it: {error}") from error
    return base64.b64encode(raw).decode()
