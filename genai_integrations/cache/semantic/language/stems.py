"""The stem of an English word, by rules."""

from __future__ import annotations

import re

from genai_integrations.cache.semantic.language.closed_classes import IRREGULAR


def stem(word: str) -> str:
    """The word without the endings of plurals, tenses and adverbs; always the same one for the same word."""
    word = IRREGULAR.get(word, word)
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return _bare(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        if ending == "ly" and len(word) < 7:
            break
        short = word[: -len(ending)]
        if word.endswith(ending) and len(short) > 2 and re.search("[aeiouy]", short):
            return _bare(short[:-1] + "y" if ending == "ed" and short.endswith("i") else short)
    return _bare(word)


def _bare(word: str) -> str:
    """Without a mute e, and without the second of two consonants."""
    if word.endswith("e") and len(word) > 3:
        return word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeious":
        return word[:-1]
    return word
