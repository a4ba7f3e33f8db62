"""The gateway's metrics, by prometheus_client; with a run folder, summed up over all workers of a gateway.

What is a label is bounded: a route is a row of the table of routes, a status is HTTP's, a target is `connection/model`
with a bound of its own, an outcome is a word of the route or the class of an error. No caller, project, prompt or key is
one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

# Loaded with this module, and so not before the run folder is named: the library looks for that when it is imported.
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from genai_integrations.calls.route import OK
from genai_integrations.gateway.rates import CALL, OTHER, Counts

CONTENT_TYPE = CONTENT_TYPE_LATEST

_NAMESPACE = "genai_gateway"

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Buckets of the duration: from a kept answer to a long stream."""

_MOST_TARGETS = 1000
"""Targets that are told apart; a time series is never forgotten, so what comes after them is `other`."""


class Metrics:
    """The metrics of one worker. One object a process where the figures of several are summed up.

    Args:
        run_dir: The folder in which the workers share them; None where there is one worker, which keeps them in memory.
    """

    def __init__(self, run_dir: Path | None = None) -> None:
        self._run_dir = run_dir
        self._registry = CollectorRegistry()
        self._targets: set[str] = set()
        self._cooling: set[str] = set()
        self._rows: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        counter = partial(Counter, namespace=_NAMESPACE, registry=self._registry)
        gauge = partial(Gauge, namespace=_NAMESPACE, registry=self._registry)
        self._requests = counter("requests_total", "Requests that are over.", ("route", "status"))
        self._duration = Histogram(
            "request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            namespace=_NAMESPACE,
            registry=self._registry,
        )
        self._attempts = counter(
            "upstream_attempts_total", "Requests to providers that are over.", ("target", "outcome")
        )
        self._tokens = counter(
            "tokens_total", "Tokens, as providers reported them.", ("target", "type")
        )
        self._cost = counter(
            "cost_usd_total", "US dollars, as far as prices are known.", ("target",)
        )
        self._in_flight = gauge(
            "requests_in_flight", "Requests under way.", multiprocess_mode="livesum"
        )
        self._streams = gauge("streams_open", "Streams under way.", multiprocess_mode="livesum")
        self._cooldowns = gauge(
            "cooldown_ends_timestamp_seconds",
            "When the cooldown of a target ends, in seconds since 1970; 0 once it is over.",
            ("target",),
            multiprocess_mode="livemax",
        )
        self._workers = gauge("workers", "Workers.", multiprocess_mode="livesum")
        self._workers.set(1)

    def under_way(self, requests: int, streams: int) -> None:
        """How many requests are under way, and how many of them are streams."""
        self._in_flight.set(requests)
        self._streams.set(streams)

    def ended(self, route: str, status: int, seconds: float) -> None:
        """A request is over.

        Args:
            route: As the table of routes has it.
            status: HTTP's.
            seconds: From its head to the end of its answer.
        """
        row = self._rows.get((route, status))
        if row is None:
            # To find a label's row costs ten times what it costs to count in it.
            row = (self._requests.labels(route, str(status)), self._duration.labels(route))
            self._rows[route, status] = row
        row[0].inc()
        row[1].observe(seconds)

    def add(self, counts: Counts) -> None:
        """Add what the clients have seen."""
        for key, cell in counts.items():
            if key.target == CALL:
                continue
            target = self._target(key.target)
            self._attempts.labels(target, key.outcome or OK).inc(cell.count)
            if cell.prompt_tokens:
                self._tokens.labels(target, "input").inc(cell.prompt_tokens)
            if cell.completion_tokens:
                self._tokens.labels(target, "output").inc(cell.completion_tokens)
            if cell.cost:
                self._cost.labels(target).inc(cell.cost)

    def cooldowns(self, ends: Mapping[tuple[str, str], float]) -> None:
        """Tell of all cooldowns that there are: by project and target, when they end."""
        latest = dict.fromkeys(self._cooling, 0.0)
        for (_project, name), moment in ends.items():
            target = self._target(name)
            latest[target] = max(moment, latest.get(target, 0.0))
        for target, moment in latest.items():
            self._cooldowns.labels(target).set(moment)
        self._cooling = {target for target, moment in latest.items() if moment}

    def render(self) -> bytes:
        """All figures in Prometheus's text format, those of the other workers among them."""
        if self._run_dir is None:
            return generate_latest(self._registry)
        _forget_the_dead(self._run_dir)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, str(self._run_dir))  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def leave(self) -> None:
        """The worker ends: its gauges go, its counters stay."""
        if self._run_dir is not None:
            _forget(os.getpid(), self._run_dir)

    def _target(self, name: str) -> str:
        if name not in self._targets:
            if len(self._targets) >= _MOST_TARGETS:
                return OTHER
            self._targets.add(name)
        return name


def _forget_the_dead(run_dir: Path) -> None:
    """Take away the gauges of workers that were killed: nobody else does."""
    found = {path.stem.rpartition("_")[2] for path in run_dir.glob("gauge_live*.db")}
    for pid in found:
        if pid.isdecimal() and not _is_alive(int(pid)):
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                _forget(int(pid), run_dir)


def _forget(pid: int, run_dir: Path) -> None:
    multiprocess.mark_process_dead(pid, str(run_dir))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
