"""In which language a text is, as far as its script tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

LATIN = "latin"

_RANGES: Mapping[str, str] = {
    "ko": "\uac00-\ud7af\u1100-\u11ff\u3130-\u318f",
    "kana": "\u3040-\u30ff\uff66-\uff9f",
    "han": "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002ebef",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f",
    "hy": "\u0530-\u058f",
    "ka": "\u10a0-\u10ff",
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "devanagari": "\u0900-\u097f",
}
"""Unicode's blocks of letters, by the language (ISO 639-1) that alone is written in them, else by the script."""

_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _RANGES.items()}
_ANY = re.compile(r"[^\W\d_]")

LANGUAGES = frozenset((LATIN, "ja", "zh", *_RANGES)) - {"kana", "han"}
"""What `language_of` may say."""

_LONGEST = 2000
"""Characters that are looked at."""

_SHARE = 0.1
"""Of the letters: so many of another script than Latin count before it. A Korean question about code has more of the
latter's."""


def language_of(text: str) -> str:
    """The language of a text by its script: a code for what only one language is written in, else the script's name.

    English, French and German are all `latin`. Chinese is `zh`, and Japanese, which has the same characters beside its
    own, `ja`. A text without letters is `latin`.
    """
    if text.isascii():
        return LATIN
    text = text[:_LONGEST]
    counts = {name: len(letters.findall(text)) for name, letters in _LETTERS.items()}
    kana, han = counts.pop("kana"), counts.pop("han")
    counts["ja" if kana else "zh"] = kana + han
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] > _SHARE * len(_ANY.findall(text)) else LATIN
