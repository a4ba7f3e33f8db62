"""Files that go along with a question, in OpenAI's shape."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genai_integrations.errors import ConfigurationError

Part = dict[str, Any]

_LARGEST = 32 << 20
"""Bytes of a file at most: providers take less (Anthropic 32 MB for a whole request, OpenAI 50 MB)."""

_SOUNDS = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wav": "wav"}
"""What OpenAI takes as `input_audio`, and its word for it."""


def attached(names: Sequence[str]) -> list[Part]:
    """The parts of a message for files and addresses of pictures.

    Raises:
        ConfigurationError: One cannot be read, or is of a kind that no model takes.
    """
    return [_part(name) for name in names]


def _part(name: str) -> Part:
    if name.startswith(("http://", "https://")):
        return {"type": "image_url", "image_url": {"url": name}}
    path = Path(name).expanduser()
    kind = mimetypes.guess_type(path.name)[0] or ""
    content = _read(path)
    if kind.startswith("image/") and kind != "image/svg+xml":
        return {"type": "image_url", "image_url": {"url": _data(kind, content)}}
    if kind == "application/pdf":
        return {"type": "file", "file": {"filename": path.name, "file_data": _data(kind, content)}}
    if kind in _SOUNDS:
        sound = {"data": base64.b64encode(content).decode(), "format": _SOUNDS[kind]}
        return {"type": "input_audio", "input_audio": sound}
    try:
        return {"type": "text", "text": f"{path.name}:\n{content.decode()}"}
    except ValueError:
        raise ConfigurationError(
            f"{name} cannot be attached: images, PDFs, MP3, WAV and texts can"
        ) from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationError(
                f"{path} cannot be attached: it has more than {_LARGEST >> 20} MB"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be attached: {error.strerror}") from None


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
