"""What the gate lets in, how long it says to wait, and that it takes back what is over."""

from __future__ import annotations

import gc
import math
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.errors import BudgetExceededError, ConfigurationError, LimitError
from genai_integrations.limits.claims import Claim, Refusal, Row
from genai_integrations.limits.gate import Gate, Held
from genai_integrations.limits.purse import Purse
from genai_integrations.limits.rules import Budget, Limit, budgets_of, limits_of


def test_three_requests_a_minute_pass_at_once_in_any_minute(lab):
    """The fourth waits until the first is a minute old, not for the clock's next minute."""
    gate = lab.gate({"a": {"rpm": 3}})
    lab.clock.now = 1059.0
    assert all(isinstance(gate.take(lab.claim(gate)), Held) for _ in range(3))

    lab.clock.now = 1061.0
    refusal = gate.take(lab.claim(gate))
    assert (refusal.what, refusal.free_at) == ("rpm", 1119.0)
    assert refusal.text == "a is at its limit of 3 requests a minute"
    lab.clock.now = 1119.0
    assert all(isinstance(gate.take(lab.claim(gate)), Held) for _ in range(3))
    assert isinstance(gate.take(lab.claim(gate)), Refusal)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 5))
def test_no_minute_ever_has_more_than_its_requests(steps, rpm):
    """Whatever the moments at which is asked; and whoever asks at the moment that was told gets in."""
    now = [0.0]
    gate = Gate({"a": Limit(rpm=rpm)}, {}, clock=lambda: now[0])
    passed = []
    for step in steps:
        now[0] += step
        found = gate.take(Claim([Row("a", gate.limits["a"])], {}))
        if isinstance(found, Refusal):
            now[0] = found.free_at
            found = gate.take(Claim([Row("a", gate.limits["a"])], {}))
        assert isinstance(found, Held)
        passed.append(now[0])

    for at in passed:
        assert sum(at <= other < at + 60 for other in passed) <= rpm


class _Interrupted(int):
    """A number of tokens, with which Ctrl-C comes as soon as anybody reckons."""

    def __sub__(self, other):
        raise KeyboardInterrupt


def test_a_place_is_free_after_ctrl_c(lab, monkeypatch):
    """Whether it comes while the place is taken or while it is given back."""
    gate = lab.gate({"a": {"max_parallel": 1}}, {"a": {"usd": 1.0}})
    moments = iter((0.0, KeyboardInterrupt()))

    def wall():
        moment = next(moments, 1.0)
        if isinstance(moment, KeyboardInterrupt):
            raise moment
        return moment

    monkeypatch.setattr(gate._spending, "_wall", wall)
    with pytest.raises(KeyboardInterrupt):
        gate.take(lab.claim(gate))
    held = gate.take(lab.claim(gate))
    assert isinstance(held, Held)
    with pytest.raises(KeyboardInterrupt):
        gate.settle(held, _Interrupted(5), 0)
    assert isinstance(gate.take(lab.claim(gate)), Held)


def test_tokens_are_estimated_before_and_put_right_after(lab):
    """What was guessed too much is there for others at once; what was too little is missing."""
    gate = lab.gate({"a": {"tpm": 100}})
    first = gate.take(lab.claim(gate, tokens=80))
    assert gate.take(lab.claim(gate, tokens=30)).what == "tpm"
    gate.settle(first, 60, 0)
    second = gate.take(lab.claim(gate, tokens=30))
    assert isinstance(second, Held)

    lab.clock.now += 10
    gate.settle(second, 90, 0)
    refusal = gate.take(lab.claim(gate, tokens=20))
    # 60 and 90 are in the window: the first must leave, and the second with it.
    assert (refusal.free_at, refusal.text) == (1060.0, "a is at its limit of 100 tokens a minute")
    lab.clock.now = 1060.0
    assert isinstance(gate.take(lab.claim(gate, tokens=20)), Held)


