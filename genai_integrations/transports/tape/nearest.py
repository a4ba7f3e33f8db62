"""Why a call is not on a tape: the call there that is most like it, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from genai_integrations.transports.tape.form import Call

_MOST_SHOWN = 3
_MOST_LOOKED_AT = 500
_WIDTH = 48
_NOTHING = object()


class Difference(NamedTuple):
    """One place where two calls differ; `_NOTHING` where one has none."""

    place: str
    there: object
    here: object


def why_not(asked: Call, recorded: Iterable[tuple[int, Call]]) -> str:
    """One line: the nearest call on the tape, and the difference.

    Args:
        asked: What is not on the tape.
        recorded: What is, with the numbers of the lines.
    """
    rows = [
        (line, list(differences(call, asked))) for line, call in list(recorded)[:_MOST_LOOKED_AT]
    ]
    if not rows:
        return "the tape is empty"
    line, found = min(rows, key=lambda row: (len(row[1]), _unlike(row[1])))
    shown = ", ".join(map(_told, found[:_MOST_SHOWN]))
    more = f", and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return f"the nearest, in line {line}, differs in {shown}{more}"


def differences(there: Call, here: Call) -> Iterator[Difference]:
    """Where two calls differ, the outer parts first."""
    for name in ("connection", "model", "operation"):
        if there[name] != here[name]:
            yield Difference(name, there[name], here[name])
    yield from _between("", there["body"], here["body"])


def _between(place: str, there: Any, here: Any) -> Iterator[Difference]:
    if isinstance(there, dict) and isinstance(here, dict):
        for name in [*there, *(name for name in here if name not in there)]:
            inner = f"{place}.{name}" if place else name
            yield from _between(inner, there.get(name, _NOTHING), here.get(name, _NOTHING))
    elif isinstance(there, list) and isinstance(here, list):
        for at in range(max(len(there), len(here))):
            pair = [rows[at] if at < len(rows) else _NOTHING for rows in (there, here)]
            yield from _between(f"{place}[{at}]", *pair)
    elif there != here:
        yield Difference(place, there, here)


def _unlike(found: list[Difference]) -> int:
    """How much two calls with as many differences differ: characters from where their texts part."""
    return sum(
        max(len(str(row.there)), len(str(row.here))) - _common(str(row.there), str(row.here))
        for row in found
    )


def _told(row: Difference) -> str:
    there, here = row.there, row.here
    at = 0
    if isinstance(there, str) and isinstance(here, str):
        at = max(_common(there, here) - _WIDTH // 3, 0)
    return f"{row.place} ({_short(there, at)} there, {_short(here, at)} here)"


def _short(value: object, at: int) -> str:
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, str):
        part = value[at : at + _WIDTH]
        return f"{'...' if at else ''}{part!r}{'...' if len(value) > at + _WIDTH else ''}"
    text = str(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."


def _common(one: str, other: str) -> int:
    """Characters that both begin with."""
    for at, (mine, its) in enumerate(zip(one, other, strict=False)):
        if mine != its:
            return at
    return min(len(one), len(other))
