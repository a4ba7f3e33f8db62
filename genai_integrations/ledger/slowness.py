"""Where the time of one call went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a call's time.

    Attributes:
        name: What it was spent on.
        ms: Milliseconds.
        told: More about it, such as the target.
    """

    name: str
    ms: float
    told: str = ""


def parts_of(call: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The parts of a call's time, in their order; together they are the call's.

    Args:
        call: A row of the ledger's `calls`.
        attempts: Its rows of `attempts`.
    """
    parts = []
    waited = call["limited_ms"] or 0.0
    if waited > 0:
        parts.append(Part("waited for a limit", waited))
    ends = 0.0
    for at, row in enumerate(attempts):
        gap = max(row["began_ms"] - ends, 0.0) - (waited if at == 0 else 0.0)
        if gap > 0:
            name = "choice, keys and our own work" if at == 0 else "wait before the next attempt"
            parts.append(Part(name, gap))
        parts += _of_attempt(row)
        ends = row["began_ms"] + row["ms"]
    rest = call["ms"] - max(ends, waited)
    if rest > 0:
        parts.append(Part("after the last attempt", rest))
    return parts


def why_slow(call: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> str:
    """One sentence: which part took most."""
    parts = parts_of(call, attempts)
    if not parts:
        return "nothing took any time"
    largest = max(parts, key=lambda part: part.ms)
    share = largest.ms / call["ms"] if call["ms"] else 0.0
    told = f" ({largest.told})" if largest.told else ""
    return f"{share:.0%} of {call['ms']:.0f} ms: {largest.name}{told}"


def _of_attempt(row: Mapping[str, Any]) -> list[Part]:
    """A failed attempt is lost time; the parts of one that answered end where the next begin, as far as measured."""
    target = row["target"]
    if row["outcome"] != "ok":
        return [Part(f"lost: {row['outcome']}", row["ms"], target)]
    parts, before = [], 0.0
    for column, name in _STEPS.items():
        if (at := row[column]) is not None:
            parts.append(Part(name, max(at - before, 0.0), target))
            before = max(at, before)
    rest = max(row["ms"] - before, 0.0)
    if row["first_content_ms"] is None:
        return [
            *parts,
            Part("the rest of the answer" if parts else "the provider's answer", rest, target),
        ]
    gap = row["longest_gap_ms"]
    told = target if gap is None else f"{target}, longest gap {gap:.0f} ms"
    return [*parts, Part("the rest of the stream", rest, told)]


_STEPS = {
    "connect_ms": "connect",
    "first_byte_ms": "to the first byte",
    "first_content_ms": "to the first content",
}
"""Columns of `attempts` that say when a step was done, in their order."""
