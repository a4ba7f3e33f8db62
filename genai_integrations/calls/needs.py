"""What a request needs of the model that answers it, read from its body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.models.abilities import AUDIO, JSON_SCHEMA, PDF, TOOLS, VIDEO, VISION

_OF_PART: Mapping[object, str] = {
    "image_url": VISION,
    "input_audio": AUDIO,
    "video_url": VIDEO,
}


def needs_of(body: Wire) -> tuple[frozenset[str], int]:
    """What a chat request needs beyond plain text, and how many characters its texts have."""
    contents = [message.get("content") for message in body["messages"]]
    characters = sum(len(content) for content in contents if isinstance(content, str))
    parts = [part for content in contents if isinstance(content, list) for part in content]
    needs = set(_of_parts(parts))
    if body.get("tools"):
        needs.add(TOOLS)
    wanted = body.get("response_format")
    if isinstance(wanted, Mapping) and wanted.get("type") == "json_schema":
        needs.add(JSON_SCHEMA)
    return frozenset(needs), characters + sum(map(len, _texts(parts)))


def last_question(body: Wire) -> str:
    """The text of what the user said last; empty if there is none."""
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            content = message.get("content")
            return content if isinstance(content, str) else " ".join(_texts(content or ()))
    return ""


def _of_parts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, Mapping):
            kind = part.get("type")
            need = PDF if kind == "file" and _is_pdf(part.get("file")) else _OF_PART.get(kind)
            if need:
                yield need


def _is_pdf(file: object) -> bool:
    """Whether a file is said to be a PDF: by its data, else by its name. One that is only named by an id may be any."""
    if not isinstance(file, Mapping):
        return False
    data, name = str(file.get("file_data") or ""), str(file.get("filename") or "")
    if data.startswith("data:"):
        return data[5:].lower().startswith(("application/pdf", "application/x-pdf"))
    return name.lower().endswith(".pdf")


def _texts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        text = (
            part
            if isinstance(part, str)
            else part.get("text")
            if isinstance(part, Mapping)
            else None
        )
        if isinstance(text, str):
            yield text
