"""Who decides whether two questions say the same: the verifier, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from genai_integrations.cache.semantic.language.reading import Reading
from genai_integrations.cache.semantic.verifier import Verifier, read
from genai_integrations.cache.semantic.words import WordVectors


class Comparer(Protocol):
    """Reads a question once, and compares what it read many times."""

    def read(self, text: str) -> Any:
        """What is compared of a question; None for one that is not to be."""
        ...

    def same(self, one: Any, other: Any) -> bool:
        """Whether a new question (`one`) and a kept one say the same."""
        ...


class Verified:
    """The verifier, with the vectors of words if there are any.

    Args:
        words: Vectors of words.
    """

    def __init__(self, words: WordVectors | None = None) -> None:
        self._verifier = Verifier(words)

    def read(self, text: str) -> Reading | None:
        """See `verifier.read`."""
        return read(text)

    def same(self, one: Reading, other: Reading) -> bool:
        """Whether they differ in nothing."""
        return self._verifier.difference(one, other) is None


class Told:
    """A function of the user's.

    Args:
        tells: Takes the new question and a kept one, and says whether the answer to that one answers it, too.
    """

    def __init__(self, tells: Callable[[str, str], bool]) -> None:
        self._tells = tells

    def read(self, text: str) -> str:
        """The text itself."""
        return text

    def same(self, one: str, other: str) -> bool:
        """What the function says; only True is yes."""
        return self._tells(one, other) is True
