"""How far a rollout is: what is known of its two models, what was decided, and why."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast

from genai_integrations.calls.assignment import Variant
from genai_integrations.calls.route import Route
from genai_integrations.calls.variants import Rollout
from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.variants.evidence import STAKES, Sample, capital, lower, winnings

_log = logging.getLogger("genai_integrations")

State = Literal["running", "promoted", "rolled_back"]
"""Where a rollout stands: on its way, all calls at the new model, or all back at the old one."""

ENOUGH_SCORES = 30
"""Scores of each model before they are compared, or `min_calls` if that is fewer: the test counts on many."""


MOST_SCORE = 1e12
"""A score beyond this is none: the sums of squares must stay numbers, and anybody with a public key may send one."""


def is_score(value: object) -> bool:
    """Whether it is a number that can be counted; True is 1."""
    return isinstance(value, (int, float)) and -MOST_SCORE <= value <= MOST_SCORE


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of a rollout's audit record.

    Attributes:
        at: When, ISO 8601 in UTC.
        state: The state since then.
        share: Of the calls that `new` gets since then.
        why: The reason, with the figures.
        calls: What `new` had answered by then.
        by: `test`, or who decided by hand.
    """

    at: str
    state: State
    share: float
    why: str
    calls: int
    by: str = "test"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one model of a rollout.

    Attributes:
        calls: Calls that were given to it and are over, without those that nobody could answer.
        failed: Those of them that it did not answer.
        latency: Seconds on average, of a stream to its first content; None if not known.
        cost: US dollars on average; None if not known or not asked for.
        scores: How many.
        score: Their mean; None if there is none.
    """

    calls: int = 0
    failed: int = 0
    latency: float | None = None
    cost: float | None = None
    scores: int = 0
    score: float | None = None

    @property
    def error_rate(self) -> float | None:
        """Share of the calls that failed; None without calls."""
        return self.failed / self.calls if self.calls else None


class Outcome(NamedTuple):
    """How a call went for the model that it was given to.

    Attributes:
        failed: Whether it did not answer.
        seconds: Until it answered; None if it did not.
        cost: US dollars; None if not known.
    """

    failed: bool
    seconds: float | None = None
    cost: float | None = None


class _Limit(NamedTuple):
    """One limit, and what the test of it reads."""

    name: str
    bound: float
    said: str
    shown: Callable[[float], str]


class Track:
    """One rollout. Safe for threads, and shared by processes as its mirror is.

    Args:
        rollout: As the program describes it.
        mirror: Where the counts and decisions are.
        refresh: Exchanges the mirror with the store, now.
        is_shared: Whether other processes see it, and it survives this one.

    Attributes:
        rollout: See above.
        is_shared: See above.
    """

    def __init__(
        self,
        rollout: Rollout,
        mirror: Mirror,
        refresh: Callable[[], object] = lambda: None,
        *,
        is_shared: bool = False,
    ) -> None:
        self.rollout = rollout
        self.is_shared = is_shared
        self._mirror = mirror
        self._refresh = refresh
        self._decided: tuple[tuple[str, ...], tuple[Decision, ...]] = ((), ())
        self._limits = tuple(_limits(rollout))
        mirror.first(0, _written(Decision(_now(), "running", rollout.steps[0], "it began", 0)))

    def __repr__(self) -> str:
        return f"<rollout {self.rollout.name!r}: {self.state}, {self.share * 100:g} % on {self.rollout.new!r}>"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.routing.variants.views import track_bundle

        return track_bundle(self)

    @property
    def name(self) -> str:
        """The rollout's."""
        return self.rollout.name

    @property
    def audit(self) -> tuple[Decision, ...]:
        """Every decision, the first one first, each with its reason."""
        texts, known = self._mirror.firsts(), self._decided
        if known[0] is not texts:
            known = self._decided = texts, tuple(map(_read, texts))
        return known[1]

    @property
    def state(self) -> State:
        """`running`, `promoted` or `rolled_back`."""
        return self.audit[-1].state

    @property
    def share(self) -> float:
        """Of the calls that `new` gets, 0 to 1."""
        return self.audit[-1].share

    @property
    def old(self) -> Figures:
        """What is known of the old model."""
        return _figures(self._mirror.totals(), "old")

    @property
    def new(self) -> Figures:
        """What is known of the new model."""
        return _figures(self._mirror.totals(), "new")

    def models(self) -> tuple[str, ...]:
        """The names that calls may go to now, the one that gets more first."""
        rollout, share = self.rollout, self.share
        if not share:
            return (rollout.old,)
        return (rollout.new, rollout.old) if share >= 0.5 else (rollout.old, rollout.new)  # noqa: PLR2004  a half

    def refresh(self) -> None:
        """Take over what other processes and Langfuse's scores say, now and not within half a second."""
        self._refresh()

    def score(self, reply: object, value: float) -> None:
        """Say how good an answer was; the more the better.

        Args:
            reply: A reply to this rollout's name, a stream, LlamaIndex's `response.raw`; or a route, also as a record,
                such as LangChain's `message.response_metadata["route"]`.
            value: A finite number, up to 1e12; True counts as 1.

        Raises:
            ConfigurationError: The answer is not one of this rollout's, or the value is not a number.
        """
        variant = _variant_of(reply)
        if variant is None or variant.of != self.name:
            raise ConfigurationError(f"score() takes a reply to a call for {self.name!r}")
        if not is_score(value):
            raise ConfigurationError(f"a score must be a finite number, within {MOST_SCORE:g}")
        # An answer that the old model gave instead says nothing of the new one, which failed.
        if variant.served == variant.assigned:
            self.scored(variant.assigned, float(value))

    def scored(self, model: str, value: float) -> None:
        """A model's answer was scored."""
        which = "new" if model == self.rollout.new else "old"
        sums = {"count": 1.0, "total": value, "squares": value * value}
        self._mirror.add({f"{which}.score.{part}": amount for part, amount in sums.items()})
        self._decide()

    def took(self, model: str, outcome: Outcome) -> None:
        """A call that was given to a model is over."""
        which = "new" if model == self.rollout.new else "old"
        added = {f"{which}.calls": 1.0, f"{which}.failed": float(outcome.failed)}
        for name in ("seconds", "cost"):
            value = getattr(outcome, name)
            if value is not None:
                added |= {f"{which}.{name}.count": 1.0, f"{which}.{name}.total": value}
        if which == "old":
            self._mirror.add(added)
            return
        self._mirror.add(added | self._bets(outcome))
        self._decide()

    def promote(self, why: str = "by hand") -> None:
        """Give all calls to the new model, whatever the tests say."""
        self._by_hand("promoted", 1.0, why)

    def roll_back(self, why: str = "by hand") -> None:
        """Give all calls back to the old model."""
        self._by_hand("rolled_back", 0.0, why)

    def _by_hand(self, state: State, share: float, why: str) -> None:
        self._refresh()
        while self.state != state:
            # Another process may have decided something at the same moment, and come first.
            self._note(len(self.audit), state, share, why, by="hand")
            self._refresh()

    def _bets(self, outcome: Outcome) -> dict[str, float]:
        """What one call on the new model adds to the evidence against it."""
        seen = {"failed": float(outcome.failed), "seconds": outcome.seconds, "cost": outcome.cost}
        added: dict[str, float] = {}
        for limit in self._limits:
            value = seen[limit.name]
            if value is not None:
                won = winnings(value, limit.bound)
                added |= {f"bet.{limit.name}.{at}": amount for at, amount in enumerate(won)}
        return added

    def _decide(self) -> None:
        """Go on, go back, or stay, as the figures say now."""
        audit = self.audit
        number, last = len(audit), audit[-1]
        if last.state != "running":
            return
        totals = self._mirror.totals()
        made = int(totals.get("new.calls", 0.0)) - last.calls
        if bad := self._too_bad(totals):
            self._note(number, "rolled_back", 0.0, bad)
        elif made >= self.rollout.min_calls and self._may_go_on(totals):
            later = [step for step in self.rollout.steps if step > last.share]
            why = f"{made} calls at {last.share * 100:g} % kept all limits: {self._told(totals)}"
            if later:
                self._note(number, "running", later[0], why)
            else:
                self._note(number, "promoted", 1.0, why)

    def _too_bad(self, totals: Mapping[str, float]) -> str:
        """Why the new model is surely worse than it may be; empty if that is not sure."""
        tests = len(self._limits) + (self.rollout.score is not None)
        needed = tests / self.rollout.alpha
        for limit in self._limits:
            logs = [totals.get(f"bet.{limit.name}.{at}", 0.0) for at in range(len(STAKES))]
            # The mean of capitals is not above the largest one: most calls end here.
            found = capital(logs) if max(logs) >= math.log(needed) else 0.0
            if found >= needed:
                value = _mean_of(totals, limit.name)
                return (
                    f"{limit.said} is {limit.shown(value)}, above {limit.shown(limit.bound)}: "
                    f"evidence {_short(found)}, {needed:g} needed"
                )
        return self._scores_worse(totals, needed)

    def _scores_worse(self, totals: Mapping[str, float], needed: float) -> str:
        if self.rollout.score is None:
            return ""
        new, old = Sample.of(totals, "new.score"), Sample.of(totals, "old.score")
        if min(new.count, old.count) < self._enough_scores():
            return ""
        found = lower(new, old)
        if found < needed:
            return ""
        return (
            f"{self.rollout.score!r} of {new.count:.0f} answers is {new.mean:.3g} on average, of {old.count:.0f} of "
            f"the old model {old.mean:.3g}: evidence {_short(found)}, {needed:g} needed"
        )

    def _may_go_on(self, totals: Mapping[str, float]) -> bool:
        """Whether the figures as they are keep the limits; else it stays where it is until that is sure either way."""
        scores = totals.get("new.score.count", 0.0)
        is_scored = self.rollout.score is None or scores >= self._enough_scores()
        return is_scored and all(
            _mean_of(totals, limit.name) <= limit.bound for limit in self._limits
        )

    def _enough_scores(self) -> int:
        return min(ENOUGH_SCORES, self.rollout.min_calls)

    def _told(self, totals: Mapping[str, float]) -> str:
        said = [f"{row.said} {row.shown(_mean_of(totals, row.name))}" for row in self._limits]
        score = _figures(totals, "new").score
        if score is not None:
            said.append(f"mean score {score:.3g}")
        return ", ".join(said) or "there are none"

    def _note(self, number: int, state: State, share: float, why: str, *, by: str = "test") -> None:
        """Write a decision down, if nobody has taken the one of this number."""
        calls = int(self._mirror.totals().get("new.calls", 0.0))
        decision = Decision(_now(), state, share, why, calls, by)
        self._mirror.first(number, _written(decision))
        _log.info("rollout %r is %s at %g %%: %s", self.name, state, share * 100, why)


