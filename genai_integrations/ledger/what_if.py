"""What would have happened: the ledger's calls under another configuration.

Nothing is asked. How often a target answers and how long it takes is what the ledger saw of it; what it would have cost
is its price for the tokens that the calls had. A target that the ledger has never seen is reckoned with the mean of the
others, and counted as unmeasured.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from genai_integrations.errors import GenAIError
from genai_integrations.models import prices


@dataclass(frozen=True, slots=True)
class Way:
    """A target of a name, as another configuration has it.

    Attributes:
        target: Its name.
        provider: Provider's name.
        model: The provider's own id.
        weight: Share of the calls among those of its level; 0 is asked only after the others.
        level: Those of a lower level are asked first; what is asked in order has a level each, and fallbacks come last.
        prices: What its row says that a token costs, in place of the price map's; None if it says nothing.
    """

    target: str
    provider: str
    model: str
    weight: float = 1.0
    level: int = 0
    prices: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger saw of a target.

    Attributes:
        answered: Share of its attempts that answered, 0.0 to 1.0.
        ms: Mean milliseconds of an attempt that answered.
        failed_ms: Mean milliseconds of one that did not.
    """

    answered: float
    ms: float
    failed_ms: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The calls to one name, as they were and as they would have been.

    Attributes:
        asked: The name.
        calls: How many.
        cost: US dollars that they cost; None if unknown.
        cost_then: What they would have cost; None where a price is unknown.
        answered: Share that was answered.
        answered_then: Share that would have been.
        ms: Mean milliseconds of a call.
        ms_then: The same, then.
        unmeasured: Targets that the ledger has never seen.
        missing: Why the name could not be served at all; empty if it could.
    """

    asked: str
    calls: int
    cost: float | None
    cost_then: float | None
    answered: float
    answered_then: float
    ms: float
    ms_then: float
    unmeasured: tuple[str, ...] = ()
    missing: str = ""


def what_if(
    connection: sqlite3.Connection,
    ways_of: Callable[[str], Sequence[Way]],
    since: float | None = None,
) -> list[WhatIf]:
    """Reckon the calls of a ledger anew, those of each name together, the most called name first.

    Args:
        connection: The ledger.
        ways_of: The targets of a name in the other configuration; raises where nobody serves it.
        since: Only calls from this moment on, in seconds since 1970.
    """
    seen = _seen(connection)
    found = connection.execute(
        "SELECT asked, count(*) AS calls, sum(cost) AS cost, avg(ms) AS ms, avg(outcome = 'ok') AS answered "
        "FROM calls WHERE cached = 0 AND at >= ? GROUP BY asked ORDER BY calls DESC, asked",
        (since or 0.0,),
    ).fetchall()
    return [_one(connection, row, ways_of, seen, since or 0.0) for row in found]


def _one(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    ways_of: Callable[[str], Sequence[Way]],
    seen: dict[str, Seen],
    since: float,
) -> WhatIf:
    known = (row["asked"], row["calls"], row["cost"])
    try:
        ways = ways_of(row["asked"])
    except GenAIError as error:
        return WhatIf(*known, None, row["answered"], 0.0, row["ms"], 0.0, missing=str(error))
    mean = _mean(list(seen.values()))
    tokens = connection.execute(
        "SELECT avg(prompt_tokens), avg(completion_tokens) FROM calls "
        "WHERE cached = 0 AND outcome = 'ok' AND asked = ? AND at >= ?",
        (row["asked"], since),
    ).fetchone()
    answered = ms = 0.0
    cost: float | None = 0.0
    for share, chain in _chains(ways):
        reach = 1.0
        for way in chain:
            at = seen.get(way.target, mean)
            ms += share * reach * (at.answered * at.ms + (1 - at.answered) * at.failed_ms)
            paid = _price(way, tokens)
            cost = (
                None if cost is None or paid is None else cost + share * reach * at.answered * paid
            )
            reach *= 1 - at.answered
        answered += share * (1 - reach)
    then = None if cost is None else cost * row["calls"]
    unmeasured = tuple(way.target for way in ways if way.target not in seen)
    return WhatIf(*known, then, row["answered"], answered, row["ms"], ms, unmeasured)


def _chains(ways: Sequence[Way]) -> Iterator[tuple[float, Sequence[Way]]]:
    """Each order in which targets may be asked first, with its share of the calls; the rest follow as listed."""
    ordered = sorted(ways, key=lambda way: way.level)
    first = [way for way in ordered if way.level == ordered[0].level]
    weights = sum(way.weight for way in first)
    for way in first:
        share = way.weight / weights if weights else 1 / len(first)
        if share:
            yield share, [way, *(other for other in ordered if other is not way)]


def _price(way: Way, tokens: Sequence[float | None]) -> float | None:
    prompt, completion = tokens
    if prompt is None:
        return None
    usage = {"prompt_tokens": round(prompt), "completion_tokens": round(completion or 0)}
    return prices.cost(way.provider, way.model, usage, own=way.prices)  # type: ignore[arg-type]  # the two sums are enough


def _seen(connection: sqlite3.Connection) -> dict[str, Seen]:
    found = connection.execute(
        "SELECT target, avg(outcome = 'ok') AS answered, "
        "avg(CASE WHEN outcome = 'ok' THEN ms END) AS ms, avg(CASE WHEN outcome <> 'ok' THEN ms END) AS failed_ms "
        "FROM attempts WHERE reason <> 'cache' GROUP BY target"
    )
    return {
        row["target"]: Seen(row["answered"], row["ms"] or 0.0, row["failed_ms"] or 0.0)
        for row in found
    }


def _mean(rows: Sequence[Seen]) -> Seen:
    if not rows:
        return Seen(1.0, 0.0, 0.0)
    count = len(rows)
    return Seen(
        sum(row.answered for row in rows) / count,
        sum(row.ms for row in rows) / count,
        sum(row.failed_ms for row in rows) / count,
    )