def test_what_nobody_knows_stays_as_it_was_estimated(lab):
    """A call that was lost may have taken all."""
    gate = lab.gate({"a": {"tpm": 100}}, {"a": {"usd": 1e-6, "per": "day"}})
    gate.settle(gate.take(lab.claim(gate, tokens=80, nanos=900)), None, None)

    assert gate.take(lab.claim(gate, tokens=30, nanos=1)).what == "tpm"
    assert gate.take(lab.claim(gate, tokens=5, nanos=200)).what == "usd"


def test_a_request_larger_than_the_limit_never_passes(lab):
    """It is told so, with what to do, and does not wait for ever."""
    gate = lab.gate({"a": {"tpm": 100}})
    refusal = gate.take(lab.claim(gate, tokens=101))

    assert refusal.free_at == math.inf
    assert str(refusal.error(0.0)) == (
        "the request takes about 101 tokens, and a is limited to 100 a minute: shorten it, or lower max_tokens"
    )


def test_places_come_free_when_attempts_end(lab):
    """Twice the same end frees one place only."""
    gate = lab.gate({"a": {"max_parallel": 2}})
    first, _ = gate.take(lab.claim(gate)), gate.take(lab.claim(gate))
    assert gate.take(lab.claim(gate)).what == "max_parallel"
    gate.settle(first, 1, 0)
    gate.settle(first, 1, 0)

    assert isinstance(gate.take(lab.claim(gate)), Held)
    assert isinstance(gate.take(lab.claim(gate)), Refusal)


def test_the_places_of_a_call_last_over_its_attempts(lab):
    """Those on whose behalf a call is have one place for all of it."""
    gate = lab.gate({"*": {"max_parallel": 1, "rpm": 10}})
    first = gate.take(lab.claim(gate, lasts=True))
    gate.settle(first, 1, 0)
    assert gate.take(lab.claim(gate)).what == "max_parallel"

    second = gate.take(lab.claim(gate, lasts=True, counts=0))
    gate.settle(second, 1, 0)
    gate.leave(second)
    assert isinstance(gate.take(lab.claim(gate, counts=0)), Held)
    gate.leave(first)
    assert isinstance(gate.take(lab.claim(gate)), Held)


def test_a_claim_gets_all_or_nothing(lab):
    """What one limit refuses is not counted by another; the refusal that lasts longest is told."""
    gate = lab.gate({"a": {"rpm": 1}, "b": {"rpm": 5}}, {"*": {"usd": 1, "per": "day"}})
    gate.take(lab.claim(gate, "b", nanos=5))
    gate.take(lab.claim(gate))
    lab.clock.now += 1
    for _ in range(9):
        assert gate.take(lab.claim(gate, nanos=10)).name == "a"

    assert isinstance(gate.take(lab.claim(gate, "b", "*", nanos=999_999_995)), Refusal) is False


def test_what_was_not_sent_counts_nowhere(lab):
    """Requests, tokens, places and money are given back."""
    gate = lab.gate(
        {"a": {"rpm": 1, "tpm": 10, "max_parallel": 1}}, {"a": {"usd": 1e-9, "per": "run"}}
    )
    for _ in range(5):
        held = gate.take(lab.claim(gate, nanos=1))
        assert isinstance(held, Held)
        gate.give_back(held)
        gate.give_back(held)


def test_who_waits_is_served_in_order(lab):
    """Each is told the moment at which its own turn comes, and a newcomer does not go before them."""
    gate = lab.gate({"a": {"rpm": 2}})
    gate.take(lab.claim(gate))
    lab.clock.now += 5
    gate.take(lab.claim(gate))
    waiting = [lab.claim(gate) for _ in range(5)]
    for claim in waiting:
        gate.join(gate.take(claim), claim, lambda: None)

    assert [gate.look(claim).free_at for claim in waiting] == [1060, 1065, 1120 + 5, 1125, 1180 + 5]
    lab.clock.now = 1060
    assert gate.look(lab.claim(gate)) is not None
    assert gate.look(waiting[1]) is not None
    assert isinstance(gate.take(waiting[0]), Held)


