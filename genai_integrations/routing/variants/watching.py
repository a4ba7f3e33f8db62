"""What a finished call says of the model that a rollout gave it to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping

from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import CallError
from genai_integrations.routing.variants.track import Outcome, Track


class Watch:
    """Watches one call.

    Args:
        tracks: The rollouts, by name; which one it is for, if any, the plan decides.
        traced: Told of the trace of a call that the assigned model answered.
        rehearsed: Names of the targets whose failures are a rehearsal just now, and are not counted; None counts them.
    """

    __slots__ = ("_rehearsed", "_traced", "_tracks")
    wants_reply = False

    def __init__(
        self, tracks: Mapping[str, Track], traced: Traced, rehearsed: Container[str] | None = None
    ) -> None:
        self._rehearsed = rehearsed
        self._tracks = tracks
        self._traced = traced

    def attempt_began(self, attempt: Attempt) -> None:
        """Nothing to note: the route has it at the end."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """As `attempt_began`."""

    def first_content(self, route: Route) -> None:
        """As `attempt_began`."""

    def call_ended(
        self,
        route: Route,
        wire: Wire | None,  # noqa: ARG002  as every observer's
        error: BaseException | None,
    ) -> None:
        """Count the call, if it says anything of its model."""
        given = route.assignment
        track = None if given is None else self._tracks.get(given.of)
        was_given_up = error is not None and not isinstance(error, CallError)
        if given is None or track is None or route.cached or was_given_up:
            return
        if self._rehearsed is not None and _is_rehearsal(route, given.targets, self._rehearsed):
            # What a rollout decides would outlast it, and hold for others.
            return
        # Prices are read from a file of megabytes, the first time.
        with_cost = track.rollout.max_cost is not None
        outcome = outcome_of(route, failed=error is not None, with_cost=with_cost)
        if outcome is None:
            return
        track.took(given.variant, outcome)
        if not outcome.failed and route.trace_id:
            self._traced.note(route.trace_id, given.of, given.variant)


def _is_rehearsal(route: Route, targets: Collection[str], rehearsed: Container[str]) -> bool:
    """Whether an attempt failed by a rehearsal, or one keeps calls away from the model."""
    return any(row.rehearsed for row in route.attempts) or any(row in rehearsed for row in targets)


def outcome_of(route: Route, *, failed: bool, with_cost: bool) -> Outcome | None:
    """How a call went for the model that it was given to; None if that is not known.

    It failed if another one answered, also where it was not asked because it cooled down. A call that the others could
    not answer either says nothing: it may be the request, or the network.

    Args:
        route: With an assignment.
        failed: Whether the caller got an error.
        with_cost: Whether to look prices up.
    """
    given = route.assignment
    own = [row for row in route.attempts if given is not None and row.target in given.targets]
    if any(row.hurried for row in own):
        # It might have answered within the time that other calls give it.
        return None
    if failed:
        was_alone = own and len(own) == len(route.attempts)
        return Outcome(failed=True) if was_alone else None
    last = route.attempts[-1]
    if last not in own or last.outcome != OK:
        return Outcome(failed=True)
    waited = last.ms if last.first_content_ms is None else last.first_content_ms
    known = [row.cost for row in own] if with_cost else []
    costs = [cost for cost in known if cost is not None]
    return Outcome(False, (last.began_ms + waited) / 1000, sum(costs) if costs else None)


class Traced:
    """By trace, which model of which rollout answered; so that a score of the trace can be counted.

    Safe for threads. Forgets the oldest.

    Args:
        told: Called after each: from then on there may be scores to read. Not sooner, for reading them loads packages,
            which a first call may be loading.
    """

    def __init__(self, told: Callable[[], object] = lambda: None) -> None:
        self._told = told
        self._models: dict[str, dict[str, str | None]] = {}

    def __len__(self) -> int:
        return len(self._models)

    def note(self, trace_id: str, rollout: str, model: str) -> None:
        """A model has answered in a trace."""
        models = self._models.setdefault(trace_id, {})
        # Of a trace in which both have answered, nobody knows whom a score means.
        models[rollout] = model if models.get(rollout, model) == model else None
        while len(self._models) > _MOST:
            self._models.pop(next(iter(self._models)), None)
        self._told()

    def model(self, trace_id: str, rollout: str) -> str | None:
        """Who answered; None if nobody did, or both."""
        return self._models.get(trace_id, {}).get(rollout)


_MOST = 10_000
