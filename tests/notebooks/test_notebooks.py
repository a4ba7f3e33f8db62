"""The notebooks run as they are, and read as they should."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
from stored_outputs import NOTEBOOKS, PICTURE, ROOT, VARIES, executed, steady

MOST_CELLS = 24
MOST_WORDS = 350
"""Five minutes: what is to be read, with as much time for the code and its results."""

MOST_BYTES = 100_000
"""Of a picture."""

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
def test_what_is_stored_is_what_a_reader_sees(path):
    """Outputs and two tags; no counts or times, no warning, no key, and no path of the machine that they come from."""
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)

    for cell in notebook.cells:
        assert not {*cell.metadata.pop("tags", ())} - {VARIES, PICTURE}, cell.source
        assert cell.metadata == {}, cell.source
        assert cell.get("execution_count") is None, cell.source
        for output in cell.get("outputs", ()):
            assert output.get("name", "stdout") == "stdout", cell.source
            shown = json.dumps(output)
            assert not re.search(r"Warning|[sp]k-|/home/|/root/|/tmp/|\\x1b", shown), cell.source
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


@each
def test_a_notebook_says_what_you_will_see_and_what_to_try(path):
    """Its number and one idea first, the way to one's own keys, and something to continue; short."""
    texts = _cells(path, "markdown")
    number = int(path.name.partition("_")[0])

    assert re.match(rf"# {number}\. .+\n\n\*\*What you will see:\*\* ", texts[0])
    assert "client = GenAIClient()" in texts[0]
    assert texts[-1].startswith("## What to try\n\n- ")
    (picture,) = re.findall(r"(?m)^!\[\w.+\]\((pictures/[\w.]+)\)$", texts[0])
    assert (path.parent / picture).stat().st_size < MOST_BYTES
    assert picture == f"pictures/{path.stem}.png"
    tags = [tag for cell in nbformat.read(path, 4).cells for tag in cell.metadata.get("tags", ())]
    assert tags.count(PICTURE) == 1
    assert sum(len(text.split()) for text in texts) < MOST_WORDS
    assert len(nbformat.read(path, 4).cells) <= MOST_CELLS


@each
def test_a_notebook_begins_with_the_lab(path):
    """The first cell starts everything it needs, in two or three lines."""
    first = _cells(path, "code")[0]

    assert first.startswith("from genai_integrations.testing.lab import Lab\n")
    assert "pip install" not in "".join(_cells(path, "code"))


@pytest.mark.slow
@pytest.mark.usefixtures("tracing")
@each
def test_a_notebook_shows_what_is_stored(path, jupyter_environment):
    """Every cell runs, offline, and shows what a reader of the file sees, but for times, ports and what varies."""
    stored = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    shown = [cell for cell in executed(path, jupyter_environment).cells if cell.cell_type == "code"]

    for was, now in zip(stored, shown, strict=True):
        assert steady(now) == steady(was), (
            f"{was.source}\n(tests/notebooks/stored_outputs.py stores anew)"
        )
