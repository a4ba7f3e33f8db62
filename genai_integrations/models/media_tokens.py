"""How many tokens a picture, a sound or a document has, by the providers' published rules. No address is ever fetched."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.models.catalog import bare

Size = tuple[int, int]
"""Width and height in pixels."""

UNKNOWN_SIZE: Size = (1024, 1024)
"""Taken for a picture that is named by its address, or has no header that can be read."""

_HEADER = 65_536
"""Bytes in which a JPEG's size is looked for; before it may stand a preview."""

_SECONDS_UNKNOWN = 30.0
_BYTES_PER_SECOND = 16_000
"""Of sound whose length its header does not tell: MP3 with 128 kbit/s."""


def _tiled(base: int, tile: int) -> Callable[[Size, bool], int]:
    """OpenAI's tiles: within 2048 pixels, the shorter side 768 at most, then 512 by 512."""

    def tokens(size: Size, is_low: bool) -> int:
        if is_low:
            return base
        width, height = _within(size, 2048)
        shrink = min(1.0, 768 / min(width, height))
        across, down = math.ceil(width * shrink / 512), math.ceil(height * shrink / 512)
        return base + tile * across * down

    return tokens


def _patched(factor: float) -> Callable[[Size, bool], int]:
    """OpenAI's patches: 32 by 32 pixels, 1536 of them at most, times a factor of the model."""

    def tokens(size: Size, _is_low: bool) -> int:
        width, height = size
        patches = math.ceil(width / 32) * math.ceil(height / 32)
        return math.ceil(min(patches, 1536) * factor)

    return tokens


def _by_area(longest: int, most: int) -> Callable[[Size, bool], int]:
    """Anthropic's: a token for 750 pixels, after the longest side was brought within its limit."""

    def tokens(size: Size, _is_low: bool) -> int:
        width, height = _within(size, longest)
        return min(math.ceil(width * height / 750), most)

    return tokens


_SMALL = 384
"""Pixels of a side, within which Google takes a picture as it is."""


def _google_tiles(size: Size, _is_low: bool) -> int:
    """Google's: 258 for a picture within 384 pixels, else for each tile of two thirds of the shorter side."""
    width, height = size
    if max(size) <= _SMALL:
        return 258
    unit = max(math.floor(min(size) / 1.5), 1)
    return 258 * math.ceil(width / unit) * math.ceil(height / unit)


def _within(size: Size, longest: int) -> tuple[float, float]:
    shrink = min(1.0, longest / max(size))
    return size[0] * shrink, size[1] * shrink


@dataclass(frozen=True, slots=True)
class MediaRule:
    """What media cost in tokens of some models.

    Attributes:
        prefixes: What the models' bare names start with.
        picture: Takes the size and whether little detail is asked for.
        second: Tokens of a second of sound.
        page: Tokens of a page of a document.
        video_second: Tokens of a second of film.
    """

    prefixes: tuple[str, ...]
    picture: Callable[[Size, bool], int]
    second: float = 10.0
    page: int = 1500
    video_second: float = 263.0


MEDIA_RULES = (
    # developers.openai.com, "Images and vision", "Calculating costs"; of sound: 1 token for 100 ms ("Audio").
    MediaRule(("gpt-4o-mini",), _tiled(2833, 5667)),
    MediaRule(("gpt-4.1-mini", "gpt-5-mini"), _patched(1.62)),
    MediaRule(("gpt-4.1-nano", "gpt-5-nano"), _patched(2.46)),
    MediaRule(("o4-mini",), _patched(1.72)),
    MediaRule(("gpt-5",), _tiled(70, 140)),
    MediaRule(("o1", "o3"), _tiled(75, 150)),
    MediaRule(("computer-use-",), _tiled(65, 129)),
    MediaRule(("gpt-", "chatgpt-"), _tiled(85, 170)),
    # platform.claude.com, "Vision" and "PDF support": 1,500 to 3,000 tokens a page.
    MediaRule(
        (
            "claude-opus-4-7",
            "claude-opus-4-8",
            "claude-opus-5",
            "claude-sonnet-5",
            "claude-haiku-5",
            "claude-fable",
            "claude-mythos",
        ),
        _by_area(2576, 4784),
        page=3000,
    ),
    MediaRule(("claude",), _by_area(1568, 1600), page=2250),
    # ai.google.dev, "Tokens" (sound 32 a second, film 263), "Document understanding" (258 a page).
    MediaRule(("gemini-3",), lambda _size, is_low: 280 if is_low else 1120, 32.0, 560),
    MediaRule(("gemini", "gemma"), _google_tiles, 32.0, 258),
    MediaRule(("",), _tiled(85, 170)),
)
"""The first whose prefix fits counts."""


def part_tokens(part: Mapping[str, Any], model: str) -> int:
    """Tokens of one part of a message that is no text, in OpenAI's shape."""
    name = bare(model.lower().removeprefix("ft:"))
    rule = next(row for row in MEDIA_RULES if name.startswith(row.prefixes))
    kind = str(part.get("type"))
    held = part.get(kind)
    if kind == "input_audio":
        data = held.get("data") if isinstance(held, Mapping) else None
        return math.ceil(_seconds(_bytes(data)) * rule.second)
    if kind == "file":
        data = held.get("file_data") if isinstance(held, Mapping) else None
        return rule.page * _pages(_bytes(data))
    if kind == "video_url":
        return math.ceil(_SECONDS_UNKNOWN * rule.video_second)
    asked = held.get("detail") if isinstance(held, Mapping) else None
    url = held.get("url") if isinstance(held, Mapping) else held
    return rule.picture(picture_size(_bytes(url, _HEADER)), asked == "low")


def _bytes(data: object, most: int = 0) -> bytes:
    """What a `data:` URL or bare base64 holds; nothing for an address."""
    if not isinstance(data, str):
        return b""
    if data.startswith("data:"):
        data = data.partition(",")[2]
    elif "://" in data[:16]:
        return b""
    whole = data[: -(-most // 3) * 4] if most else data
    try:
        return base64.b64decode(whole + "=" * (-len(whole) % 4))
    except (binascii.Error, ValueError):
        return b""


def picture_size(data: bytes) -> Size:
    """Width and height that a PNG, GIF, JPEG or WebP tells at its beginning; `UNKNOWN_SIZE` for all else."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            size = struct.unpack(">II", data[16:24])
        elif data[:4] == b"GIF8":
            size = struct.unpack("<HH", data[6:10])
        elif data[:2] == b"\xff\xd8":
            size = _jpeg_size(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            size = _webp_size(data)
        else:
            return UNKNOWN_SIZE
    except (struct.error, IndexError):
        return UNKNOWN_SIZE
    return size if min(size) > 0 else UNKNOWN_SIZE


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers before a JPEG's size; the three between them begin tables."""


def _jpeg_size(data: bytes) -> Size:
    """From the frame's header (ITU T.81, B.2.2): segments are walked until it comes."""
    at = 2
    while data[at : at + 1] == b"\xff":
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return UNKNOWN_SIZE


def _webp_size(data: bytes) -> Size:
    """Source: WebP container specification, for its three kinds of a first chunk."""
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _seconds(data: bytes) -> float:
    """Length of a sound: WAV tells its bytes a second, of others a usual rate is taken."""
    if not data:
        return _SECONDS_UNKNOWN
    rate = _BYTES_PER_SECOND
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        rate = int.from_bytes(data[28:32], "little") or rate
    return len(data) / rate


_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")


def _pages(data: bytes) -> int:
    """Pages of a PDF, as far as they are not packed; at least one."""
    return max(len(_PAGE.findall(data)), 1)
