"""Anthropic's blocks as parts of messages in OpenAI's shape.

Source: platform.claude.com, "Messages API", "Vision", "PDF support", "Search results" and "Files API".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from genai_integrations.apis.given import (
    checked,
    needed,
    objects,
    optional,
    within,
    wrong,
)
from genai_integrations.calls.wire import Wire

Parts = list[Wire]


def content_of(given: object, at: str) -> str | Parts:
    """The content of a message as a text where it is no more than one, else as parts.

    Servers that copied OpenAI's API do not all take lists.

    Raises:
        ConfigurationError: It is neither a text nor a list of blocks.
    """
    if isinstance(given, str):
        return given
    return shortest(parts_of(objects(given, at), at))


def shortest(parts: Parts) -> str | Parts:
    """One text alone as the text; none as the empty one."""
    if not parts:
        return ""
    only = parts[0]
    if len(parts) == 1 and only.keys() == {"type", "text"} and only["type"] == "text":
        return str(only["text"])
    return parts


def parts_of(blocks: list[Wire], at: str) -> Parts:
    """The blocks of a user, of the system, or of a tool's result. Kinds without a form in OpenAI's shape stay as they are.

    Raises:
        ConfigurationError: One is wrong.
    """
    parts: Parts = []
    for number, block in enumerate(blocks):
        place = within(at, number)
        convert = _KINDS.get(needed(block, "type", str, place))
        found = [dict(block)] if convert is None else convert(block, place)
        mark = optional(block, "cache_control", dict, place)
        if mark and found and convert is not None:
            found[-1] = {**found[-1], "cache_control": mark}
        parts += found
    return parts


def _text(block: Wire, at: str) -> Parts:
    return [_as_text(needed(block, "text", str, at))]


def _as_text(text: str) -> Wire:
    return {"type": "text", "text": text}


def _image(block: Wire, at: str) -> Parts:
    source = needed(block, "source", dict, at)
    at = within(at, "source")
    kind = needed(source, "type", str, at)
    if kind == "base64":
        url = _data_url(source, at)
    elif kind == "url":
        url = needed(source, "url", str, at)
    elif kind == "file":
        identity = needed(source, "file_id", str, at)
        return [{"type": "file", "file": {"file_id": identity, "format": "image/*"}}]
    else:
        raise wrong(within(at, "type"), "must be base64, url or file")
    return [{"type": "image_url", "image_url": {"url": url}}]


def _document(block: Wire, at: str) -> Parts:
    source = needed(block, "source", dict, at)
    title = optional(block, "title", str, at)
    context = optional(block, "context", str, at)
    at = within(at, "source")
    read = _SOURCES.get(needed(source, "type", str, at))
    if read is None:
        raise wrong(within(at, "type"), f"must be one of {', '.join(_SOURCES)}")
    told = [_as_text(f"[{text}]") for text in (title, context) if text]
    return [*told, *read(source, title, at)]


def _held_file(source: Wire, title: str | None, at: str) -> Parts:
    file = {"file_data": _data_url(source, at), "filename": title or "document.pdf"}
    return [{"type": "file", "file": file}]


def _linked_file(source: Wire, _title: str | None, at: str) -> Parts:
    # In OpenAI's shape an address stands in place of the id: LiteLLM's dialect, which each provider's writer knows.
    return [{"type": "file", "file": {"file_id": needed(source, "url", str, at)}}]


def _stored_file(source: Wire, _title: str | None, at: str) -> Parts:
    return [{"type": "file", "file": {"file_id": needed(source, "file_id", str, at)}}]


def _plain_text(source: Wire, _title: str | None, at: str) -> Parts:
    # As a text and no file: of the other providers only some take files that are none of PDF.
    return [_as_text(needed(source, "data", str, at))]


def _inner_content(source: Wire, _title: str | None, at: str) -> Parts:
    content = source.get("content")
    if isinstance(content, str):
        return [_as_text(content)]
    place = within(at, "content")
    return parts_of(objects(content, place), place)


def _search_result(block: Wire, at: str) -> Parts:
    place = within(at, "content")
    told = f"[{needed(block, 'title', str, at)}: {needed(block, 'source', str, at)}]"
    return [_as_text(told), *parts_of(objects(block.get("content"), place), place)]


def _data_url(source: Wire, at: str) -> str:
    media_type = needed(source, "media_type", str, at)
    return f"data:{media_type};base64,{needed(source, 'data', str, at)}"


def result_of(block: Wire, at: str) -> Wire:
    """The result of a tool, as a message of its own.

    Raises:
        ConfigurationError: It is none.
    """
    message: Wire = {"role": "tool", "tool_call_id": needed(block, "tool_use_id", str, at)}
    content = block.get("content")
    place = within(at, "content")
    said = "" if content is None else content_of(content, place)
    mark = optional(block, "cache_control", dict, at)
    if mark:
        parts = [_as_text(said)] if isinstance(said, str) else said
        said = [*parts[:-1], {**parts[-1], "cache_control": mark}]
    message["content"] = said
    failed = block.get("is_error")
    if failed is not None and checked(failed, bool, within(at, "is_error")):
        message["is_error"] = True
    return message


_KINDS: Mapping[str, Callable[[Wire, str], Parts]] = {
    "document": _document,
    "image": _image,
    "search_result": _search_result,
    "text": _text,
}
_SOURCES: Mapping[str, Callable[[Wire, str | None, str], Parts]] = {
    "base64": _held_file,
    "content": _inner_content,
    "file": _stored_file,
    "text": _plain_text,
    "url": _linked_file,
}
