"""How far a job is: what it tells, and a bar that shows it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from genai_integrations.display import money
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.installing import to_install_extra


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        done: Calls whose outcome is there, the failed ones among them.
        failed: Those that failed.
        total: All that there are to make; None where that is not known before the end.
        cost: US dollars so far, as far as known.
        submitted: Requests that providers have in batches of their own.
    """

    done: int
    failed: int
    total: int | None
    cost: float
    submitted: int = 0

    def __str__(self) -> str:
        """What stands beside a bar: `$0.02, 1 failed, 20 in batches`."""
        told = [money(self.cost)]
        told += [f"{self.failed} failed"] if self.failed else []
        told += [f"{self.submitted} in batches"] if self.submitted else []
        return ", ".join(told)


Listener = Callable[[Progress], object]
"""Told after each call."""


@contextmanager
def shown_progress(wanted: bool | None, headline: str, total: int) -> Generator[Listener]:
    """A line that says what is about to happen, then a bar, on stderr or in the notebook.

    Args:
        wanted: None shows them in a notebook and in a terminal, not in logs and pipes.
        headline: The line.
        total: Results to come.

    Raises:
        ConfigurationError: There is somebody to show them to, and tqdm is not installed.
    """
    if not (wanted or (wanted is None and _is_watched())):
        yield _nothing
        return
    bar = _bar(headline, total)

    def listener(progress: Progress) -> None:
        bar.set_postfix_str(str(progress))
        bar.update()

    try:
        yield listener
    finally:
        bar.close()


def say(text: str) -> None:
    """A line for whoever watches. Notebooks show stderr in red."""
    (sys.stdout if _is_notebook() else sys.stderr).write(f"{text}\n")


def _bar(headline: str, total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ConfigurationError(
            f"progress needs tqdm: {to_install_extra('compare')}, or pass progress=False"
        ) from error
    say(headline)
    return tqdm(total=total, unit="call")


def _is_watched() -> bool:
    return _is_notebook() or sys.stderr.isatty()


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _nothing(progress: Progress) -> None:
    """Nobody watches."""
