"""A sample of a long matrix is small, the same each time, and has every value of every parameter."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
from matrices import mark_unsampled

PARAMETERS = {"place": ["a", "b", "c"], "fault": list(range(10)), "mode": [[], {}, None, 1.5]}


class Cell:
    """As much of a collected test as there needs to be."""

    path, originalname = "test_it.py", "test_it"

    def __init__(self, params, wanted):
        self.name = f"test_it[{'-'.join(map(str, params.values()))}]"
        self.callspec = SimpleNamespace(params=params)
        self.marks = [pytest.mark.sample(wanted).mark] if wanted else []

    def get_closest_marker(self, name):
        return next((mark for mark in self.marks if mark.name == name), None)

    def add_marker(self, decorator):
        self.marks.append(decorator.mark)


def kept(wanted, order=1):
    """The parameters of the cells that a sample keeps, the cells having been collected in this order."""
    values = itertools.product(*PARAMETERS.values())
    cells = [Cell(dict(zip(PARAMETERS, each, strict=True)), wanted) for each in values]
    mark_unsampled(cells[::order])
    return [cell.callspec.params for cell in cells if not cell.get_closest_marker("matrix")]


def test_a_sample_has_as_many_cells_as_were_asked_for():
    """Of 120 here; a test without the mark is left alone."""
    assert len(kept(40)) == 40
    assert len(kept(None)) == 120


def test_every_value_is_in_the_sample():
    """Even where that takes more cells than were asked for."""
    cells = kept(1)

    assert 10 <= len(cells) < 30
    for name, values in PARAMETERS.items():
        assert all(any(cell[name] == value for cell in cells) for value in values)


def test_the_sample_is_the_same_each_time():
    """Neither chance nor the order of collection has a part in it."""
    assert kept(40) == kept(40, order=-1)
    assert kept(1) == kept(1, order=-1)
