"""The one wrapper that secrets live in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from genai_integrations.errors import CredentialError
from genai_integrations.runtime.masked import MASK, MaskedText


class Secret:
    """A text that shows only where `reveal()` is called.

    Its repr, str, format and pickle show `**********`; a copy is the object itself. A pickled secret
    arrives without its text, because secrets do not travel between processes.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        self._reveal: Callable[[], str] = lambda: text

    @classmethod
    def lazy(cls, reveal: Callable[[], str]) -> Secret:
        """A secret that is opened again, e.g. decrypted, each time it is revealed."""
        secret = cls("")
        secret._reveal = reveal
        return secret

    def reveal(self) -> str:
        """The text itself, as a str whose repr is masked. Keep it out of names that outlive the use."""
        return MaskedText(self._reveal())

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled, ()


def _pickled() -> Secret:
    return Secret.lazy(_refuse)


def _refuse() -> NoReturn:
    raise CredentialError(
        "this secret was pickled, and secrets do not travel: make a new GenAIClient in this process"
    )
