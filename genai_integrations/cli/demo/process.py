"""The demo's process: shut off from the user's own accounts, and in order however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator
from types import FrameType
from typing import Any, NoReturn, Self

_OTHERS = (
    "GENAI_",
    "LANGCHAIN_",
    "LANGFUSE_",
    "LANGSMITH_",
    "NLTK_",
    "OPENAI_",
    "OTEL_",
    "PG",
    "TIKTOKEN_",
)
"""Starts of variables by which libraries find accounts, databases, collectors and caches of the user's."""

_ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, a polite kill, and a terminal that was closed."""


@contextlib.contextmanager
def own_environment() -> Generator[None]:
    """Hide the user's accounts from every library in this process, and from those it starts.

    Nothing of the demo leaves the machine, so no proxy is used either.
    """
    hidden = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_OTHERS) or name.upper().endswith("_PROXY")
    }
    for name in hidden:
        del os.environ[name]
    os.environ["NO_PROXY"] = "*"
    try:
        yield
    finally:
        del os.environ["NO_PROXY"]
        os.environ.update(hidden)


class OrderlyEnd:
    """Turns the signals that end a process into exceptions, so that `with` blocks are left in order.

    Once one has come, further ones are ignored until this block is left, because a clean-up that is cut
    short leaves servers behind. Works in the main thread only, as signals do.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._holding = False
        self._held: int | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._arrived) for number in _ENDS}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held_back(self) -> Generator[None]:
        """A signal that comes in this block takes effect at its end."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._held is not None:
                self._end(self._held)

    def ignore(self) -> None:
        """From now on nothing interrupts: call it before cleaning up."""
        for number in _ENDS:
            # Programs that are started to clean up inherit this, unlike a handler.
            signal.signal(number, signal.SIG_IGN)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self._held = number
        else:
            self._end(number)

    def _end(self, number: int) -> NoReturn:
        self.ignore()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)
