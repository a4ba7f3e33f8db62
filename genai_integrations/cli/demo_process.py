"""The demo's process: shut off from the user's own accounts, and in order however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator
from types import FrameType
from typing import NoReturn

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

_ENDS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
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


@contextlib.contextmanager
def orderly_end() -> Generator[Callable[[], None]]:
    """Turn each signal that ends a process into an exception, so that `with` blocks are left in order.

    Yields what to call before cleaning up: from then on, and once a first signal has come, further ones
    are ignored until the block is left, because a clean-up that is cut short leaves servers behind.
    """
    before = {number: signal.signal(number, _end) for number in _ENDS}
    try:
        yield _ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    _ignore()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _ignore() -> None:
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
