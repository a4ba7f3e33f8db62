"""Charts as inline SVG: no script, nothing to load; their colours are the page's variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genai_integrations.display import Html, escape

_WIDTH, _HEIGHT = 640, 160
_LEFT, _BOTTOM, _TOP = 62, 22, 8
"""Left of the bars there is room for `$0.00025`, the longest that a scale is likely to say."""

_WIDEST_BAR = 64.0
"""One hour alone is to be a bar, not a wall."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: Below it.
        values: Its parts, from the bottom up; each series has its own colour.
        told: What a reader is told who points at it.
    """

    label: str
    values: Sequence[float]
    told: str


def bars(title: str, rows: Sequence[Bar], *, unit: str = "") -> Html:
    """A chart of stacked bars.

    Args:
        title: What it shows, for those who do not see it.
        rows: Bars, from left to right.
        unit: Before the numbers of the scale, such as `$`.
    """
    most = _nice(max((sum(row.values) for row in rows), default=0.0))
    width = (_WIDTH - _LEFT) / max(len(rows), 1)
    drawn = "".join(_bar(row, _LEFT + at * width, width, most) for at, row in enumerate(rows))
    lines = "".join(_line(most * share, most, unit) for share in (0.0, 0.5, 1.0))
    every = max(1, math.ceil(len(rows) / 8))
    labels = "".join(
        _label(row.label, _LEFT + (at + 0.5) * width)
        for at, row in enumerate(rows)
        if at % every == 0
    )
    return Html(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{lines}{drawn}{labels}</svg>"
    )


def _bar(row: Bar, left: float, width: float, most: float) -> str:
    parts, base = [], 0.0
    drawn = min(width * 0.8, _WIDEST_BAR)
    for series, value in enumerate(row.values):
        if value <= 0:
            continue
        top, height = _y(base + value, most), _y(base, most) - _y(base + value, most)
        parts.append(
            f'<rect class="series-{series}" x="{left + (width - drawn) / 2:.1f}" y="{top:.1f}" '
            f'width="{drawn:.1f}" height="{height:.1f}"/>'
        )
        base += value
    return f"<g><title>{escape(row.told)}</title>{''.join(parts)}</g>"


def _line(value: float, most: float, unit: str) -> str:
    y = _y(value, most)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="scale" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{unit}{value:.4g}</text>'
    )


def _label(text: str, x: float) -> str:
    return f'<text class="scale" x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(text)}</text>'


def _y(value: float, most: float) -> float:
    return _TOP + (1 - value / most) * (_HEIGHT - _BOTTOM - _TOP)


def _nice(value: float) -> float:
    """The next number above that is easy to read: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
