"""A race, driven by hand: who is asked when, whose answer is taken, and what is written down of the others."""

from __future__ import annotations

import pytest
from flow_support import Call, Watch, chunk, reply

from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    RateLimitError,
    ServerError,
)
from genai_integrations.routing.hedging import AT_LEAST, Hedging
from genai_integrations.routing.running import Running
from genai_integrations.routing.steps import AwaitFirst, Begin, Opened


class Race:
    """One call that races: requests run until the test says how they end."""

    def __init__(self, parts, stream=False, hedging=None, **args):
        made = parts(*args.pop("names", ("a", "b")), hedge_after=3, num_retries=0, **args)
        made.hedging = self.hedging = hedging or Hedging(3.0, None)
        self.parts = made
        self.call = Call(made, stream=stream)
        self.running = {}
        self.cut = []
        self.discarded = []
        self.done = None
        self.waits = []
        self.go_on(None)

    def go_on(self, outcome):
        """Run the flow until it waits for those who race, or is over."""
        while True:
            try:
                step = self.call.flow.send(outcome)
            except StopIteration as end:
                self.done = end.value
                return
            outcome = None
            if isinstance(step, Begin):
                name = step.send.call.connection.name
                outcome = self.running[name] = Running(
                    lambda name=name: self.cut.append(name), self.discarded.append
                )
            elif isinstance(step, AwaitFirst):
                self.waits.append(step.seconds)
                return
            else:
                self.done = step
                return

    def late(self):
        """Nobody has answered in time."""
        self.go_on(None)

    def answer(self, name, outcome):
        """One of them is over."""
        self.running[name].finish(outcome)
        self.go_on(None)

    @property
    def told(self):
        """Every attempt of the call: target, reason, outcome."""
        route = self.done.route
        return [(row.connection, row.reason, row.outcome) for row in route.attempts]


def test_a_fast_answer_races_nobody(parts):
    """The request runs beside its caller, who waits no longer than `hedge_after`."""
    race = Race(parts)

    race.answer("a", reply("hello"))

    assert 2.9 < race.waits[0] <= 3.0
    assert list(race.running) == ["a"]
    assert race.told == [("a", "first", "ok")]


def test_where_there_is_nobody_else_nothing_runs_beside(parts):
    """It is a plain request, without a thread."""
    race = Race(parts, names=("a",))

    assert type(race.done).__name__ == "Send"


def test_the_second_answers_first(parts):
    """The first is given up; what it used is told by the winner's usage, and counted."""
    watch = Watch()
    race = Race(parts, observers=[watch])

    race.late()
    race.answer("b", reply("from b"))

    assert race.told == [("a", "first", "cancelled"), ("b", "hedge", "ok")]
    assert race.cut == ["a"]
    lost, won = race.done.route.attempts
    assert (lost.estimated, won.estimated) == (True, False)
    assert lost.usage == won.usage == {"prompt_tokens": 1, "completion_tokens": 1}
    assert race.done.route.served == "b/m"
    assert watch.told == [
        "call began",
        "attempt began a/m",
        "attempt began b/m",
        "attempt ended b/m ok",
        "attempt ended a/m cancelled",
        "call ended NoneType",
    ]


def test_the_first_answers_after_all(parts):
    """It is the last one in the route, as whoever answered always is."""
    race = Race(parts)

    race.late()
    race.answer("a", reply("from a"))

    assert race.told == [("b", "hedge", "cancelled"), ("a", "first", "ok")]
    assert race.cut == ["b"]
    lost, won = race.done.route.attempts
    assert lost.began_ms >= won.began_ms


def test_both_answer_at_the_same_instant(parts):
    """The first one counts; the other's usage is known, and nothing is cut."""
    race = Race(parts)
    race.late()

    race.running["b"].finish({**reply("from b"), "usage": {"prompt_tokens": 7}})
    race.answer("a", reply("from a"))

    assert race.told == [("b", "hedge", "cancelled"), ("a", "first", "ok")]
    assert race.cut == []
    lost = race.done.route.attempts[0]
    assert (lost.usage, lost.estimated) == ({"prompt_tokens": 7}, False)


def test_a_stream_that_came_at_the_same_instant_is_closed(parts):
    """The winner's goes to the caller."""
    race = Race(parts, stream=True)
    race.late()
    mine, other = Opened([chunk("a")], iter(())), Opened([chunk("b")], iter(()))

    race.running["b"].finish(other)
    race.answer("a", mine)

    assert race.done.held is mine.held
    assert race.discarded == [other]
    assert [row.outcome for row in race.done.route.attempts] == ["cancelled", "ok"]


def test_one_that_comes_after_it_was_given_up_is_closed(parts):
    """Whoever runs it finds that nobody wants it any more."""
    race = Race(parts, stream=True)
    race.late()
    race.answer("b", Opened([chunk("b")], iter(())))
    late = Opened([chunk("a")], iter(()))

    race.running["a"].finish(late)

    assert race.cut == ["a"]
    assert race.discarded == [late]


