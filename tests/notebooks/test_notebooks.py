"""The notebooks run as they are, and read as they should."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_CELLS = 24
MOST_WORDS = 350
"""Five minutes: what is to be read, with as much time for the code and its results."""

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _cells(path, kind):
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def test_the_notebooks_are_numbered_without_a_gap():
    """01, 02 and so on."""
    numbers = [path.name.partition("_")[0] for path in NOTEBOOKS]

    assert numbers == [f"{at:02}" for at in range(1, 9)]


def test_the_documentation_lists_every_notebook():
    """In order, by its file, and none that is not there."""
    page = (ROOT / "docs" / "jupyter.md").read_text("utf-8")
    listed = re.findall(r"(?m)^\| \[(\d)\]\(\.\./notebooks/([\w.]+)\) \| .+ \|$", page)

    assert listed == [(str(at), path.name) for at, path in enumerate(NOTEBOOKS, 1)]


@each
def test_no_output_is_stored(path):
    """Outputs would be old the next day, and may hold what nobody else should see."""
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)

    for cell in notebook.cells:
        assert cell.metadata == {}, cell.source
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.source
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


@each
def test_a_notebook_says_what_you_will_see_and_what_to_try(path):
    """Its number and one idea first, the way to one's own keys, and something to go on with; short."""
    texts = _cells(path, "markdown")
    number = int(path.name.partition("_")[0])

    assert re.match(rf"# {number}\. .+\n\n\*\*What you will see:\*\* ", texts[0])
    assert "client = GenAIClient()" in texts[0]
    assert texts[-1].startswith("## What to try\n\n- ")
    assert sum(len(text.split()) for text in texts) < MOST_WORDS
    assert len(nbformat.read(path, 4).cells) <= MOST_CELLS


@each
def test_a_notebook_begins_with_the_lab(path):
    """The first cell starts everything it needs, in two or three lines."""
    first = _cells(path, "code")[0]

    assert first.startswith("from genai_integrations.testing.lab import Lab\n")
    assert "pip install" not in "".join(_cells(path, "code"))


@pytest.mark.slow
@each
def test_a_notebook_runs(path, jupyter_environment):
    """Every cell runs, in a kernel of its own, offline, and none shows a warning."""
    notebook = nbformat.read(path, 4)
    place = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place)
    client.execute(env={**os.environ, **jupyter_environment})
    shown = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    ]

    assert "Warning" not in "".join(shown)