def test_a_free_place_wakes_one_who_waits(lab):
    """The first of them; one that leaves without having taken the place passes it on."""
    gate = lab.gate({"a": {"max_parallel": 1}})
    held = gate.take(lab.claim(gate))
    woken = []
    waiters = []
    for number in range(3):
        claim = lab.claim(gate)
        refusal = gate.take(claim)
        waiters.append(gate.join(refusal, claim, lambda number=number: woken.append(number)))
    gate.settle(held, 1, 0)
    assert woken == [0]

    gate.go(waiters[0])
    assert woken == [0, 1]
    assert isinstance(gate.take(waiters[1].claim), Held)
    gate.go(waiters[1])
    gate.go(waiters[1])
    assert woken == [0, 1, 2]


def test_a_budget_holds_at_the_worst_case(lab):
    """It is checked before with what may be spent, and settled with what was."""
    gate = lab.gate(budgets={"*": {"usd": 1e-6, "per": "day"}})
    first = gate.take(lab.claim(gate, nanos=900))
    refusal = gate.take(lab.claim(gate, nanos=200))
    assert isinstance(refusal.error(0.0), BudgetExceededError)
    assert isinstance(refusal.error(0.0), LimitError)
    assert str(refusal.error(0.0)) == (
        "the budget '*' of $0.000001 a day has $0.0000001 left until 2026-11-28 00:00 UTC, "
        "and the call may cost up to $0.0000002"
    )

    gate.settle(first, 1, 300)
    assert isinstance(gate.take(lab.claim(gate, nanos=700)), Held)
    assert isinstance(gate.take(lab.claim(gate, nanos=0)), Refusal)


@pytest.mark.parametrize(
    ("per", "hours", "until"),
    [
        ("day", 12, "until 2026-11-28 00:00 UTC"),
        ("month", 84, "until 2026-12-01 00:00 UTC"),
    ],
)
def test_a_budget_begins_anew_with_its_period(lab, per, hours, until):
    """In UTC; what a call of the last period did cost is settled there."""
    gate = lab.gate(budgets={"*": {"usd": 1e-6, "per": per}})
    held = gate.take(lab.claim(gate, nanos=1000))
    lab.clock.now += hours * 3600 - 1
    refusal = gate.take(lab.claim(gate, nanos=1))
    assert until in refusal.text
    lab.clock.now += 1
    assert isinstance(gate.take(lab.claim(gate, nanos=600)), Held)

    gate.settle(held, 1, 5000)
    assert isinstance(gate.take(lab.claim(gate, nanos=400)), Held)


def test_a_budget_of_a_run_never_begins_anew(lab):
    """It lasts as long as the client."""
    gate = lab.gate(budgets={"*": {"usd": 1e-6, "per": "run"}})
    gate.take(lab.claim(gate, nanos=1000))
    lab.clock.now += 90 * 86_400

    assert "for as long as this client lives" in gate.take(lab.claim(gate, nanos=1)).text


def test_alerts_come_once_for_each_share(lab):
    """By what was spent, and not by what is only reserved; again in the next period."""
    gate = lab.gate(budgets={"*": {"usd": 1e-6, "per": "day", "alerts": [0.5, 1.0]}})
    for cost in (400, 200, 100, 300):
        gate.settle(gate.take(lab.claim(gate, nanos=cost)), 1, cost)
        held = gate.take(lab.claim(gate, nanos=1))
        if isinstance(held, Held):
            gate.give_back(held)
    lab.clock.now += 86_400
    gate.settle(gate.take(lab.claim(gate, nanos=1000)), 1, 600)

    told = [(row.share, row.period, row.spent) for row in lab.alerts]
    assert told == [
        (0.5, "2026-11-27", pytest.approx(6e-7)),
        (1.0, "2026-11-27", pytest.approx(1e-6)),
        (0.5, "2026-11-28", pytest.approx(6e-7)),
    ]
    assert str(lab.alerts[0]) == "the budget '*' has used 50% of $0.000001 (2026-11-27): $0.0000006"


