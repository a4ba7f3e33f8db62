"""`genai compare`: the same questions to several models or prompts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genai_integrations.cli import render
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.experiments import Comparison, Evaluator
    from genai_integrations.experiments.items import Input

_INTERRUPTED = 130
_PAIR = 2
_COLUMN, _NARROWEST = 24, 18
"""Half of what an answer's column has in a pipe, and the least that it has in a terminal."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the command line says of evaluators.

    Attributes:
        exact: Compare with the expected value.
        regex: A pattern to find.
        judge: A model that scores.
        criteria: What it goes by.
    """

    exact: bool = False
    regex: str | None = None
    judge: str | None = None
    criteria: str | None = None

    def evaluators(self) -> list[Evaluator]:
        """Those that are asked for.

        Raises:
            ConfigurationError: The pattern is none, or of judge and criteria only one is given.
        """
        from genai_integrations.experiments import exact, llm_judge, regex

        if bool(self.judge) != bool(self.criteria):
            raise ConfigurationError("a judge needs both: --judge MODEL --criteria 'what is good'")
        found = [exact()] if self.exact else []
        found += [regex(self.regex)] if self.regex is not None else []
        found += [llm_judge(self.judge, self.criteria)] if self.judge and self.criteria else []
        return found


def read_inputs(path: str) -> list[Input]:
    """The inputs in a file.

    Args:
        path: `-` is stdin. A name that ends in `.json` is one JSON list; of any other file, each line is an
            input: a JSON object with variables, or else a text.

    Raises:
        ConfigurationError: It cannot be read, or has invalid JSON.
    """
    text = _text_of(path)
    try:
        if path.endswith(".json"):
            rows = json.loads(text)
            return rows if isinstance(rows, list) else [rows]
        # Only where a line ends: a text may have other separators in it, such as U+2028.
        lines = [line.strip() for line in text.split("\n")]
        return [json.loads(line) if line.startswith("{") else line for line in lines if line]
    except ValueError as error:
        raise ConfigurationError(f"{path} has invalid JSON: {error}") from None


def _text_of(path: str) -> str:
    try:
        # With the mark that Windows begins files with, a JSON object would pass for a text.
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
        return text.removeprefix("\ufeff")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        # One question, as for `genai chat`, is the mistake that people make first.
        hint = (
            "; inputs are a file with one a line, or - for stdin"
            if isinstance(error, FileNotFoundError)
            else ""
        )
        raise ConfigurationError(f"{path} cannot be read: {reason}{hint}") from None


def show(comparison: Comparison, *, as_json: bool) -> None:
    """Print what came of it.

    Raises:
        typer.Exit: With 130 after an interrupt, with 1 if a call failed or was not made.
    """
    if as_json:
        render.print_json(json.loads(comparison.to_json()))
    else:
        _print(comparison)
    if comparison.stopped == "interrupted":
        raise typer.Exit(_INTERRUPTED)
    if comparison.missing or any(row.error for row in comparison.results):
        raise typer.Exit(1)


def _print(comparison: Comparison) -> None:
    from genai_integrations.experiments.summary import table_of

    console = render.stdout()
    columns = len(comparison.candidates) + 1
    room = console.width // columns - 2 if console.is_terminal else _COLUMN * 2
    if room < _NARROWEST:
        _one_by_one(comparison)
    else:
        typer.echo(render.answer(comparison.table(width=min(room, _COLUMN * 2))))
        typer.echo()
    headers, rows = table_of(comparison.summary())
    texts = [name for name in headers if name in ("model", "prompt", *comparison.metrics)]
    table = render.table(*headers, right=[name for name in headers if name not in texts])
    for row in rows:
        table.add_row(*map(render.plain, row))
    render.show(table, console)
    for verdict in _verdicts(comparison):
        console.print(render.plain(verdict), soft_wrap=True)


def _one_by_one(comparison: Comparison) -> None:
    """Each input, and below it the answers one after the other: for a terminal without room beside one another."""
    from genai_integrations.experiments.items import plain_text

    console = render.stdout()
    for item in comparison.plan.items:
        console.print(render.plain(plain_text(item), "bold"))
        for row in comparison.results:
            if row.item == item.id:
                name = next(each for each in comparison.candidates if each == row.candidate)
                console.print(render.plain(name, "dim"))
                typer.echo(render.answer(row.text or row.error or "-"))
        typer.echo()


def _verdicts(comparison: Comparison) -> Sequence[str]:
    if len(comparison.candidates) != _PAIR:
        return ()
    return [comparison.wins(metric).verdict for metric in comparison.metrics]
