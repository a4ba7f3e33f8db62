"""LlamaIndex content blocks as parts of a message in OpenAI's shape."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    CacheControl,
    CachePoint,
    CitableBlock,
    CitationBlock,
    ContentBlock,
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
        from genai_integrations.llama_index.media import media_part

        yield media_part(block)


def blocks_of(part: Part | str) -> Iterator[ContentBlock]:
    """A part of a message in OpenAI's shape as blocks: itself, and the point up to which a provider may cache.

    Raises:
        ConfigurationError: LlamaIndex has no such block.
        LookupError: The part lacks what it is about.
    """
    if isinstance(part, str):
        yield TextBlock(text=part)
        return
    match part.get("type"):
        case "text" | "refusal" as name:
            yield TextBlock(text=part[name])
        case "image_url":
            image = part["image_url"]
            image = {"url": image} if isinstance(image, str) else image
            yield ImageBlock(url=image["url"], detail=image.get("detail"))
        case "input_audio":
            sound = part["input_audio"]
            yield AudioBlock(audio=base64.b64decode(sound["data"]), format=sound.get("format"))
        case "video_url":
            video = part["video_url"]
            yield VideoBlock(url=video if isinstance(video, str) else video["url"])
        case "file":
            from genai_integrations.llama_index.media import document_of

            yield document_of(part["file"])
        case other:
            raise ConfigurationError(f"LlamaIndex has no block for a part of the type {other!r}")
    if control := part.get("cache_control"):
        yield CachePoint(cache_control=CacheControl(**control))


def text_part(text: str) -> Part:
    """A text."""
    return {"type": "text", "text": text}


def mark_cached(part: Part, point: CachePoint) -> Part:
    """The part with the mark up to which a provider may cache."""
    control = {"type": point.cache_control.type}
    if point.cache_control.ttl and point.cache_control.ttl != "5m":
        control["ttl"] = point.cache_control.ttl
    return {**part, "cache_control": control}
