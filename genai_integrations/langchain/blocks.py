"""LangChain's standard content blocks of our messages, registered under our name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import ContentBlock

PROVIDER = "genai-integrations"
"""`model_provider` of every message: whoever answered, its shape is ours. `provider` tells who it was."""


def content_blocks(message: AIMessage) -> list[ContentBlock]:
    """The blocks of a whole message."""
    blocks = [*_reasoning(message), *_text(message), *_media(message)]
    blocks += [{**call, "type": "tool_call"} for call in message.tool_calls]
    blocks += [{**call, "type": "invalid_tool_call"} for call in message.invalid_tool_calls]
    return cast("list[ContentBlock]", blocks)


def chunk_blocks(chunk: AIMessageChunk) -> list[ContentBlock]:
    """The blocks of a piece, or of pieces put together."""
    if chunk.chunk_position == "last" or not chunk.tool_call_chunks:
        return content_blocks(chunk)
    blocks = [*_reasoning(chunk), *_text(chunk), *_media(chunk)]
    for call in chunk.tool_call_chunks:
        block = {key: call.get(key) for key in ("id", "name", "args")}
        if call.get("index") is not None:
            # A number could be that of a text's block, which LangChain would then merge with the call.
            block["index"] = f"lc_tc_{call['index']}"
        blocks.append({"type": "tool_call_chunk", **block})
    return cast("list[ContentBlock]", blocks)


def _reasoning(message: AIMessage) -> Iterator[dict[str, Any]]:
    kept = message.additional_kwargs
    thinking = kept.get("thinking_blocks")
    if not thinking and kept.get("reasoning_content"):
        yield {"type": "reasoning", "reasoning": kept["reasoning_content"]}
    for block in thinking or ():
        if block.get("type") != "thinking":
            yield {"type": "non_standard", "value": _without_index(block)}
            continue
        signature = block.get("signature")
        extras = {"extras": {"signature": signature}} if signature else {}
        yield {"type": "reasoning", "reasoning": block.get("thinking") or "", **extras}


def _text(message: AIMessage) -> list[dict[str, Any]]:
    content = message.content
    if not isinstance(content, str):
        # LangChain's own best effort is as good as any.
        raise NotImplementedError
    if not content:
        return []
    annotations = message.additional_kwargs.get("annotations")
    cited = {"annotations": [_citation(row) for row in annotations]} if annotations else {}
    return [{"type": "text", "text": content, **cited}]


def _citation(row: Mapping[str, Any]) -> dict[str, Any]:
    given = row.get("url_citation")
    if row.get("type") != "url_citation" or not isinstance(given, Mapping):
        return {"type": "non_standard_annotation", "value": dict(row)}
    known = {"url", "title", "start_index", "end_index"}.intersection(given)
    return {"type": "citation", **{name: given[name] for name in sorted(known)}}


def _media(message: AIMessage) -> Iterator[dict[str, Any]]:
    kept = message.additional_kwargs
    for image in kept.get("images") or ():
        url = (image.get("image_url") or {}).get("url") or ""
        yield {"type": "image", **_located(url)}
    audio = kept.get("audio")
    if isinstance(audio, Mapping) and audio.get("data"):
        yield {"type": "audio", "base64": audio["data"], "id": audio.get("id")}


def _located(url: str) -> dict[str, str]:
    """An address, or what an address holds."""
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return {"base64": data, "mime_type": head.removeprefix("data:")}
    return {"url": url}


def _without_index(block: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "index"}


register_translator(PROVIDER, content_blocks, chunk_blocks)
