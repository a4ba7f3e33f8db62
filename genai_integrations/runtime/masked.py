"""Text that no traceback shows."""

from __future__ import annotations

MASK = "**********"


class MaskedText(str):
    """A text whose repr is masked, because a traceback may show the locals of every frame it passes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"
