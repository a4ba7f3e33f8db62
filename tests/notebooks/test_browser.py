"""The comparison notebook as people see it: JupyterLab in a browser, light and dark."""

from __future__ import annotations

import itertools
from pathlib import Path

import nbformat
import pytest
from absences import require_group
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[2]
NOTEBOOK = "07_comparing_models_and_prompts.ipynb"
MODELS = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"]
SIZE = (1280, 7000)
READABLE = 4.5
"""Contrast that WCAG 2 asks for, level AA."""

_NASTY = "Is $x$ or $y$ <script>document.title = 'run'</script> <b>text</b>?"
_MORE = (
    f"%%genai gpt-4o no-such-model\n{_NASTY}",
    "client.connections",
    "from IPython.display import HTML\nHTML('<p>$x$</p>')",
)
"""More cells: text that is no HTML and no formula, a failure, a table, and what is a formula."""

_TEXTS = """
return [...document.querySelectorAll(arguments[0])].map(row => row.innerText.trim()).filter(Boolean)
"""
_PANELS = """
return [...document.querySelectorAll('.genai-panels')].map(row =>
  [...row.querySelectorAll('.genai-panel')].map(panel => {
    const box = panel.getBoundingClientRect();
    return {x: box.x, y: box.y, width: box.width, text: panel.innerText};
  }))
"""
_TABLES = """
return [...document.querySelectorAll('.genai-table')].map(table =>
  [...table.rows].map(row => [...row.cells].map(cell => cell.innerText)))
"""
_PLOTS = """
return [...document.querySelectorAll('.jp-RenderedSVG img')].map(
  image => image.complete ? image.naturalWidth : 0)
"""
# What lies behind an element is the first colour of its ancestors that is not transparent.
_COLOURS = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const found = numbers(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
  }
};
return [...document.querySelectorAll(arguments[0])].filter(row => row.innerText.trim()).map(
  row => [row.className, numbers(getComputedStyle(row).color), behind(row)])
"""
# A font without Korean draws the same box for every letter.
_DRAWN = """
const draw = letter => {
  const paper = document.createElement('canvas').getContext('2d');
  paper.font = '32px ' + getComputedStyle(document.querySelector('.genai-prose')).fontFamily;
  paper.fillText(letter, 4, 36);
  return paper.canvas.toDataURL();
};
return new Set([...arguments[0]].map(draw)).size
"""


@pytest.fixture(scope="module")
def page(jupyter_environment, tmp_path_factory):
    """The notebook in JupyterLab, every cell run."""
    require_group("selenium", "browser")
    from browsing import chromium
    from notebook_page import Page, jupyterlab

    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.read(ROOT / "notebooks" / NOTEBOOK, 4)
    notebook.cells += map(new_code_cell, _MORE)
    nbformat.write(notebook, folder / NOTEBOOK)
    with (
        jupyterlab(folder, jupyter_environment) as (address, token),
        chromium(tmp_path_factory.mktemp("profile"), size=SIZE) as driver,
    ):
        page = Page(driver, address, token, NOTEBOOK)
        page.run_all()
        yield page


def _luminance(colour):
    parts = [part / 255 for part in colour[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(ink, paper):
    alpha = ink[3] if len(ink) > 3 else 1
    seen = [alpha * part + (1 - alpha) * under for part, under in zip(ink, paper, strict=False)]
    dark, light = sorted((_luminance(seen), _luminance(paper)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.slow
def test_every_cell_runs(page):
    """There is no traceback and no warning on the page, and no cell is left out."""
    assert page.js(_TEXTS, "[data-mime-type*=error], [data-mime-type*=stderr]") == []
    assert all(text.strip("[]:").isdecimal() for text in page.js(_TEXTS, ".jp-InputPrompt"))


@pytest.mark.slow
def test_answers_stand_side_by_side(page):
    """Three panels in one row, one for each model, each with its own text and numbers."""
    for row in page.js(_PANELS)[:2]:
        assert [panel["text"].partition("\n")[0] for panel in row] == MODELS
        assert len({panel["y"] for panel in row}) == 1
        assert all(a["x"] + a["width"] < b["x"] for a, b in itertools.pairwise(row))
        assert all("tokens" in panel["text"] and "$" in panel["text"] for panel in row)


@pytest.mark.slow
def test_korean_is_drawn(page):
    """The Korean answers are there, and their letters are letters."""
    first, second, *_ = page.js(_PANELS)

    assert all("해시 테이블" in panel["text"] for panel in first)
    assert "역이 어디예요?" in second[0]["text"]
    assert page.js(_DRAWN, "한국어") == 3


@pytest.mark.slow
def test_the_comparison_is_a_table(page):
    """A row for each model with its score, and a row for each sentence with the answers."""
    summary, answers = page.js(_TABLES)[2:4]

    assert [row[0] for row in summary] == ["model", *MODELS]
    assert len(answers) == 13
    assert [len(row) for row in answers] == [4] * 13
    assert any("잠시만 기다려 주세요" in cell for row in answers for cell in row)


@pytest.mark.slow
def test_the_plots_are_drawn(page):
    """Wins, cost against quality, and latencies."""
    assert len(page.js(_PLOTS)) == 3
    assert all(width > 300 for width in page.js(_PLOTS))


@pytest.mark.slow
def test_a_models_text_is_text(page):
    """Markup and formulas are shown as they were written, on a page that sets formulas elsewhere."""
    answer, failure = page.js(_PANELS)[2]
    page.wait("return document.querySelectorAll('.jp-RenderedHTML p mjx-container').length")

    assert _NASTY in answer["text"]
    assert "UnknownModelError" in failure["text"]
    assert (
        page.js(
            "return document.querySelectorAll('.genai-view :is(mjx-container, script, b)').length"
        )
        == 0
    )
    assert page.js("return document.title") != "run"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everything_is_readable(page, theme, tmp_path):
    """Every text stands out enough from what is behind it, and nothing is wider than the page."""
    page.theme(theme)
    page.screenshot(tmp_path / f"{theme}.png")
    found = page.js(_COLOURS, ".genai-view :is(div, span, td, th)")

    assert len(found) > 50
    assert [row for row in found if _contrast(row[1], row[2]) < READABLE] == []
    assert (
        page.js(
            "return [...document.querySelectorAll('.genai-view')].filter("
            "row => row.scrollWidth > row.clientWidth + 1).length"
        )
        == 0
    )
