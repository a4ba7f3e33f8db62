"""Texts of others, made fit to be shown: in one line, bounded, and without characters that steer what shows them."""

from __future__ import annotations

import re

LONGEST = 500
"""Characters of a message at most; of a long one the beginning says what is wrong."""

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters, those that turn the direction of a text (CVE-2021-42574), those that nobody sees, and halves of
characters, which cannot be written."""


def one_line(text: str, most: int = LONGEST) -> str:
    """The text in one line, its white space joined, what steers as an escape, and cut."""
    text = " ".join(text[: 4 * most].split())
    if _STEERING.search(text):
        text = _STEERING.sub(_escaped, text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