@pytest.mark.parametrize("after", [None, Budget(1.0, "month"), Budget(1e-6, "run")])
def test_a_budget_changes_while_a_call_is_under_way(lab, after):
    """The call is settled by the budget that let it in; what it cost counts for the name, as long as that has one."""
    gate = lab.gate(budgets={"key:ci": {"usd": 1e-6, "per": "month", "alerts": [0.5]}})
    held = gate.take(lab.claim(gate, nanos=900))
    gate.set_budget("key:ci", after)
    gate.settle(held, 1, 900)

    assert ("key:ci" in gate.names) is (after is not None)
    assert isinstance(gate.take(lab.claim(gate, nanos=900)), Held)
    gate.set_budget("key:ci", Budget(1e-6, "month"))
    assert isinstance(gate.take(lab.claim(gate, nanos=200)), Refusal)


def test_an_alert_that_raises_stops_no_call(lab, caplog):
    """The log has it."""
    gate = lab.gate(budgets={"*": {"usd": 1e-6, "per": "day"}})
    gate._on_alert = lambda alert: 1 / 0
    gate.settle(gate.take(lab.claim(gate, nanos=1000)), 1, 1000)

    assert "on_alert failed" in caplog.text


def test_the_log_forgets(lab):
    """Minutes and months later nothing is left of what was let in."""
    gate = lab.gate({"a": {"rpm": 9, "tpm": 900}}, {"a": {"usd": 1, "per": "day"}})
    for _ in range(400):
        held = gate.take(lab.claim(gate))
        gate.settle(held, 1, 1)
        lab.clock.now += 86_400

    assert len(gate._windows["a"]._log) == 1
    assert len(gate._spending._spent) <= 3
    gate.settle(held, 500, 0)
    assert gate._windows["a"]._tokens == 1


def test_many_threads_never_pass_more_than_the_limit(lab):
    """Eight threads, and never more than three at once."""
    gate = lab.gate({"a": {"max_parallel": 3}})
    inside, most = [0], [0]
    lock = threading.Lock()

    def work():
        for _ in range(200):
            held = gate.take(lab.claim(gate))
            if isinstance(held, Held):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with lock:
                    inside[0] -= 1
                gate.settle(held, 1, 0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
    assert gate._windows["a"].running == 0


def test_a_purse_is_shared_and_exact():
    """It gives what is in it, and takes back what was too much; a pickle keeps what was spent."""
    purse = Purse(1e-6)
    assert purse.take(600)
    assert not purse.take(500)
    purse.put_back(300)
    assert purse.take(700)

    assert purse.spent == pytest.approx(1e-6)
    assert pickle.loads(pickle.dumps(purse)).spent == purse.spent
    assert repr(purse) == "Purse(1e-06, spent=1e-06)"
    gc.collect()


@pytest.mark.parametrize(
    ("check", "given", "told"),
    [
        (limits_of, [], "limits must be a mapping like"),
        (limits_of, {"a": {}}, "limits['a'] limits nothing"),
        (limits_of, {"a": {"rpm": 0}}, "limits['a']['rpm'] must be a whole number above 0, not 0"),
        (limits_of, {"a": {"rpm": True}}, "must be a whole number above 0"),
        (limits_of, {"a": {"rps": 1}}, "only the keys rpm, tpm, max_parallel"),
        (limits_of, {1: {"rpm": 1}}, "limits names 1"),
        (budgets_of, {"a": 5}, "budgets['a'] must be a mapping"),
        (budgets_of, {"a": {"per": "day"}}, "budgets['a'] needs usd"),
        (budgets_of, {"a": {"usd": -1}}, "must be US dollars, 0 or more"),
        (budgets_of, {"a": {"usd": math.nan}}, "must be US dollars, 0 or more"),
        (budgets_of, {"a": {"usd": 1, "per": "week"}}, "must be 'day' or 'month' or 'run'"),
        (budgets_of, {"a": {"usd": 1, "alerts": 0.5}}, "a list of shares"),
        (Purse, "5", "max_cost must be US dollars"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(check, given, told):
    """When the client is made, not at the first call."""
    with pytest.raises(ConfigurationError) as raised:
        check(given)

    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
