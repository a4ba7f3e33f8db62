"""Traffic of a client on a clock that jumps: the real planner, strategies, policy, health and measurements, no I/O.

Targets answer as a scenario says: how long they take, when they are slow, refuse or hang, and what they cost. The table
and the picture of docs/balancing.md are made of it by benchmarks/balancing.py.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation import World

from genai_integrations import Connection
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import RateLimitError, ServerError
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.planning import Planner

SPREAD = 0.4
"""Sigma of the log-normal latencies: of 100 answers the fifth slowest takes twice the median."""

TIMEOUT = 30.0
PROMPT, ANSWER = 1000, 300
"""Tokens of each call."""


@dataclass(frozen=True)
class Trouble:
    """What befalls a target, from one part of the run to another.

    Attributes:
        target: Its connection.
        begins: 0.0 is the first call, 1.0 the last.
        ends: In the same way.
        slower: Times that it takes longer.
        fails: `503`, `429`, or `hang`; empty while it answers.
        share: Of its attempts that fail so.
    """

    target: str
    begins: float
    ends: float
    slower: float = 1.0
    fails: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """Targets and their troubles.

    Attributes:
        name: For the table.
        medians: Seconds of an answer, by connection.
        prices: US dollars of a million tokens, by connection.
        troubles: What happens.
        per_second: Calls a second.
    """

    name: str
    medians: dict[str, float]
    prices: dict[str, float]
    troubles: Sequence[Trouble] = ()
    per_second: float = 10.0


_MEDIANS = {"seoul": 1.0, "tokyo": 1.5, "usa": 2.5}
_PRICES = {"seoul": 4.0, "tokyo": 2.0, "usa": 1.0}

SCENARIOS = (
    Scenario("steady", _MEDIANS, _PRICES),
    Scenario("the fastest turns slow", _MEDIANS, _PRICES, [Trouble("seoul", 0.3, 0.9, slower=10)]),
    Scenario("outage (503)", _MEDIANS, _PRICES, [Trouble("seoul", 0.3, 0.6, fails="503")]),
    Scenario("half fail (503)", _MEDIANS, _PRICES, [Trouble("usa", 0.2, 0.8, fails="503", share=0.5)]),
    Scenario("refusals (429)", _MEDIANS, _PRICES, [Trouble("usa", 0.2, 0.8, fails="429", share=0.7)]),
    Scenario("hangs", _MEDIANS, _PRICES, [Trouble("tokyo", 0.4, 0.6, fails="hang")]),
    Scenario(
        "all shaky (503)", _MEDIANS, _PRICES, [Trouble(name, 0.0, 1.0, fails="503", share=0.05) for name in _MEDIANS], 1.0
    ),
)  # fmt: skip


@dataclass
class Outcome:
    """What became of a run.

    Attributes:
        calls: How many.
        lost: Calls that ended with an error.
        troubled: Calls whose first attempt failed.
        seconds: Mean time of a call.
        best: What it would be if each call went to the target that is the fastest just then.
        dollars: Of a thousand calls.
        served: By connection, the calls that it answered.
        firsts: For each call in turn, the connection of its first attempt.
    """

    calls: int
    lost: int
    troubled: int
    seconds: float
    best: float
    dollars: float
    served: Counter[str]
    firsts: list[str] = field(repr=False)

    @property
    def rescued(self) -> float:
        """Of the calls whose first attempt failed, the share that was answered all the same."""
        return 1.0 - self.lost / self.troubled if self.troubled else 1.0

    @property
    def added(self) -> float:
        """Seconds above the best."""
        return self.seconds - self.best


class Traffic(World):
    """Calls of one client.

    Args:
        scenario: The targets.
        calls: How many, in the mean `per_second` of them.
        seed: Of everything that is random.
        args: `router_args`, beside the group `smart` that has the scenario's targets.
    """

    def __init__(self, scenario: Scenario, calls: int, seed: int = 1, **args):
        super().__init__(self._answer, jitter=0.5)
        self._scenario = scenario
        self._count = calls
        self._began = self.now
        self._length = calls / scenario.per_second
        self._dice = random.Random(seed)
        # The strategies' own dice.
        random.seed(seed)
        self._args = router_args({"model_list": _rows(scenario), "timeout": TIMEOUT, **args})
        self._measured = Measured(self.clock)
        self._planner = Planner(self._args, self._measured)
        rows = [Connection.of(name, "openai", f"sk-{name}") for name in scenario.medians]
        self._snapshot = Snapshot.of(1, rows)
        self._request = chat_request(
            "smart", [{"role": "user", "content": "x" * 4 * PROMPT}], {"max_tokens": ANSWER}, self._args, stream=False
        )  # fmt: skip
        self._watches = {}
        self._records = {}
        self._best = 0.0
        self.most_events = 20 * calls

    def outcome(self) -> Outcome:
        """Run it."""
        moment = 0.0
        for _ in range(self._count):
            moment += self._dice.expovariate(self._scenario.per_second)
            self.call(None, at=moment, timeout=TIMEOUT)
        self.run()
        return self._summary()

    def _args_of(self, call):
        return self._args

    def _begin(self, call):
        call.plan = self._planner.plan(self._request, self._snapshot)
        self._watches[id(call)] = self._measured.call_began(self._request)
        well = (
            name
            for name in self._scenario.medians
            if self._trouble(name).share < 1.0 or not self._trouble(name).fails
        )
        self._best += min(map(self._median, well)) * math.exp(SPREAD**2 / 2)
        super()._begin(call)

    def _try(self, call, step):
        target = step.target
        record = Attempt(target.name, target.connection.name, "openai", target.model, step.reason)
        self._watches[id(call)].attempt_began(record)
        self._records[id(call)] = record, self.now
        super()._try(call, step)

    def _go_on(self, call, outcome):
        if id(call) in self._records:
            record, began = self._records.pop(id(call))
            record.ms, record.error = (self.now - began) * 1000, outcome
            record.outcome = "ok" if outcome is None else type(outcome).__name__
            if outcome is None:
                record.usage = {"prompt_tokens": PROMPT, "completion_tokens": ANSWER}
            self._watches[id(call)].attempt_ended(record)
        super()._go_on(call, outcome)
        if call.ended is not None:
            self._watches.pop(id(call)).call_ended(Route("smart"), None, call.result)

    def _answer(self, name, now):
        """What an attempt gets: an error or None, and after how many seconds."""
        connection = name.partition("/")[0]
        trouble = self._trouble(connection)
        if trouble.fails and self._dice.random() < trouble.share:
            return _FAILURES[trouble.fails]()
        return None, self._median(connection) * math.exp(self._dice.gauss(0.0, SPREAD))

    def _trouble(self, connection):
        part = (self.now - self._began) / self._length
        troubles = (row for row in self._scenario.troubles if row.target == connection)
        return next((row for row in troubles if row.begins <= part < row.ends), _NONE)

    def _median(self, connection):
        return self._scenario.medians[connection] * self._trouble(connection).slower

    def _summary(self):
        served = Counter(
            call.attempts[-1].target.partition("/")[0] for call in self.calls if call.result is None
        )
        prices, tokens = self._scenario.prices, PROMPT + ANSWER
        dollars = sum(count * prices[name] * tokens / 1e6 for name, count in served.items())
        return Outcome(
            calls=len(self.calls),
            lost=sum(call.result is not None for call in self.calls),
            troubled=sum(call.attempts[0].error is not None for call in self.calls),
            seconds=sum(call.ended - call.began for call in self.calls) / len(self.calls),
            best=self._best / len(self.calls),
            dollars=dollars * 1000 / len(self.calls),
            served=served,
            firsts=[call.attempts[0].target.partition("/")[0] for call in self.calls],
        )


def _rows(scenario):
    return [
        {
            "model_name": "smart",
            "litellm_params": {
                "model": f"{name}/gpt-4o",
                "input_cost_per_token": price / 1e6,
                "output_cost_per_token": price / 1e6,
            },
        }
        for name, price in scenario.prices.items()
    ]


_NONE = Trouble("", 0.0, 0.0)
_FAILURES = {
    "503": lambda: (ServerError("down", status=503), 0.2),
    "429": lambda: (RateLimitError("slower", status=429, retry_after=2.0), 0.05),
    "hang": lambda: (None, 2 * TIMEOUT),
}
