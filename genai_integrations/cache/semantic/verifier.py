"""Whether two questions ask the same, decided word by word: vectors only find candidates.

Two questions are the same when they ask for the same (how, why, when ...), deny as often, and each content word of one
has its partner in the other: the same stem, the same number, unit or pole of a scale, the same sound in the other
script, or, for plain words, near vectors that are each other's nearest. Words that a preposition or a particle gives
a role keep it, and words without one keep their order. Whatever cannot be read is another question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import combinations

from genai_integrations.cache.semantic.language.english import read_english
from genai_integrations.cache.semantic.language.korean import read_korean
from genai_integrations.cache.semantic.language.reading import Kind, Reading, Role, Word
from genai_integrations.cache.semantic.language.transliteration import sound_alike
from genai_integrations.cache.semantic.words import Words

_HANGUL = re.compile("[가-힣]")
_UNREADABLE = re.compile(r"[^\x00-\x7f가-힣ㄱ-ㅎㅏ-ㅣ\s‘’“”…–—·€£¥₩°]")
_QUOTED = re.compile(r"[\"“”「『]([^\"“”」』]*)[\"“”」』]|`([^`]*)`")
_CODE = re.compile(
    r"[{}<>=\\|@~^*_\[\]]|[A-Za-z]/[A-Za-z]|https?:|\n\s*\n"
    r"|\d\s*\+\s*\d|\d\s+[-–—]\s+\d|\d[!'\"]"  # sums, factorials, feet and inches
)
_LONGEST = 300
"""Characters. What is longer says more than can be compared."""

_MOST_WORDS = 20


def read(text: str) -> Reading | None:
    """What a question says; None for one that cannot be compared: too long, code, or in another language."""
    text = unicodedata.normalize("NFKC", text).strip()
    if not text or len(text) > _LONGEST or _UNREADABLE.search(text):
        return None
    quoted = tuple(one or other for one, other in _QUOTED.findall(text))
    text = _QUOTED.sub(" ", text)
    if _CODE.search(text):
        return None
    text = re.sub(r"(?<!\w)[-–](?=\d)", " minus ", text)
    text = re.sub(r"([$€£¥₩])\s?(\d[\d.,]*)", r"\2 \1 ", text)
    found = read_korean(text, quoted) if _HANGUL.search(text) else read_english(text, quoted)
    if not 0 < len(found.words) <= _MOST_WORDS:
        return None
    return found


class Verifier:
    """Compares two readings.

    Args:
        words: Says which plain words mean the same. Without it only those do that have a stem or a sound
            in common.
    """

    def __init__(self, words: Words | None = None) -> None:
        self._words = words

    def difference(self, one: Reading, other: Reading) -> str | None:
        """In what the questions differ; None if they are the same.

        Args:
            one: A question.
            other: Another one; which is which makes no difference.
        """
        if one.quoted != other.quoted:
            return "quotation"
        if not one.asks & other.asks:
            return "what is asked"
        if one.negations != other.negations:
            return "negation"
        pairs, left, right = self._aligned(one, other)
        if left or right:
            return _kind_of(one, other, left, right)
        return _disorder(one, other, pairs)

    def _aligned(
        self, one: Reading, other: Reading
    ) -> tuple[list[tuple[int, int]], list[int], list[int]]:
        """The partners, by their places, and the places of the words that have none."""
        left, right = list(range(len(one.words))), list(range(len(other.words)))
        pairs: list[tuple[int, int]] = []

        def pair(at: int, to: int) -> None:
            pairs.append((at, to))
            left.remove(at)
            right.remove(to)

        for at in list(left):
            found = next((to for to in right if _same(one.words[at], other.words[to])), None)
            if found is not None:
                pair(at, found)
        # As many words stay on each side, or some have no partner.
        if left and len(left) == len(right):
            for at, to in self._rated(one, other, left, right):
                if at in left and to in right:
                    pair(at, to)
        return pairs, left, right

    def _rated(
        self, one: Reading, other: Reading, left: list[int], right: list[int]
    ) -> list[tuple[int, int]]:
        """The places of words that may be partners, the surest first."""
        words = [one.words[at] for at in left], [other.words[to] for to in right]
        if any(Kind.FIXED in (word.kind for word in side) for side in words):
            return []
        if self._words is not None:
            self._words.learn(word.text for side in words for word in side)
        rated = [
            (-likeness, at, to)
            for at, word in zip(left, words[0], strict=True)
            for to, mate in zip(right, words[1], strict=True)
            if (likeness := self._likeness(word, mate))
        ]
        return [(at, to) for _, at, to in sorted(rated)]

    def _likeness(self, one: Word, other: Word) -> float:
        """How sure it is that the words are the same; 0 for no."""
        if Kind.FIXED in (one.kind, other.kind):
            return 0.0
        if sounds := _sounds(one, other):
            if sounds > _LONG_SOUND:
                return 2.0
            near = self._words.cosine(one.text, other.text) if self._words else 0.0
            return 1.0 + near if near >= _NEAR_ENOUGH else 0.0
        if Kind.NAME in (one.kind, other.kind) or self._words is None:
            return 0.0
        return self._words.likeness(one.text, other.text)


_NEAR_ENOUGH = 0.4
"""Cosine of two short words that sound alike and may do so by chance, as `copy` and 커피 do."""

_LONG_SOUND = 5
"""Letters of a word that does not sound like another by chance."""


def _same(one: Word, other: Word) -> bool:
    """Whether they have a common form. One syllable is only enough where it is the likeliest form of both."""
    if Kind.FIXED in (one.kind, other.kind):
        return one.kind is other.kind and one.forms == other.forms
    if Kind.NAME in (one.kind, other.kind) and (one.is_common or other.is_common):
        # `Apple` and `an apple`.
        return False
    if one.text == other.text:
        return True
    return any(len(form) > 1 for form in one.forms & other.forms)


def _sounds(one: Word, other: Word) -> int:
    """The letters of the word in Latin letters if the other is the same in Hangul, else 0."""
    if one.text[0].isascii() == other.text[0].isascii():
        return 0
    latin, hangul = (one, other) if one.text[0].isascii() else (other, one)
    if not latin.text.isalpha():
        return 0
    return len(latin.text) if sound_alike(latin.text, hangul.text) else 0


_DIRECTED = frozenset((Role.FROM, Role.TO, Role.THAN))
_MARKED = frozenset((Role.SUBJECT, Role.OBJECT))
"""Roles that a Korean particle says and a topic may have too."""
_NONE = frozenset((Role.TOPIC,))


def _disorder(one: Reading, other: Reading, pairs: Sequence[tuple[int, int]]) -> str | None:
    """Whether partners have contrary roles, or stand in another order."""
    for at, to in pairs:
        if _contradict(one.words[at].roles - _NONE, other.words[to].roles - _NONE):
            return "direction"
    if one.language != other.language:
        return _disorder_across(one, other, pairs)
    for role in _MARKED:
        marked = [{pair for pair in pairs if role in one.words[pair[0]].roles}]
        marked.append({pair for pair in pairs if role in other.words[pair[1]].roles})
        if all(marked) and not marked[0] & marked[1] and len(pairs) > 2:
            return "direction"
    rows = sorted(pairs)
    for is_scale in (True, False):
        row = [(at, to) for at, to in rows if one.words[at].is_scale is is_scale]
        for (at, to), (later, before) in combinations(row, 2):
            if to > before and not _may_swap(one, other, (at, later), (before, to)):
                return "order"
    return None


def _contradict(first: frozenset[Role], second: frozenset[Role]) -> bool:
    """Whether a word cannot have both roles."""
    both = first | second
    if not first or not second:
        # Elsewhere a preposition or a particle may be left out, but not these.
        return bool(both) and both <= {Role.FROM, Role.THAN}
    if {Role.FROM, Role.TO} <= both and not {Role.FROM, Role.TO} <= first & second:
        # 에서 is also where something is, and 에 too.
        return not (first & second & {Role.FROM, Role.TO})
    if first & second:
        return False
    return bool(both & _DIRECTED) if first <= _MARKED or second <= _MARKED else True


def _may_swap(
    one: Reading, other: Reading, first: tuple[int, int], second: tuple[int, int]
) -> bool:
    """Whether two words may change places: their roles tell them apart, or they are one compound.

    Args:
        one: A question.
        other: The other one.
        first: The places of the two in it, in order.
        second: Their places in the other one, in order, which are those of the later and of the earlier word.
    """
    here = [one.words[at] for at in first]
    there = [other.words[at] for at in reversed(second)]
    if any(word.is_scale for word in here):
        return False
    if all(_keeps_role(*both) for both in zip(here, there, strict=True)):
        return any(
            word.roles - _NONE and mate.roles - _NONE
            for word, mate in zip(here, there, strict=True)
        )
    return _is_compound(here, first, there) or _is_compound(there[::-1], second, here[::-1])


def _keeps_role(word: Word, mate: Word) -> bool:
    first, second = word.roles - _NONE, mate.roles - _NONE
    if first == second or first & second:
        return True
    return not (first and second) and (first | second) <= _MARKED


def _is_compound(pair: list[Word], places: tuple[int, int], apart: list[Word]) -> bool:
    """Whether two words stand side by side, and in the other question the first one follows with `of` or `in`."""
    modifier, head = pair
    is_side_by_side = places[1] == places[0] + 1 and modifier.roles == head.roles
    return is_side_by_side and bool(apart[0].roles & {Role.OF, Role.IN})


def _disorder_across(one: Reading, other: Reading, pairs: Sequence[tuple[int, int]]) -> str | None:
    """Whether the Korean question's subject, or topic, and object stand the other way round in the English one."""
    if one.language == "ko":
        return _disorder_across(other, one, [(to, at) for at, to in pairs])
    subjects = [at for at, to in pairs if other.words[to].roles & {Role.SUBJECT, Role.TOPIC}]
    objects = [at for at, to in pairs if Role.OBJECT in other.words[to].roles]
    if subjects and objects and max(subjects) > min(objects):
        return "order"
    return None


def _kind_of(one: Reading, other: Reading, left: list[int], right: list[int]) -> str:
    words = [one.words[at] for at in left] + [other.words[to] for to in right]
    names = {
        form.partition(" ")[0] for word in words if word.kind is Kind.FIXED for form in word.forms
    }
    if names:
        return min(names)
    return "name" if any(word.kind is Kind.NAME for word in words) else "word"
