"""Parts of a message in OpenAI's shape, as Anthropic's blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from genai_integrations.calls.media import DataUrl, data_url
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError

_WEB = ("http://", "https://")
_TEXTS = ("application/json", "application/xml", "text/")
"""Media types of documents that are sent as the text that they are."""

_IMAGES = "image/"
_THOUGHTS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}
"""Blocks that a model thinks in, with the keys that go back."""


def blocks(content: object) -> list[Wire]:
    """The content of a message: a text, or a list of parts. Texts without a word are left out: the API refuses them.

    Raises:
        ConfigurationError: A part is of a kind that no Claude takes.
    """
    if isinstance(content, str):
        return [text_block(content)] if content.strip() else []
    if not isinstance(content, Iterable):
        return []
    found = (_block(part) for part in content)
    return [block for block in found if block is not None]


def text_block(text: str) -> Wire:
    """A text as a block."""
    return {"type": "text", "text": text}


def marked(block: Wire, part: Mapping[str, Any]) -> Wire:
    """The block with the mark for the prompt cache that its part has, as it is: `ttl` included."""
    mark = part.get("cache_control")
    return {**block, "cache_control": mark} if mark else block


def thoughts(given: object) -> list[Wire]:
    """The blocks of thinking that can go back: a signature is what the API knows its own by.

    Source: platform.claude.com, "Extended thinking", "Preserving thinking blocks".
    """
    if not isinstance(given, (list, tuple)):
        return []
    found = (thought(block) for block in given)
    return [block for block in found if block is not None]


def thought(block: object) -> Wire | None:
    """One block of thinking, without what was put beside it on its way; None if nobody signed it."""
    if not isinstance(block, Mapping):
        return None
    kind = str(block.get("type"))
    keys = _THOUGHTS.get(kind, ())
    if not keys or not block.get(keys[-1]):
        return None
    return {"type": kind, **{key: block.get(key) or "" for key in keys}}


def _block(part: object) -> Wire | None:
    if isinstance(part, str):
        part = text_block(part)
    if not isinstance(part, Mapping):
        raise ConfigurationError("a message has a part that is neither a text nor an object")
    kind = part.get("type")
    if kind in _THOUGHTS:
        return thought(part)
    convert = _KINDS.get(str(kind))
    # Anthropic's own kinds, such as `document` and `search_result`, are in its own shape.
    block = dict(part) if convert is None else convert(part)
    return None if block is None else marked(block, part)


def _text(part: Mapping[str, Any]) -> Wire | None:
    text = part.get("text") or part.get("refusal")
    return text_block(text) if isinstance(text, str) and text.strip() else None


def _image(part: Mapping[str, Any]) -> Wire:
    given = part.get("image_url")
    url = given.get("url") if isinstance(given, Mapping) else given
    if not isinstance(url, str):
        raise ConfigurationError("an image has no url")
    held = data_url(url)
    if held is None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    return _held(held)


def _held(held: DataUrl) -> Wire:
    """What came with the request, by its media type: as an image, or as a document."""
    if held.media_type.startswith(_TEXTS):
        source = {"type": "text", "media_type": "text/plain", "data": held.text()}
        return {"type": "document", "source": source}
    kind = "image" if held.media_type.startswith(_IMAGES) else "document"
    source = {"type": "base64", "media_type": held.media_type, "data": held.base64}
    return {"type": kind, "source": source}


def _file(part: Mapping[str, Any]) -> Wire:
    """A file of the request, of the web, or of Anthropic's Files API.

    Source: platform.claude.com, "PDF support" and "Files API".
    """
    given = part.get("file")
    file = given if isinstance(given, Mapping) else {}
    data, identity = file.get("file_data"), file.get("file_id")
    media_type = str(file.get("format") or "")
    if isinstance(data, str) and data:
        held = data_url(data) or DataUrl(media_type or "application/pdf", data)
        return _held(DataUrl(media_type, held.base64) if media_type else held)
    if not isinstance(identity, str) or not identity:
        raise ConfigurationError("a file has neither file_data nor a file_id")
    if identity.startswith(_WEB):
        # In LiteLLM's dialect an address stands in place of the id.
        return {"type": "document", "source": {"type": "url", "url": identity}}
    kind = "image" if media_type.startswith(_IMAGES) else "document"
    return {"type": kind, "source": {"type": "file", "file_id": identity}}


def _refused(part: Mapping[str, Any]) -> Wire:
    raise ConfigurationError(
        f"no Claude takes a part of the type {part.get('type')!r}: leave it out, or ask a model that hears and sees it"
    )


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Wire | None]] = {
    "file": _file,
    "image_url": _image,
    "input_audio": _refused,
    "refusal": _text,
    "text": _text,
    "video_url": _refused,
}
"""Parts in OpenAI's shape."""
