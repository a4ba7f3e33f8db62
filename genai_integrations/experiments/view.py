"""A comparison as text and as HTML."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from genai_integrations.display import (
    NONE,
    Html,
    bad,
    escape,
    milliseconds,
    money,
    muted,
    prose,
    table,
    text_table,
)
from genai_integrations.experiments.items import plain_text
from genai_integrations.experiments.results import Candidate, Result
from genai_integrations.experiments.summary import table_of

if TYPE_CHECKING:
    from genai_integrations.experiments.comparison import Comparison

_MOST_ITEMS = 20
"""Items whose answers HTML shows; a notebook with thousands would open slowly."""


def summary_text(comparison: Comparison) -> str:
    """A row for each candidate, and what two of them differ in."""
    return "\n".join([text_table(*table_of(comparison.summary())), *_verdicts(comparison)])


def text(comparison: Comparison, width: int, lines: int) -> str:
    """The answers side by side."""
    answers = _answers(comparison)
    rows: list[list[str]] = []
    for item in comparison.plan.items:
        cells = [
            "\n\n".join(map(_plain, answers.get((item.id, candidate), ()))) or NONE
            for candidate in comparison.candidates
        ]
        columns = [_wrapped(cell, width, lines) for cell in [plain_text(item), *cells]]
        rows += [list(row) for row in itertools.zip_longest(*columns, fillvalue="")]
        rows.append([""] * len(columns))
    headers = ["input", *map(str, comparison.candidates)]
    return text_table(headers, rows).rstrip()


def html(comparison: Comparison) -> Html:
    """The summary, then the answers side by side."""
    parts = [table(*table_of(comparison.summary()))]
    parts += [Html(f"<div>{escape(verdict)}</div>") for verdict in _verdicts(comparison)]
    shown = comparison.plan.items[:_MOST_ITEMS]
    answers = _answers(comparison)
    rows = [
        [
            prose(plain_text(item)),
            *(_cell(answers.get((item.id, row), ())) for row in comparison.candidates),
        ]
        for item in shown
    ]
    parts.append(table(["input", *comparison.candidates], rows))
    rest = len(comparison.plan.items) - len(shown)
    if rest:
        parts.append(muted(f"{rest} more items: .table(), .to_pandas()"))
    if comparison.stopped:
        left = f"{comparison.stopped}; {comparison.missing} calls are missing: .resume()"
        parts.append(Html(f"<div>{bad(left)}</div>"))
    return Html("".join(parts))


def _verdicts(comparison: Comparison) -> list[str]:
    """Of two candidates, what each evaluator can tell."""
    if len(comparison.candidates) != _PAIR:
        return []
    return [comparison.wins(metric).verdict for metric in comparison.metrics]


_PAIR = 2


def _answers(comparison: Comparison) -> dict[tuple[str, Candidate], list[Result]]:
    found: dict[tuple[str, Candidate], list[Result]] = {}
    for result in comparison.results:
        found.setdefault((result.item, result.candidate), []).append(result)
    return found


def _plain(result: Result) -> str:
    return result.error or " ".join(filter(None, [result.text, _scores(result)]))


def _scores(result: Result) -> str:
    found = [
        f"{name} {NONE if score.value is None else f'{score.value:.2f}'}"
        for name, score in result.scores.items()
    ]
    return f"({', '.join(found)})" if found else ""


def _cell(results: list[Result] | tuple[()]) -> Html:
    if not results:
        return muted(NONE)
    return Html("".join(_answer(result) for result in results))


def _answer(result: Result) -> Html:
    if result.error:
        return bad(result.error)
    note = ", ".join([milliseconds(result.latency_ms), money(result.cost)])
    reasons = "; ".join(
        f"{name}: {score.error or score.reason}"
        for name, score in result.scores.items()
        if score.error or score.reason
    )
    scores = (
        f'<div title="{escape(reasons)}">{muted(_scores(result))}</div>' if result.scores else ""
    )
    return Html(f"{prose(result.text)}<div>{muted(note)}</div>{scores}")


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    """The text in lines of that many columns; what is left out is marked."""
    found = [piece for line in text.splitlines() or [""] for piece in _pieces(line, width)]
    return found if len(found) <= lines else [*found[: lines - 1], "…"]


def _pieces(line: str, width: int) -> Iterator[str]:
    """Cut at spaces where there are some; a Korean letter takes two columns."""
    while True:
        taken, columns = 0, 0
        for letter in line:
            columns += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if columns > width:
                break
            taken += 1
        else:
            yield line
            return
        space = line.rfind(" ", 1, taken + 1)
        at = space if space > 0 else max(taken, 1)
        yield line[:at]
        line = line[at:].lstrip(" ")
