"""Whether a word in Latin letters and one in Hangul sound alike: Docker and 도커, without a list of names.

Both become the same kind of row: consonants as the sets of sounds that their letters may stand for, and between them
vowels as sets of the letters that they are written with elsewhere. The rows agree when each consonant has its partner.
The rules are those by which Korean writes foreign words (National Institute of Korean Language, loanword
orthography): a vowel ㅡ is put between consonants, r before a consonant is not written, f is ㅍ, v is ㅂ, th is ㅅ.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Sound(NamedTuple):
    """A consonant, or vowels that follow each other.

    Attributes:
        consonant: The sounds that it may stand for; none if it is vowels.
        vowels: The vowels, as they are written.
        may_be_silent: Whether the other word may lack it.
    """

    consonant: frozenset[str]
    vowels: tuple[str, ...] = ()
    may_be_silent: bool = False


_ONSETS = "k kk n d tt r m b pp s ss - j jj ch K t p h".split()
_ONSET_SOUNDS = {
    "k": "g", "kk": "gk", "n": "n", "d": "d", "tt": "td", "r": "r", "m": "m", "b": "bv", "pp": "pb", "s": "sT",
    "ss": "sT", "j": "jzS", "jj": "jz", "ch": "cC", "K": "k", "t": "t", "p": "pf", "h": "hf",
}  # fmt: skip
_VOWELS = "a ae ya yae eo e yeo ye o oa oae oe yo u ueo ue ui yu - eui i".split()
_CODAS = "- k k ks n n n d r rk rm rb rs rt rp r m b bs s s N j ch k t p h".split()
_CODA_SOUNDS = {
    "k": "gk",
    "n": "n",
    "d": "dt",
    "r": "r",
    "m": "m",
    "b": "bpvf",
    "s": "sTtdSC",
    "N": "N",
}

_ENGLISH = (
    (r"tch", "C"), (r"sch", "sS"), (r"sh", "sS"), (r"ch", "Cks"), (r"ck", "k"), (r"cc(?=[eiy])", "k+s"), (r"cc", "k"), (r"^dj", "j"),
    (r"ph", "f"), (r"th", "Ttds"), (r"^kn", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"gh", "g?"), (r"wh", ""),
    (r"qu", "k"), (r"^x", "jz"), (r"x", "k+s"), (r"c(?=[eiy])", "sC"), (r"c", "k"), (r"dge?", "jS"), (r"ng", "N+g?"),
    (r"nk", "Nn+k"), (r"ti(?=o)", "sSC"), (r"g(?=[eiy])", "gj"), (r"g", "g"), (r"j", "j"), (r"k", "k"), (r"q", "k"),
    (r"b", "b"), (r"d", "dj"), (r"f", "f"), (r"h(?![aeiouy])", ""), (r"h", "h"), (r"l", "r"), (r"m", "m"),
    (r"n", "nN"), (r"p", "p"), (r"r(?![aeiouy])", "r?"), (r"r", "r"), (r"s$", "szS?"), (r"s", "szS"), (r"t", "tC"), (r"v", "v"),
    (r"z", "zj"), (r"e(?![aeiouyw])", "#?"), (r"[aeiouyw]+", "#"),
)  # fmt: skip
"""Letters and the sounds that they may stand for; `?` may be silent, `#` is a vowel, `+` is followed by another."""
_ENGLISH_RULES = tuple((re.compile(letters), sounds) for letters, sounds in _ENGLISH)

_HEARD = {
    "a": {"a", "ae", "e", "o", "eo", "ya"},
    "e": {"e", "i", "eo", "ae", "ye"},
    "i": {"i", "a", "eo", "e", "yeo"},
    "o": {"o", "eo", "a", "u", "yo", "yeo"},
    "u": {"u", "eo", "yu", "a", "i"},
    "y": {"i", "a", "ya", "yu", "yeo"},
    "w": {"u", "o", "oa", "ueo", "ue", "ui"},
}
"""Vowels as English writes them, and those that Korean hears."""

_DIPHTHONGS = {("a", "e", "i"), ("i", "a", "i"), ("y", "a", "i"), ("o", "o", "u")}
"""One English letter that Korean writes as two vowels."""

_FEWEST_SOUNDS, _MOST_SOUNDS = 3, 24
_FEWEST_CONSONANTS = 2


def sound_alike(latin: str, hangul: str) -> bool:
    """Whether the second word may be how Korean writes the first.

    Args:
        latin: A word of the letters a to z, in any case.
        hangul: A word of Hangul syllables.
    """
    one, other = _latin_sounds(latin.lower()), _hangul_sounds(hangul)
    if not _FEWEST_SOUNDS <= min(len(one), len(other)) <= max(len(one), len(other)) <= _MOST_SOUNDS:
        return False
    if sum(not sound.vowels for sound in other) < _FEWEST_CONSONANTS:
        return False
    return _agree(one, other)


def _agree(one: tuple[Sound, ...], other: tuple[Sound, ...]) -> bool:
    """Whether the rows agree from their beginning on; what may be silent is left out where that helps."""
    if not one or not other:
        return all(sound.may_be_silent for sound in one + other)
    if _may_be(one[0], other[0]) and _agree(one[1:], other[1:]):
        return True
    return one[0].may_be_silent and _agree(one[1:], other)


def _may_be(latin: Sound, hangul: Sound) -> bool:
    if not latin.vowels or not hangul.vowels:
        return bool(latin.consonant & hangul.consonant)
    if len(latin.vowels) == 1 and len(hangul.vowels) == 2:
        return (*latin.vowels, *hangul.vowels) in _DIPHTHONGS
    heard: set[str] = set().union(*(_HEARD[letter] for letter in latin.vowels))
    return len(hangul.vowels) <= len(latin.vowels) and heard.issuperset(hangul.vowels)


@lru_cache(4096)
def _latin_sounds(word: str) -> tuple[Sound, ...]:
    word = re.sub(r"([bdfgklmnprstz])\1", r"\1", word)
    sounds: list[Sound] = []
    at = 0
    while at < len(word):
        for rule, said in _ENGLISH_RULES:
            found = rule.match(word, at)
            if found is not None:
                at = found.end()
                sounds.extend(_said(found.group(), said))
                break
        else:
            return ()
    return tuple(sounds)


def _said(letters: str, said: str) -> list[Sound]:
    if said.startswith("#"):
        return [Sound(frozenset(), tuple(letters), said.endswith("?"))]
    return [
        Sound(frozenset(part.rstrip("?")), (), part.endswith("?"))
        for part in said.split("+")
        if part
    ]


@lru_cache(4096)
def _hangul_sounds(word: str) -> tuple[Sound, ...]:
    sounds: list[Sound] = []
    for syllable in word:
        at = ord(syllable) - 0xAC00
        if not 0 <= at < 11172:
            return ()
        onset, vowel, coda = _ONSETS[at // 588], _VOWELS[at % 588 // 28], _CODAS[at % 28]
        # A doubled r between vowels is one l.
        if onset != "-" and not (onset == "r" and sounds and "r" in sounds[-1].consonant):
            sounds.append(Sound(frozenset(_ONSET_SOUNDS[onset])))
        if vowel != "-":
            before = sounds.pop().vowels if sounds and sounds[-1].vowels else ()
            sounds.append(Sound(frozenset(), (*before, vowel)))
        if coda != "-":
            sounds.append(Sound(frozenset(_CODA_SOUNDS.get(coda, ""))))
    return tuple(sounds)
