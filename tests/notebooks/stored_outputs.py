"""What the notebooks show is stored in them, and compared with what they show today.

`python tests/notebooks/stored_outputs.py [NAME ...]` runs the notebooks and stores their outputs, for whoever changed
what they show.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURE = "picture"
"""The tag of the cell that the picture in the beginning shows."""

VARIES = "varies"
"""The tag of a cell that shows what a real model said, or what was measured: its outputs are compared by kind only."""

_CHANGING = re.compile(r"\b[\d.]+ m?s\b|127\.0\.0\.1:\d+")
"""Times and ports."""

_WIDGET = "application/vnd.jupyter.widget-view+json"


def executed(path: Path, environment):
    """A notebook after its cells ran, in a kernel of its own, with the outputs that are worth storing."""
    notebook = nbformat.read(path, 4)
    place = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place)
    client.execute(env={**os.environ, **environment})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = list(_worth_storing(cell.outputs))
    return notebook


def _worth_storing(outputs):
    """Outputs as a reader sees them in the end: no bar of progress, and what was printed in one piece."""
    last = None
    for output in outputs:
        if _WIDGET in output.get("data", {}):
            continue
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
            continue
        if "execution_count" in output:
            output.execution_count = None
        last = output
        yield output


def steady(cell):
    """The outputs of a cell without what differs from run to run: a row for each, kinds with their texts."""
    varies = VARIES in cell.metadata.get("tags", ())
    rows = [output.get("data") or {output.name: output.text} for output in cell.outputs]
    return [
        {kind: None if varies or kind.startswith("image/") else _steady(row[kind]) for kind in row}
        for row in rows
    ]


def _steady(text: str) -> str:
    # The columns of a table are as wide as their numbers.
    return re.sub(r"\s+", " ", _CHANGING.sub("0", text)).strip()


def _store(names) -> None:
    for path in NOTEBOOKS:
        if not names or path.name in names:
            notebook = executed(path, {"PYTHONPATH": str(ROOT)})
            notebook.metadata.pop("widgets", None)
            notebook.metadata.language_info = {"name": "python"}
            path.write_text(nbformat.writes(notebook) + "\n", "utf-8")
            sys.stdout.write(f"{path.name}: {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    _store({Path(name).name for name in sys.argv[1:]})
