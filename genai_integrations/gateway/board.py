"""The last hour of a gateway, over all its workers: one SQLite file in its run folder.

Every worker adds what it has counted about once a second, and whoever shows the page reads sums. So a page is the same
whichever worker answers, and a worker that was killed takes one second with it. It is about one machine: several
gateways are summed up by Prometheus.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from genai_integrations.calls.route import CANCELLED, OK
from genai_integrations.gateway.rates import BOUNDS, BUCKETS, CACHED, CALL, LEFT, Counts
from genai_integrations.runtime.write_ahead import write_ahead

MINUTES = 60
"""How far back the board goes."""

_SILENT = 10.0
"""Seconds after which a worker that has said nothing is gone."""

_PATIENCE = 5.0
"""Seconds that another worker's writing is waited for."""

MEMORY = ":memory:"
"""In place of a file, where there is one worker only."""

NO_FAILURES = frozenset({OK, CACHED, LEFT, CANCELLED})
"""Outcomes that say nothing bad of a call or a target."""

_SUMS = (
    "count",
    "cost",
    "prompt_tokens",
    "completion_tokens",
    *(f"t{at}" for at in range(BUCKETS)),
)

_TABLES = f"""
CREATE TABLE IF NOT EXISTS counts (
  project TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL, minute INTEGER NOT NULL,
  {", ".join(f"{name} REAL NOT NULL" for name in _SUMS)},
  PRIMARY KEY (project, target, outcome, minute)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_minute ON counts (minute);
CREATE TABLE IF NOT EXISTS cooldowns (
  worker INTEGER NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL, ends REAL NOT NULL,
  PRIMARY KEY (worker, project, target)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workers (
  worker INTEGER PRIMARY KEY, began REAL NOT NULL, seen REAL NOT NULL, requests INTEGER NOT NULL, streams INTEGER NOT NULL);
"""

_ADD = (
    f"INSERT INTO counts VALUES (?, ?, ?, ?{', ?' * len(_SUMS)}) ON CONFLICT DO UPDATE SET "  # noqa: S608 - our own names
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
)


@dataclass(frozen=True, slots=True)
class Worker:
    """How a worker is.

    Attributes:
        worker: Its process's id.
        began: When it started, in seconds since 1970.
        requests: Under way in it.
        streams: Of those, streams.
    """

    worker: int
    began: float
    requests: int
    streams: int


@dataclass(slots=True)
class TargetHour:
    """The last hour of one target.

    Attributes:
        project: Whose.
        target: `connection/model`.
        attempts: How many.
        ok: Of those, how many were answered.
        failures: The others, by the class of the error.
        cost: US dollars, as far as they are known.
        prompt_tokens: As reported.
        completion_tokens: As reported.
        times: Of those that were answered, as `Cell.times`.
        ends: When its cooldown ends, in seconds since 1970; None if it is not left alone.
    """

    project: str
    target: str
    attempts: int = 0
    ok: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    times: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    ends: float | None = None

    def percentile(self, share: float) -> float | None:
        """Milliseconds within which that share was answered, to a fifth; None where nothing was."""
        return percentile(self.times, share)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute: calls that were answered, and calls that failed."""

    minute: int
    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class Hour:
    """The last hour of one project, or of all.

    Attributes:
        now: When it was read, in seconds since 1970.
        minutes: The last `MINUTES`, the oldest first, those without calls too.
        outcomes: Calls by outcome.
        targets: Those that were asked, or are left alone; the busiest first.
        projects: Calls, failed calls and cost by project; only where all are asked for.
        workers: Those that are there.
    """

    now: float
    minutes: Sequence[Minute]
    outcomes: Mapping[str, int]
    targets: Sequence[TargetHour]
    projects: Sequence[tuple[str, int, int, float]]
    workers: Sequence[Worker]

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(self.outcomes.values())

    @property
    def failed(self) -> int:
        """Calls that ended in an error."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in NO_FAILURES)

    @property
    def cost(self) -> float:
        """US dollars of all targets."""
        return sum(row.cost for row in self.targets)


