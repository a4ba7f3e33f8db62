"""What targets were found not to take: remembered for a while, per client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from genai_integrations.calls.args import DropParams
from genai_integrations.calls.wire import Wire
from genai_integrations.routing.deployments import Target
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.transports.remedies.remedy import Remedy, fitting, together

_TIME_TO_LIVE = 3600.0
"""Seconds: a model may be mended, or another may stand behind the same name."""

_MOST_TARGETS = 1024
_MOST_REMEDIES = 16
"""Of one target: a value that is refused is the caller's, who may think of many."""


class Learnt:
    """Remedies that worked, by connection and model. Safe for threads; a client has one, so tenants share nothing.

    Args:
        clock: Monotonic seconds.

    Attributes:
        is_any: Whether anything was learnt.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: BoundedMap[tuple[str, str], tuple[float, tuple[Remedy, ...]]] = BoundedMap(
            _MOST_TARGETS
        )
        self.is_any = False

    def beforehand(self, target: Target, body: Wire, drop_params: DropParams) -> tuple[Remedy, ...]:
        """How to say a request to a target from the first, by what is known and what was learnt."""
        return fitting(self._rows_for(target), body, drop_params)

    def told(self, target: Target, drop_params: DropParams) -> tuple[str, ...]:
        """How requests to a target are said otherwise, where they have what it is about; for people."""
        from genai_integrations.transports.openai.shaping import told

        shaped = told(target.connection, target.model, drop_params)
        rows = (row for row in self._rows_for(target) if row.is_allowed(drop_params))
        return (*shaped, *(row.name for row in rows))

    def _rows_for(self, target: Target) -> tuple[Remedy, ...]:
        rows = target.deployment.remedies
        for remedy in self._of(target):
            rows = together(rows, remedy)
        return rows

    def note(self, target: Target, remedies: Iterable[Remedy]) -> None:
        """Remember what worked."""
        rows = self._of(target)
        for remedy in remedies:
            rows = together(rows, remedy) if remedy.lasts else rows
        kept = (self._clock() + _TIME_TO_LIVE, rows[-_MOST_REMEDIES:])
        self._rows.put(_key(target), kept)
        self.is_any = True

    def _of(self, target: Target) -> tuple[Remedy, ...]:
        until, rows = self._rows.get(_key(target)) or (0.0, ())
        return rows if until > self._clock() else ()


def _key(target: Target) -> tuple[str, str]:
    return target.connection.name, target.model
