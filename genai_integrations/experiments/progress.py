"""A bar that shows how far a comparison is."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

from genai_integrations.display import money
from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.results import Result


class Listener(Protocol):
    """Told of each result as it comes."""

    def __call__(self, result: Result, spent: float) -> None:
        """A result is there.

        Args:
            result: It.
            spent: US dollars so far.
        """
        ...


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
    failed = 0

    def listener(result: Result, spent: float) -> None:
        nonlocal failed
        failed += result.error is not None
        bar.set_postfix_str(money(spent) + (f", {failed} failed" if failed else ""))
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
            "progress needs tqdm: pip install 'genai-integrations[notebook]', or pass progress=False"
        ) from error
    say(headline)
    return tqdm(total=total, unit="call")


def _is_watched() -> bool:
    return _is_notebook() or sys.stderr.isatty()


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _nothing(result: Result, spent: float) -> None:
    """Nobody watches."""