class Board:
    """The file. Safe for threads; each process opens it for itself.

    Args:
        path: The file, or `MEMORY`.
        clock: Seconds since 1970.
    """

    def __init__(self, path: str = MEMORY, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # One connection for the writing thread and those that read pages: SQLite lets one statement in at a time.
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
        self._connection.isolation_level = None
        # An application that was made and never served is closed by nobody.
        self._end = weakref.finalize(self, self._connection.close)
        # What is lost when the machine stops is an hour of figures.
        write_ahead(self._connection, _PATIENCE)
        self._connection.executescript(f"PRAGMA synchronous = OFF; {_TABLES}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._end()

    def write(
        self, worker: Worker, counts: Counts, cooldowns: Mapping[tuple[str, str], float]
    ) -> None:
        """Add what a worker has counted, and say how it is.

        Args:
            worker: It.
            counts: Since it wrote last.
            cooldowns: All that it knows of: by project and target when one ends, in seconds since 1970.
        """
        now = self._clock()
        rows = [
            (*key, cell.count, cell.cost, cell.prompt_tokens, cell.completion_tokens, *cell.times)
            for key, cell in counts.items()
        ]
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_ADD, rows)
            connection.execute("DELETE FROM cooldowns WHERE worker = ?", (worker.worker,))
            connection.executemany(
                "INSERT INTO cooldowns VALUES (?, ?, ?, ?)",
                [(worker.worker, *key, ends) for key, ends in cooldowns.items()],
            )
            connection.execute(
                "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?)",
                (worker.worker, worker.began, now, worker.requests, worker.streams),
            )
            self._forget(connection, now)

    def leave(self, worker: int) -> None:
        """A worker ends."""
        with self._lock:
            self._connection.execute("DELETE FROM workers WHERE worker = ?", (worker,))

    def _forget(self, connection: sqlite3.Connection, now: float) -> None:
        connection.execute("DELETE FROM counts WHERE minute <= ?", (int(now // 60) - MINUTES,))
        connection.execute("DELETE FROM cooldowns WHERE ends <= ?", (now,))
        connection.execute("DELETE FROM workers WHERE seen <= ?", (now - _SILENT,))

    def read(self, project: str | None) -> Hour:
        """The last hour.

        Args:
            project: Of whom; None for all, as the operator sees it.
        """
        now = self._clock()
        first = int(now // 60) - MINUTES + 1
        own = ("" if project is None else " AND project = ?", () if project is None else (project,))
        with self._lock:
            ask = self._connection.execute
            calls = ask(
                "SELECT minute, outcome, sum(count) FROM counts WHERE target = ? AND minute >= ?"  # noqa: S608
                f"{own[0]} GROUP BY minute, outcome",
                (CALL, first, *own[1]),
            ).fetchall()
            attempts = ask(
                "SELECT project, target, outcome, "  # noqa: S608 - our own names
                f"{', '.join(f'sum({name})' for name in _SUMS)} FROM counts "
                f"WHERE target <> ? AND minute >= ?{own[0]} GROUP BY project, target, outcome",
                (CALL, first, *own[1]),
            ).fetchall()
            cooling = ask(
                "SELECT project, target, max(ends) FROM cooldowns "  # noqa: S608 - our own names
                f"WHERE ends > ?{own[0]} GROUP BY project, target",
                (now, *own[1]),
            ).fetchall()
            by_project = [] if project is not None else self._projects(first)
            workers = ask(
                "SELECT worker, began, requests, streams FROM workers WHERE seen > ? ORDER BY began, worker",
                (now - _SILENT,),
            ).fetchall()
        return Hour(
            now,
            _minutes(first, calls),
            _outcomes(calls),
            _targets(attempts, cooling),
            by_project,
            [Worker(*row) for row in workers],
        )

    def _projects(self, first: int) -> list[tuple[str, int, int, float]]:
        fine = ", ".join(f"'{name}'" for name in sorted(NO_FAILURES))
        found = self._connection.execute(
            "SELECT project, sum(iif(target = '', count, 0)) AS calls, "  # noqa: S608 - our own names
            f"sum(iif(target = '' AND outcome NOT IN ({fine}), count, 0)), sum(cost) "
            "FROM counts WHERE minute >= ? GROUP BY project ORDER BY calls DESC, project",
            (first,),
        )
        return [(name, int(calls), int(failed), cost) for name, calls, failed, cost in found]


def percentile(times: Sequence[int], share: float) -> float | None:
    """Milliseconds within which a share of what was counted in buckets ended; None where nothing was counted.

    Within a bucket times are taken to lie evenly on a logarithmic scale. Of the last bucket, which has no end, its
    beginning is told.
    """
    wanted = sum(times) * share
    if not wanted:
        return None
    at, seen = 0, 0
    while seen + times[at] < wanted:
        seen += times[at]
        at += 1
    if at == len(BOUNDS):
        return float(BOUNDS[-1])
    upper = BOUNDS[at]
    lower = BOUNDS[at - 1] if at else upper / 10
    return float(lower * (upper / lower) ** ((wanted - seen) / times[at]))


def _minutes(first: int, calls: Iterable[tuple[int, str, float]]) -> list[Minute]:
    ok, failed = Counter[int](), Counter[int]()
    for minute, outcome, count in calls:
        (ok if outcome in NO_FAILURES else failed)[minute] += int(count)
    return [Minute(at, ok[at], failed[at]) for at in range(first, first + MINUTES)]


def _outcomes(calls: Iterable[tuple[int, str, float]]) -> Counter[str]:
    found = Counter[str]()
    for _minute, outcome, count in calls:
        found[outcome] += int(count)
    return found


def _targets(
    attempts: Iterable[Sequence[float | str]], cooling: Iterable[tuple[str, str, float]]
) -> list[TargetHour]:
    found: dict[tuple[str, str], TargetHour] = {}
    for project, target, outcome, count, cost, asked, answered, *times in attempts:
        names = (str(project), str(target))
        row = found.setdefault(names, TargetHour(*names))
        row.attempts += int(count)
        row.cost += float(cost)
        row.prompt_tokens += int(asked)
        row.completion_tokens += int(answered)
        if outcome == OK:
            row.ok += int(count)
            row.times = [int(number) for number in times]
        elif outcome not in NO_FAILURES:
            row.failures[str(outcome)] += int(count)
    for project, target, ends in cooling:
        found.setdefault((project, target), TargetHour(project, target)).ends = ends
    return sorted(found.values(), key=lambda row: (-row.attempts, row.project, row.target))
