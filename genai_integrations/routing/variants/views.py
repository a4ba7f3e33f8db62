"""Rollouts in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_integrations.display import (
    Bundle,
    Cell,
    bundle,
    escape,
    filled,
    milliseconds,
    money,
    table,
    text_table,
)

if TYPE_CHECKING:
    from genai_integrations.routing.variants.track import Figures, Track

_FIGURES = ("", "model", "calls", "failed", "latency", "cost", "score")
_AUDIT = ("at", "state", "share", "why", "by")


def track_bundle(track: Track) -> Bundle:
    """What is known of both models, and every decision."""
    rollout = track.rollout
    figures = filled(
        _FIGURES, (_row("old", rollout.old, track.old), _row("new", rollout.new, track.new))
    )
    audit = [(row.at, row.state, f"{row.share * 100:g} %", row.why, row.by) for row in track.audit]
    head = f"rollout {track.name}: {track.state}, {track.share * 100:g} % on {rollout.new}"
    text = f"{head}\n{text_table(*figures)}\n{text_table(_AUDIT, audit)}"
    return bundle(text, f"<div>{escape(head)}</div>{table(*figures)}{table(_AUDIT, audit)}")


def _row(which: str, model: str, figures: Figures) -> tuple[Cell, ...]:
    latency = None if figures.latency is None else milliseconds(figures.latency * 1000)
    score = None if figures.score is None else f"{figures.score:.3g} of {figures.scores}"
    cost = None if figures.cost is None else money(figures.cost)
    return which, model, figures.calls, figures.failed, latency, cost, score
