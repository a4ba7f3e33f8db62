"""Charts that read well on light and dark pages, in Korean too."""

from __future__ import annotations

import re

import pytest

from genai_integrations import compare
from genai_integrations.experiments import Evaluator
from genai_integrations.testing.faults import Fault

matplotlib = pytest.importorskip("matplotlib")

from matplotlib import font_manager  # noqa: E402  after the check that it is there

from genai_integrations.experiments import charts  # noqa: E402

KINDS = ["latency", "cost_quality", "wins"]


@pytest.fixture(params=KINDS)
def chart(request, sums):
    """Each kind of chart."""
    return getattr(sums.plot, request.param)()


def _svg(chart):
    return chart._repr_mimebundle_()["image/svg+xml"]


def test_a_notebook_shows_it_as_svg_with_real_text(chart):
    """Texts stay texts, so that the browser's fonts draw them."""
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", _svg(chart))

    assert any("gpt-4o" in text for text in texts)


def test_it_has_no_background_and_one_ink(chart):
    """The page shows through; texts and axes have a grey that white and dark pages both contrast with."""
    texts = [text for text in chart.findobj(matplotlib.text.Text) if text.get_text()]

    assert chart.get_facecolor()[3] == chart.axes[0].get_facecolor()[3] == 0
    assert {text.get_color() for text in texts} == {charts.INK}
    assert min(_contrast(charts.INK, page) for page in ("#ffffff", "#111111")) > 4


def _contrast(one, other):
    """WCAG's contrast ratio."""
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_global_changes_and_no_window_opens(sums, kind, tmp_path):
    """rcParams and pyplot's figures are as they were; a PNG can be written."""
    from matplotlib import pyplot as plt

    before = dict(matplotlib.rcParams)
    chart = getattr(sums.plot, kind)()
    _svg(chart)
    chart.savefig(tmp_path / "chart.png")

    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_a_programs_own_style_changes_nothing(sums):
    """A dark style of the program's would make the ink invisible on a light page."""
    with matplotlib.rc_context(
        {"text.color": "white", "font.family": "serif", "axes.facecolor": "k"}
    ):
        chart = sums.plot.wins()

    title = chart.axes[0].title
    assert (chart.axes[0].get_title(loc="left") != "", title.get_color()) == (True, charts.INK)
    assert "serif" not in title.get_fontfamily()
    assert chart.axes[0].get_facecolor()[3] == 0


def test_korean_and_dollar_signs_are_drawn_as_they_are(provider, client):
    """Names of prompts and inputs: in the SVG as text, and nothing is read as mathematics."""
    comparison = compare(
        "gpt-4o",
        ["사과는 $5, 배는 $6", "나무"],
        {"짧게": "짧게: {{x}}", "길게": "길게: {{x}}"},
        client=client,
        evaluators=Evaluator("길이", lambda output: len(output) / 2),
    )

    assert "사과는 $5, 배는 $6" in _svg(comparison.plot.wins())
    for chart in (comparison.plot.latency(), comparison.plot.cost_quality()):
        assert "짧게" in _svg(chart)


def test_an_installed_korean_font_is_used(sums, monkeypatch):
    """The first of the list that is there; with none, the browser's."""
    entry = font_manager.FontEntry
    fonts = [
        entry(fname="a.ttf", name=name) for name in ("DejaVu Sans", "Malgun Gothic", "NanumGothic")
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    assert charts.cjk_font() == "NanumGothic"
    title = sums.plot.latency().axes[0].title
    assert title.get_fontfamily() == ["DejaVu Sans", "NanumGothic", "sans-serif"]

    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts[:1])
    assert charts.cjk_font() is None
    assert sums.plot.latency().axes[0].title.get_fontfamily() == ["DejaVu Sans", "sans-serif"]


def test_wins_are_bars_by_item_and_the_verdict_is_the_title(sums):
    """Each side's colour, the axis as wide to both sides, the sentence above."""
    axes = sums.plot.wins().axes[0]

    left, right = axes.get_xlim()
    assert left == -right
    assert [bar.get_width() for bar in axes.patches] == [0] * 6 + [1] * 6
    assert axes.get_title(loc="left").startswith("exact: gpt-4o better than gpt-4o-mini")
    assert axes.get_xlabel() == "exact: ← gpt-4o-mini better | gpt-4o better →"
    assert (
        sums.plot.wins("cost").axes[0].get_xlabel()
        == "cost: ← gpt-4o better | gpt-4o-mini better →"
    )


def test_who_never_answered_has_an_empty_row(provider, client):
    """Its name stands there all the same."""
    provider.faults = {"gpt-4o": Fault.status(503)}
    comparison = compare(["gpt-4o", "gpt-4o-mini"], ["a", "b"], client=client)

    axes = comparison.plot.latency().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["gpt-4o", "gpt-4o-mini"]
    assert [len(line.get_xdata()) for line in axes.lines[:2]] == [0, 2]


def test_what_has_no_price_is_named_below(client):
    """Instead of standing at zero dollars."""
    comparison = compare(
        ["gpt-4o", "lab/mine"], "q", client=client, evaluators=Evaluator("e", lambda: 1)
    )
    axes = comparison.plot.cost_quality().axes[0]

    assert axes.get_xlabel() == "US dollars for a call (no price is known for lab/mine)"
    assert [text.get_text() for text in axes.texts] == ["gpt-4o"]
