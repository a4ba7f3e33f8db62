"""The stem of an English word, and what it may be a form of, by rules."""

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


_VOWEL = re.compile("[aeiouy]")
_SHORT = re.compile(r"[^aeiouy]*[aeiouy][^aeiouywx]")
"""A syllable whose last letter is doubled before an ending: `hopping` is of `hop`, and `hoping` of `hope`."""

_SINGULAR = frozenset("lens news goods customs arms series species gas".split())
"""Words that are no plurals, or another thing than what they would be the plural of."""


def noun_forms(word: str) -> frozenset[str]:
    """The word, and what it may be the plural of. Letters without a vowel are an abbreviation: `https` is one of its own."""
    base = IRREGULAR.get(word, word)
    found = {word, base}
    if len(base) < 4 or not base.isalpha() or base in _SINGULAR or not _VOWEL.search(base):
        return frozenset(found)
    if base.endswith("ies"):
        found |= {base[:-1], f"{base[:-3]}y"}
    elif base.endswith(("ses", "xes", "zes", "ches", "shes")):
        found |= {base[:-1], base[:-2]}
    elif base.endswith("s") and not base.endswith(("ss", "us", "is", "ics")):
        found.add(base[:-1])
    return frozenset(found)


def name_forms(token: str) -> frozenset[str]:
    """What a name may be the same by: only one in capitals shows its plural, as `APIs` does and `HTTPS` does not."""
    lower = token.lower()
    is_plural = token[-1:] == "s" and len(token) > 2 and token[:-1].isupper()  # `As` is a word
    return frozenset((lower, lower[:-1])) if is_plural else frozenset((lower,))


def verb_forms(word: str) -> frozenset[str]:
    """What it may be a verb's, or an adverb's, form of: marked, since `a bank` is no `banking`."""
    base = IRREGULAR.get(word, word)
    for ending in ("ing", "ed", "ly"):
        short = base.removesuffix(ending)
        if (
            short != base and len(short) > 2 and _VOWEL.search(short)
        ):  # `sing`, `red` and `fly` have none
            if (
                ending == "ly" and len(base) < 7
            ):  # `nearly` and `hardly` are others than `near` and `hard`
                break
            return frozenset(f"~{stem}" for stem in _stems(short, ending))
    return frozenset((f"~{base}",))


def _stems(short: str, ending: str) -> frozenset[str]:
    """What may stand before an ending: with a mute e, or with one consonant where there are two."""
    if ending == "ly":
        return frozenset((short,))
    if ending == "ed" and short.endswith("i"):
        return frozenset((f"{short[:-1]}y",))
    if _SHORT.fullmatch(short):
        return frozenset((f"{short}e",))
    doubled = short[-1] == short[-2] and short[-1] not in "aeiou"
    return frozenset((short, f"{short}e", *([short[:-1]] if doubled else ())))


def bases(word: str) -> tuple[str, ...]:
    """The word, and what it may be a form of, the likeliest first: what a closed class is looked up by."""
    found = sorted(noun_forms(word)) + sorted(form[1:] for form in verb_forms(word))
    return tuple(dict.fromkeys((word, *found)))
