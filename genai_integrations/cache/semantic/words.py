"""Whether an English and a Korean word mean the same by their vectors, made fair to words that are near to everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from genai_integrations.cache.semantic.language.closed_classes import OPPOSITES, TIMES, UNITS
from genai_integrations.runtime.bounded_map import BoundedMap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Embed = Callable[[Sequence[str]], "Vectors"]
"""Texts to vectors of length 1, one row for each."""


class Words(Protocol):
    """Says how near two words are."""

    def learn(self, words: Iterable[str]) -> None:
        """Words that are compared soon."""
        ...

    def likeness(self, one: str, other: str) -> float:
        """From 0 for words of two languages that are not the same to 1 for those that surely are."""
        ...

    def cosine(self, one: str, other: str) -> float:
        """The cosine of their vectors."""
        ...


class Nearness(NamedTuple):
    """From what on an English and a Korean word are the same; it belongs to an embedder.

    Attributes:
        cosine: Of their vectors.
        excess: By how much it stands out; see `WordVectors`.
    """

    cosine: float
    excess: float


class WordVectors:
    """Words by an embedder's vectors. Safe for threads and after fork.

    A word may be near to everything (a hub), and one that the embedder does not know is near to all others it does
    not know. So beside the cosine it counts how far it exceeds the mean nearness of each of the two words to its
    eight nearest of a fixed set in the other's language: cross-domain similarity local scaling (CSLS; Conneau et al., Word
    Translation Without Parallel Data, 2018). The sets are the closed classes.

    Args:
        embed: Makes the vectors.
        near: From what on words are the same.
        most: Words whose vectors are kept.
    """

    def __init__(self, embed: Embed, near: Nearness, *, most: int = 20_000) -> None:
        self._embed = embed
        self._near = near
        self._known: BoundedMap[str, _Known] = BoundedMap(most)
        self._background: tuple[Vectors, Vectors, Vectors] | None = None

    def likeness(self, one: str, other: str) -> float:
        """The cosine of two words of two languages that are the same, else 0."""
        if one[0].isascii() == other[0].isascii():
            return 0.0
        first, second = self._word(one), self._word(other)
        if first.is_unknown or second.is_unknown:
            return 0.0
        cosine = float(first.vector @ second.vector)
        is_near = cosine >= self._near.cosine
        return (
            cosine
            if is_near and 2 * cosine - first.crowd - second.crowd >= self._near.excess
            else 0.0
        )

    def cosine(self, one: str, other: str) -> float:
        """The cosine of their vectors."""
        return float(self._word(one).vector @ self._word(other).vector)

    def learn(self, words: Iterable[str]) -> None:
        """Embed words at once that are needed soon."""
        missing = [word for word in dict.fromkeys(words) if self._known.get(word) is None]
        if missing:
            self._learnt(missing)

    def _learnt(self, words: list[str]) -> list[_Known]:
        korean, english, unknown = self._loaded()
        vectors = self._embed(words)
        among = _crowd(vectors, korean), _crowd(vectors, english)
        lost = vectors @ unknown
        found = []
        for at, word in enumerate(words):
            is_english = word[0].isascii()
            # One syllable says too little for a vector.
            is_unknown = bool(lost[at] > _LOST) or (len(word) == 1 and not is_english)
            crowd = float(among[0 if is_english else 1][at])
            found.append(_Known(vectors[at], crowd, is_unknown))
            self._known.put(word, found[-1])
        return found

    def _word(self, word: str) -> _Known:
        return self._known.get(word) or self._learnt([word])[0]

    def _loaded(self) -> tuple[Vectors, Vectors, Vectors]:
        if self._background is None:
            korean, english = self._embed(_background(";")), self._embed(_background(""))
            self._background = korean, english, self._embed([_NO_WORD])[0]
        return self._background


@dataclass(frozen=True, slots=True)
class _Known:
    vector: Vectors
    crowd: float
    is_unknown: bool


_NO_WORD = "뷁"
"""A syllable of no word: it has the vector of what an embedder does not know."""
_LOST = 0.9
_NEIGHBOURS = 8
_ITSELF = 0.95
"""From this cosine on a word of the background is the word itself, or another form of it."""


def _crowd(vectors: Vectors, background: Vectors) -> Vectors:
    """The mean cosine of each to its nearest ones of the background."""
    import numpy as np

    near = vectors @ background.T
    near[near > _ITSELF] = 0.0
    crowd: Vectors = np.partition(near, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:].mean(axis=1)
    return crowd


def _background(language: str) -> list[str]:
    """The words of the closed classes that are long enough to have a meaning of their own."""
    rows = [
        pole.partition(";")[2 if language else 0] for row in OPPOSITES for pole in row.split("|")
    ]
    rows += [row[2 if language else 1] for row in TIMES + UNITS]
    fewest = 2 if language else 3
    return sorted(
        {word for row in rows for word in row.split() if word.isalpha() and len(word) >= fewest}
    )
