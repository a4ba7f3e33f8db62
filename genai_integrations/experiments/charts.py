"""Charts of a comparison. Nothing global of matplotlib's is changed, and no window opens."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from genai_integrations.display import milliseconds, money
from genai_integrations.experiments.intervals import Mean
from genai_integrations.experiments.items import plain_text
from genai_integrations.experiments.results import LOWER_IS_BETTER, Candidate
from genai_integrations.experiments.wins import Wins

if TYPE_CHECKING:
    from genai_integrations.experiments.comparison import CandidateName, Comparison

INK = "#7a7a7a"
"""Text and lines: its contrast is about 4.3 to 1 on white and on a notebook's dark page alike."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours that colour-blind people can tell apart. Source: Okabe and Ito, "Color Universal Design"."""

CJK_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Baekmuk Gulim",
    "UnDotum",
)
"""Fonts with Korean letters as systems name them; the first that is installed is used."""


class Chart(Figure):
    """A figure that a notebook shows as SVG with real text, which the browser draws in its own fonts."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """As matplotlib's; texts in SVG stay texts."""
        with rc_context({"svg.fonttype": "none"}):
            super().savefig(fname, **options)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        drawn = io.StringIO()
        with warnings.catch_warnings():
            # The browser has the letters that matplotlib's fonts lack.
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            self.savefig(drawn, format="svg")
        return {"text/plain": repr(self), "image/svg+xml": drawn.getvalue()}


class Plots:
    """Draws a comparison. Each method returns a figure that a notebook shows and `savefig` writes.

    Args:
        comparison: What to draw.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def latency(self) -> Chart:
        """How long the answers took: a mark for each, and a box from the first to the third quarter."""
        candidates = self._comparison.candidates
        chart, axes = _empty("Latency", len(candidates))
        for at, (candidate, colour) in enumerate(self._coloured()):
            found = (
                row.value("latency_ms")
                for row in self._comparison.results
                if row.candidate == candidate
            )
            times = [value for value in found if value is not None]
            axes.plot(times, [at + 0.3] * len(times), "|", color=colour, markersize=7)
            if times:
                axes.boxplot(
                    [times], positions=[at], orientation="horizontal", widths=0.3, **_box(colour)
                )
        _name_rows(axes, [_label(row) for row in candidates])
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: milliseconds(value))
        return _finished(chart)

    def cost_quality(self, metric: str | None = None) -> Chart:
        """What a call cost against its mean score, with the score's 95 % interval; up and left is better.

        Args:
            metric: An evaluator's name; default the only one.

        Raises:
            ConfigurationError: It is not clear which.
        """
        name = self._comparison.metric(metric)
        chart, axes = _empty(f"Cost and {name}", _PLAIN_ROWS)
        rows = [row for row in self._comparison.summary() if name in row.scores]
        unpriced = [str(row.candidate) for row in rows if row.cost is None]
        colours = dict(self._coloured())
        for row in rows:
            if row.cost is not None:
                place = row.cost / row.n
                _draw_mean(axes, place, row.scores[name], colours[row.candidate])
                offset: Any = {"xytext": (8, 4), "textcoords": "offset points"}
                axes.annotate(_label(row.candidate), (place, row.scores[name].value), **offset)
        note = f" (no price is known for {', '.join(unpriced)})" if unpriced else ""
        axes.set_xlabel(f"US dollars for a call{note}")
        axes.set_ylabel(name)
        axes.margins(x=0.25)
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: money(value))
        return _finished(chart)

    def wins(
        self,
        metric: str | None = None,
        a: CandidateName | None = None,
        b: CandidateName | None = None,
    ) -> Chart:
        """Item by item, how much better the one or the other is, and the verdict. Takes what `Comparison.wins` takes."""
        found = self._comparison.wins(metric, a, b)
        rows = sorted(found.items.items(), key=lambda row: row[1])
        chart, axes = _empty("\n".join(textwrap.wrap(found.verdict, 72)), len(rows))
        sign = -1 if found.metric in LOWER_IS_BETTER else 1
        colours = [PALETTE[0] if sign * value > 0 else PALETTE[1] for _, value in rows]
        axes.barh(range(len(rows)), [value for _, value in rows], color=colours, height=0.7)
        widest = max((abs(value) for _, value in rows), default=0.0) or 1.0
        axes.set_xlim(-1.05 * widest, 1.05 * widest)
        axes.axvline(0, color=INK, linewidth=1)
        _name_rows(axes, list(self._named(rows)))
        axes.set_xlabel(f"{found.metric}: {_sides(found)}")
        return _finished(chart)

    def _coloured(self) -> Iterator[tuple[Candidate, str]]:
        for at, candidate in enumerate(self._comparison.candidates):
            yield candidate, PALETTE[at % len(PALETTE)]

    def _named(self, rows: Sequence[tuple[str, float]]) -> Iterator[str]:
        items = {item.id: item for item in self._comparison.plan.items}
        for name, _ in rows:
            yield textwrap.shorten(plain_text(items[name]), 40, placeholder=" …") or name


def cjk_font() -> str | None:
    """An installed font with Korean letters, the best first; None where there is none."""
    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in installed), None)


_PLAIN_ROWS = 8
_MOST_NAMES = 40
"""Rows with a name each; of more, the names would cover one another."""


def _empty(title: str, rows: int) -> tuple[Chart, Axes]:
    """A transparent figure, as high as its rows need, with one pair of axes."""
    height = 1.4 + 0.42 * min(max(rows, 3), _MOST_NAMES)
    chart = Chart(figsize=(7.2, height), facecolor="none", layout="constrained")
    axes = chart.add_subplot(facecolor="none")
    axes.set_title(title, loc="left", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return chart, axes


def _finished(chart: Chart) -> Chart:
    """The same ink and fonts everywhere, whatever the program's rcParams say."""
    families = [name for name in ("DejaVu Sans", cjk_font(), "sans-serif") if name]
    for axes in chart.axes:
        axes.tick_params(colors=INK, labelfontfamily=families, labelsize=9)
        axes.grid(True, axis="x", color=INK, alpha=0.2, linewidth=0.8)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_color(INK)
    for text in chart.findobj(Text):
        text.set_fontfamily(families)
        text.set_color(INK)
        # Two dollar signs in a text would be read as mathematics.
        text.set_parse_math(False)
    return chart


def _draw_mean(axes: Axes, place: float, mean: Mean, colour: str) -> None:
    low = mean.value if mean.low is None else mean.low
    high = mean.value if mean.high is None else mean.high
    axes.plot([place, place], [low, high], color=colour, linewidth=1.5)
    axes.plot([place], [mean.value], "o", color=colour, markersize=8)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names from top to bottom."""
    shown = names if len(names) <= _MOST_NAMES else []
    axes.set_yticks(range(len(shown)), shown)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _box(colour: str) -> dict[str, Any]:
    line = {"color": colour, "linewidth": 1.5}
    parts = ("boxprops", "whiskerprops", "capprops", "medianprops")
    return {"showfliers": False, "manage_ticks": False, **dict.fromkeys(parts, line)}


def _label(candidate: Candidate) -> str:
    return str(candidate).replace(", ", "\n")


def _sides(found: Wins) -> str:
    lower = found.metric in LOWER_IS_BETTER
    left, right = (found.a, found.b) if lower else (found.b, found.a)
    return f"← {left} better | {right} better →"
