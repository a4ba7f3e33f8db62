"""Long matrices: a fixed sample of each runs every time, the whole of it with `pytest -m matrix`."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import pytest


def mark_unsampled(items):
    """Give the mark `matrix` to the cells that `sample(n)` leaves out.

    The sample has every value of every parameter at least once, even where that takes more than `n` cells.
    Which cells it has depends on their ids alone, so it is the same on every machine and in every run.
    """
    for cells in _matrices(items):
        (wanted,) = cells[0].get_closest_marker("sample").args
        chosen = _sample(cells, wanted)
        for cell in cells:
            if cell not in chosen:
                cell.add_marker(pytest.mark.matrix)


def _matrices(items):
    """The cells of each test that has a sample."""
    matrices = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sample"):
            matrices[item.path, item.originalname].append(item)
    return matrices.values()


def _sample(cells, wanted):
    seen, chosen, rest = set(), set(), []
    for cell in sorted(cells, key=_shuffled):
        # Every case of a parameter is one object, whatever it says of equality.
        values = {(name, id(value)) for name, value in cell.callspec.params.items()}
        if values <= seen:
            rest.append(cell)
        else:
            seen |= values
            chosen.add(cell)
    return chosen.union(rest[: max(wanted - len(chosen), 0)])


def _shuffled(cell):
    return hashlib.sha256(cell.name.encode()).digest()
