"""Content blocks of every kind that LangChain knows, to parts in OpenAI's wire shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genai_integrations.errors import ConfigurationError

Wire = dict[str, Any]
Block = Mapping[str, Any]

ELSEWHERE = frozenset(
    (
        "function_call",
        "input_json_delta",
        "invalid_tool_call",
        "reasoning",
        "redacted_thinking",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "thinking",
        "tool_call",
        "tool_call_chunk",
        "tool_use",
    )
)
"""Blocks that are no content on the wire: it has them elsewhere, or does not take them back."""

_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wave": "wav", "x-wav": "wav", "vnd.wave": "wav"}
"""OpenAI's names of audio formats, where the MIME type's is another."""

_NEEDED = "base64 data with a mime_type, a url or a file_id"


def parts(content: str | Sequence[Any], where: str) -> str | list[Wire]:
    """The content of a message.

    Args:
        content: Text, or blocks.
        where: Whose content it is, for errors.

    Raises:
        ConfigurationError: A block cannot be sent; the text says which.
    """
    if isinstance(content, str):
        return content
    found = (_part(block, f"{where}[{at}]") for at, block in enumerate(content))
    return [part for part in found if part is not None]


def is_plain(part: Wire) -> bool:
    """Whether a part is nothing but text, without a marker."""
    return part.get("type") == "text" and len(part) == 2  # noqa: PLR2004  type and text


def _part(block: Any, where: str) -> Wire | None:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if not isinstance(block, Mapping):
        raise ConfigurationError(
            f"{where} is a {type(block).__name__}, not a text or a content block"
        )
    kind = block.get("type")
    if kind in ELSEWHERE:
        return None
    if kind == "non_standard":
        return _part(block.get("value"), where)
    if not isinstance(kind, str):
        raise ConfigurationError(
            f"{where} has no type, such as 'text' or 'image': it has {', '.join(map(str, block)) or 'nothing'}"
        )
    convert = _KINDS.get(kind)
    if convert is None:
        # Providers have kinds of their own.
        return dict(block)
    part = convert(block, where)
    marker = block.get("cache_control") or (block.get("extras") or {}).get("cache_control")
    return {**part, "cache_control": marker} if marker else part


def _text(block: Block, where: str) -> Wire:
    text = block.get("text")
    if not isinstance(text, str):
        raise ConfigurationError(f"{where} is a text block without text")
    return {"type": "text", "text": text}


def _image(block: Block, where: str) -> Wire:
    url = _url(block, where, "image")
    if url is None:
        return _by_id(block, where)
    detail = block.get("detail") or (block.get("extras") or {}).get("detail")
    return {
        "type": "image_url",
        "image_url": {"url": url, **({"detail": detail} if detail else {})},
    }


def _image_url(block: Block, where: str) -> Wire:
    """OpenAI's own form; LangChain allows the bare address too."""
    given = block.get("image_url")
    image = {"url": given} if isinstance(given, str) else given
    if not isinstance(image, Mapping) or not image.get("url"):
        raise ConfigurationError(f"{where} is an image without data: image_url needs a url")
    return {"type": "image_url", "image_url": dict(image)}


def _audio(block: Block, where: str) -> Wire:
    data, mime = _data(block)
    if not data:
        raise ConfigurationError(f"{where} is an audio without data: it needs base64 and mime_type")
    subtype = (mime or "audio/wav").partition("/")[2]
    return {
        "type": "input_audio",
        "input_audio": {"data": data, "format": _FORMATS.get(subtype, subtype)},
    }


def _file(block: Block, where: str) -> Wire:
    if isinstance(block.get("file"), Mapping):
        return {"type": "file", "file": dict(block["file"])}
    if block.get("source_type") == "text":
        return {"type": "text", "text": str(block.get("text") or block.get("url") or "")}
    data, mime = _data(block)
    if data:
        name = _filename(block, mime)
        url = f"data:{mime or 'application/pdf'};base64,{data}"
        return {"type": "file", "file": {"filename": name, "file_data": url}}
    address = _address(block)
    # In LiteLLM's dialect an address stands in place of the id.
    return {"type": "file", "file": {"file_id": address}} if address else _by_id(block, where)


def _document(block: Block, where: str) -> Wire:
    """Anthropic's name of a file; its text may be given as it is."""
    source = block.get("source") or {}
    if source.get("type") == "text":
        return {"type": "text", "text": str(source.get("data") or "")}
    return _file(block, where)


def _plain_text(block: Block, where: str) -> Wire:
    return _text(block, where) if block.get("text") is not None else _file(block, where)


def _by_id(block: Block, where: str) -> Wire:
    source = block.get("source") or {}
    identity = block.get("file_id") or source.get("file_id")
    if block.get("source_type") == "id":
        identity = block.get("id")
    if not identity:
        raise ConfigurationError(f"{where} is a {block['type']} without data: it needs {_NEEDED}")
    return {"type": "file", "file": {"file_id": identity}}


def _url(block: Block, where: str, kind: str) -> str | None:
    """The address of a picture, which may be one that holds it."""
    data, mime = _data(block)
    if not data:
        return _address(block)
    if not mime:
        raise ConfigurationError(f"{where} is an {kind} without a mime_type, such as {kind}/png")
    return f"data:{mime};base64,{data}"


def _data(block: Block) -> tuple[str | None, str | None]:
    """Base64 data and its type, from today's blocks, yesterday's, and Anthropic's."""
    source = block.get("source") or {}
    if source.get("type") == "base64":
        return source.get("data"), source.get("media_type")
    return block.get("base64") or block.get("data"), block.get("mime_type")


def _address(block: Block) -> str | None:
    source = block.get("source") or {}
    return block.get("url") or source.get("url")


def _filename(block: Block, mime: str | None) -> str:
    """OpenAI wants a name; where none is given, the type makes one."""
    for holder in (block, block.get("extras") or {}, block.get("metadata") or {}):
        for key in ("filename", "name", "title"):
            if holder.get(key):
                return str(holder[key])
    return f"file.{(mime or 'application/pdf').partition('/')[2].partition('+')[0]}"


def _input_audio(block: Block, where: str) -> Wire:
    """OpenAI's own form."""
    audio = block.get("input_audio")
    if not isinstance(audio, Mapping) or not audio.get("data"):
        raise ConfigurationError(
            f"{where} is an audio without data: input_audio needs data and format"
        )
    return {"type": "input_audio", "input_audio": dict(audio)}


_KINDS: Mapping[str, Callable[[Block, str], Wire]] = {
    "text": _text,
    "text-plain": _plain_text,
    "image": _image,
    "image_url": _image_url,
    "audio": _audio,
    "input_audio": _input_audio,
    "file": _file,
    "document": _document,
    "video": _file,
    "media": _file,
}