def test_the_second_fails_and_the_first_answers(parts):
    """Its failure counts against it, and the call waits on."""
    race = Race(parts)
    race.late()

    race.answer("b", ServerError("down"))
    assert race.waits[-1] is None
    race.answer("a", reply())

    assert race.told == [("b", "hedge", "ServerError"), ("a", "first", "ok")]
    assert race.parts.health.free_at("b/m") > 0


def test_the_first_fails_and_the_second_answers(parts):
    """The race is the failover already."""
    race = Race(parts)
    race.late()

    race.answer("a", RateLimitError("slow down", retry_after=9))
    race.answer("b", reply())

    assert race.told == [("a", "first", "RateLimitError"), ("b", "hedge", "ok")]
    assert race.cut == []
    assert race.parts.health.free_at("a/m") > 0


def test_both_fail(parts):
    """With nobody else, the error has both."""
    race = Race(parts)
    race.late()
    race.answer("b", ServerError("b is down"))

    with pytest.raises(AllTargetsFailedError) as caught:
        race.answer("a", ServerError("a is down"))

    assert [str(error) for error in caught.value.attempts] == ["b/m: b is down", "a/m: a is down"]


def test_both_fail_and_a_third_takes_over(parts):
    """As ever; one second request is all that a call gets."""
    race = Race(parts, names=("a", "b", "c"))
    race.late()
    race.answer("b", ServerError("down"))
    race.answer("a", ServerError("down"))

    assert type(race.done).__name__ == "Send"
    assert race.done.call.connection.name == "c"


def test_the_first_refuses_the_request(parts):
    """Another would, too: the call ends, and the second request with it."""
    race = Race(parts)
    race.late()

    with pytest.raises(BadRequestError) as caught:
        race.answer("a", BadRequestError("no such parameter"))

    assert race.cut == ["b"]
    assert caught.value.connection == "a"


def test_the_second_refuses_the_request(parts):
    """Of a later target that ends only that target."""
    race = Race(parts)
    race.late()

    race.answer("b", BadRequestError("no such parameter"))
    race.answer("a", reply())

    assert race.told == [("b", "hedge", "BadRequestError"), ("a", "first", "ok")]


def test_a_caller_that_is_cancelled_gives_both_up(parts):
    """At once: nothing can be waited for."""
    race = Race(parts)
    race.late()

    with pytest.raises(KeyboardInterrupt):
        race.call.flow.throw(KeyboardInterrupt())

    assert race.cut == ["a", "b"]


def test_a_probe_that_loses_says_nothing_of_its_target(parts):
    """The next call may find out."""
    race = Race(parts)
    health = race.parts.health
    race.call.flow.close()
    health.failed("a/m")
    circuit = health._records["a/m"]
    circuit.open_until = circuit.opened_at  # its cooldown is over

    again = Race(lambda *_, **__: race.parts)
    (probe,) = [health.running_probe("a/m")]
    again.late()
    again.answer("b", reply())

    assert probe.is_done
    assert probe.error is None
    assert health.free_at("a/m") == 0.0


def test_a_target_that_cools_is_not_asked_beside(parts):
    """Nor one without credit, nor one that somebody else is probing."""
    race = Race(parts)
    race.parts.health.failed("b/m", 60.0)

    race.late()

    assert list(race.running) == ["a"]
    assert race.waits[-1] is None


def test_the_budget_is_a_share_of_the_calls():
    """The first calls borrow what they will have paid for; a long pause saves no more than a hundred."""
    hedging = Hedging(1.0, None)
    sent = 0
    for calls in range(1, 10_001):
        hedging.deposit()
        if hedging.may:
            hedging.withdraw()
            sent += 1
        assert sent <= max(AT_LEAST, calls * 0.05 + 0.001)
    assert 490 <= sent <= 500

    for _ in range(10_000):
        hedging.deposit()
    burst = 0
    while hedging.may:
        hedging.withdraw()
        burst += 1
    assert burst == 100


def test_a_call_without_budget_asks_nobody_beside(parts):
    """And needs no thread."""
    spent = Hedging(3.0, None)
    while spent.may:
        spent.withdraw()

    assert type(Race(parts, hedging=spent).done).__name__ == "Send"


def test_the_95th_percentile_counts_once_it_is_known(parts):
    """Until then there is no second request."""

    class Measured:
        known = None

        def p95(self, target, stream):
            return self.known if (target, stream) == ("a/m", True) else None

    hedging = Hedging("p95", Measured())
    assert type(Race(parts, stream=True, hedging=hedging).done).__name__ == "Send"

    Measured.known = 0.25
    assert 0.2 < Race(parts, stream=True, hedging=hedging).waits[0] <= 0.25
    assert type(Race(parts, stream=False, hedging=hedging).done).__name__ == "Send"


def test_who_is_given_up_for_an_error_is_paid_for_too(parts):
    """What the first one refuses ends the call, and the other one's request was sent."""
    race = Race(parts)
    race.late()

    with pytest.raises(BadRequestError) as caught:
        race.answer("a", BadRequestError("no such parameter", status=400))

    assert race.cut == ["b"]
    rows = caught.value.route.attempts
    assert [(row.connection, row.outcome, row.estimated) for row in rows] == [
        ("a", "BadRequestError", False),
        ("b", "cancelled", True),
    ]