def _variant_of(reply: object) -> Variant | None:
    """The variant of a call, from whatever its caller has of it."""
    if isinstance(reply, Mapping) and isinstance(reply.get("variant"), Mapping):
        row = reply["variant"]
        return Variant(row["of"], row["assigned"], row["served"], row["by"])
    route = reply if isinstance(reply, Route) else getattr(reply, "route", None)
    return route.variant if isinstance(route, Route) else None


def _limits(rollout: Rollout) -> list[_Limit]:
    rows = (
        ("failed", rollout.max_error_rate, "the error rate", lambda rate: f"{rate * 100:.3g} %"),
        ("seconds", rollout.max_latency, "the mean latency", lambda value: f"{value:.3g} s"),
        ("cost", rollout.max_cost, "the mean cost", lambda value: f"{value:.3g} USD"),
    )
    return [
        _Limit(name, bound, said, shown) for name, bound, said, shown in rows if bound is not None
    ]


def _mean_of(totals: Mapping[str, float], name: str) -> float:
    """The mean of what a limit is about, of the new model; 0 before anything is known."""
    count = totals.get("new.calls" if name == "failed" else f"new.{name}.count", 0.0)
    total = totals.get("new.failed" if name == "failed" else f"new.{name}.total", 0.0)
    return total / count if count else 0.0


def _figures(totals: Mapping[str, float], which: str) -> Figures:
    def mean(name: str) -> float | None:
        count = totals.get(f"{which}.{name}.count", 0.0)
        return totals.get(f"{which}.{name}.total", 0.0) / count if count else None

    calls, failed = (int(totals.get(f"{which}.{name}", 0.0)) for name in ("calls", "failed"))
    scores = int(totals.get(f"{which}.score.count", 0.0))
    return Figures(calls, failed, mean("seconds"), mean("cost"), scores, mean("score"))


def _short(evidence: float) -> str:
    return f"{evidence:.3g}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(decision: Decision) -> str:
    return json.dumps(dataclasses.asdict(decision))


def _read(text: str) -> Decision:
    row = cast("dict[str, Any]", json.loads(text))
    names = [field.name for field in dataclasses.fields(Decision)]
    return Decision(**{name: row[name] for name in names if name in row})
