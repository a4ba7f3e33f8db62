"""The picture that each notebook opens with: JupyterLab's own of the cell that is tagged so.

`PYTHONPATH=tests python tests/notebooks/pictures.py [NAME ...]` runs the notebooks in a browser and takes them anew.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from browsing import chromium
from notebook_page import Page, jupyterlab
from selenium.webdriver.common.by import By
from stored_outputs import NOTEBOOKS, PICTURE, ROOT

_SIZE = (1000, 6000)
_PLAIN = """
document.head.insertAdjacentHTML('beforeend', `<style>
  .jp-Cell { padding: 12px !important; }
  .jp-Collapser, .jp-InputPrompt, .jp-OutputPrompt, .jp-cell-toolbar { display: none !important; }
</style>`)
"""
"""The cell alone, without what JupyterLab has beside it."""


def _take(names) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (
            jupyterlab(folder, environment) as (address, token),
            chromium(folder / ".profile", size=_SIZE) as driver,
        ):
            for path in NOTEBOOKS:
                if names and path.name not in names:
                    continue
                shutil.copy(path, folder)
                page = Page(driver, address, token, path.name)
                page.run_all()
                page.js(_PLAIN)
                cell = driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-Cell")[_place(path)]
                cell.screenshot(str(ROOT / "notebooks" / "pictures" / f"{path.stem}.png"))


def _place(path: Path) -> int:
    """Where the cell is that the picture shows."""
    cells = nbformat.read(path, 4).cells
    return next(at for at, cell in enumerate(cells) if PICTURE in cell.metadata.get("tags", ()))


if __name__ == "__main__":
    _take({Path(name).name for name in sys.argv[1:]})
