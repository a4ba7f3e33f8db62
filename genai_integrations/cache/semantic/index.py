"""The kept questions that are nearest to a vector: exact by numpy, and by usearch's graph where there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

FEW = 50_000
"""Vectors up to which each is compared: docs/semantic_cache.md has the measurement."""

_FIRST = 16


class Shelf:
    """The vectors of one partition. Not safe for threads: its owner has the lock.

    Args:
        width: Numbers of a vector.
        few: Vectors up to which each is compared.
    """

    def __init__(self, width: int, few: int = FEW) -> None:
        self._width = width
        self._few = few
        self._rows = np.empty((_FIRST, width), dtype=np.float32)
        self._names: list[int] = []
        self._places: dict[int, int] = {}
        self._graph = None if few else _graph(width)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: int, vector: Vector) -> None:
        """Keep a vector of length 1 under a number."""
        count = len(self._names)
        if count == len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self._rows[count] = vector
        self._names.append(name)
        self._places[name] = count
        if self._graph is not None:
            self._graph.add(name, vector, threads=1)
        elif count + 1 > self._few:
            self._graph = _graph(self._width)
            names = np.array(self._names, dtype=np.uint64)
            self._graph.add(names, self._rows[: count + 1], threads=1)

    def remove(self, name: int) -> None:
        """Forget a vector; the last one takes its place."""
        place, last = self._places.pop(name), len(self._names) - 1
        moved = self._names.pop()
        if place != last:
            self._rows[place] = self._rows[last]
            self._names[place] = moved
            self._places[moved] = place
        if self._graph is not None:
            self._graph.remove(name)

    def nearest(self, vector: Vector, most: int, least: float) -> list[int]:
        """The names of the nearest vectors, the nearest first.

        Args:
            vector: Of length 1.
            most: How many.
            least: Cosine of those that are near enough.
        """
        if not self._names:
            return []
        if self._graph is not None:
            found = self._graph.search(vector, most, threads=1)
            pairs = zip(found.keys, found.distances, strict=True)
            return [int(name) for name, distance in pairs if 1.0 - float(distance) >= least]
        cosines = self._rows[: len(self._names)] @ vector
        best = (
            np.argpartition(-cosines, most)[:most]
            if most < len(cosines)
            else np.arange(len(cosines))
        )
        best = best[np.argsort(-cosines[best])]
        return [self._names[at] for at in best if cosines[at] >= least]


def _graph(width: int):  # type: ignore[no-untyped-def]  # noqa: ANN202  usearch has its own types, and may not be there
    from usearch.index import Index

    return Index(ndim=width, metric="ip", dtype="f32")
