"""What is measured of targets: latency with peaks and decay, percentiles, what is under way, the minute's counts."""

from __future__ import annotations

import os
import threading

import pytest
from simulation import Clock

from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.errors import (
    BadRequestError,
    RateLimitError,
    RequestTimeoutError,
)
from genai_integrations.routing import parts as module
from genai_integrations.routing.measured import Measured, Minute


class Calls:
    """Tells an observer of calls, as the flow does, on a clock that moves when told."""

    def __init__(self):
        self.clock = Clock(6000.0)
        self.measured = Measured(self.clock)
        self.all = []

    def begin(self, target="seoul/gpt-4o", *, stream=False):
        watch = self.measured.call_began(
            Request("chat/completions", "m", {}, router_args({}), stream)
        )
        self.all.append(Running(self, watch, target, stream))
        return self.all[-1]

    def ask(self, seconds, target="seoul/gpt-4o", *, stream=False, error=None, usage=None):
        running = self.begin(target, stream=stream)
        self.clock.now += seconds
        running.end(error=error, usage=usage)


class Running:
    def __init__(self, calls, watch, target, stream):
        self.calls, self.watch, self.stream = calls, watch, stream
        self.route = Route("m")
        self.attempt = Attempt(target, "seoul", "openai", "gpt-4o", "first")
        self.began = calls.clock.now
        self.route.attempts.append(self.attempt)
        watch.attempt_began(self.attempt)

    @property
    def ms(self):
        return (self.calls.clock.now - self.began) * 1000

    def content(self):
        self.attempt.first_content_ms = self.ms
        self.attempt.outcome = "ok"
        self.watch.first_content(self.route)

    def end(self, error=None, usage=None):
        if self.stream and error is None and self.attempt.first_content_ms is None:
            self.content()
        self.attempt.ms = self.ms
        self.attempt.usage, self.attempt.error = usage, error
        self.attempt.outcome = "ok" if error is None else type(error).__name__
        self.watch.attempt_ended(self.attempt)
        self.watch.call_ended(self.route, None, error)


@pytest.fixture
def calls():
    return Calls()


def test_nothing_is_known_of_a_target_that_was_never_asked(calls):
    """It is told so, and no number is made up."""
    seen = calls.measured

    assert seen.latency("usa/gpt-4o") is None
    assert seen.p95("usa/gpt-4o") is None
    assert seen.in_flight("usa/gpt-4o") == 0
    assert seen.minute("usa/gpt-4o") == Minute(0, 0, 0)


def test_a_slower_answer_counts_at_once_and_a_faster_one_by_and_by(calls):
    """A peak is taken as it is; one second after a peak of 4 s, an answer of 1 s has a tenth of the weight."""
    calls.ask(1.0)
    calls.ask(4.0)
    assert calls.measured.latency("seoul/gpt-4o") == 4.0

    calls.ask(1.0)
    # exp(-1/10) = 0.90484 of the peak is left, and the rest is the new answer's.
    assert calls.measured.latency("seoul/gpt-4o") == pytest.approx(3.71451, abs=1e-4)


def test_a_peak_sinks_with_time_to_the_mean_of_the_last_five(calls):
    """With calls that are minutes apart, every target would seem fast if it sank any further."""
    for seconds in (90.0, 1.0, 1.0, 1.0, 1.0, 6.0):
        calls.ask(seconds)
    assert calls.measured.latency("seoul/gpt-4o") > 30.0

    calls.clock.now += 1000.0
    assert calls.measured.latency("seoul/gpt-4o") == 2.0


def test_who_wants_to_explore_sees_it_sink_to_nothing(calls):
    """After one DECAY (10 s) without an answer 1/e of it is left; what waits counts here, too."""
    assert calls.measured.lowest("seoul/gpt-4o") is None
    calls.ask(10.0)
    calls.clock.now += 10.0
    assert calls.measured.lowest("seoul/gpt-4o") == pytest.approx(3.67879, abs=1e-4)
    assert calls.measured.latency("seoul/gpt-4o") == 10.0

    calls.begin()
    calls.clock.now += 7.0
    assert calls.measured.lowest("seoul/gpt-4o") == 7.0


def test_a_target_is_feared_before_it_has_answered(calls):
    """An attempt that waits already says how slow the target is at least; one that is known to be slow stays so."""
    calls.ask(1.0)
    waiting = calls.begin()
    calls.clock.now += 7.0
    assert calls.measured.latency("seoul/gpt-4o") == 7.0

    waiting.end()
    assert calls.measured.latency("seoul/gpt-4o") == 7.0


def test_a_target_that_was_never_heard_of_is_feared_by_its_waits_alone(calls):
    """The oldest wait counts."""
    calls.begin()
    calls.clock.now += 2.0
    calls.begin()
    calls.clock.now += 1.0

    assert calls.measured.latency("seoul/gpt-4o") == 3.0


def test_streams_are_measured_to_their_first_content_and_apart(calls):
    """What comes after the first content does not count, though it is under way until the end."""
    stream = calls.begin(stream=True)
    calls.clock.now += 0.5
    stream.content()
    assert calls.measured.latency("seoul/gpt-4o", stream=True) == 0.5
    assert calls.measured.latency("seoul/gpt-4o") is None
    assert calls.measured.in_flight("seoul/gpt-4o") == 1

    calls.clock.now += 6.0
    stream.end()
    assert calls.measured.latency("seoul/gpt-4o", stream=True) == 0.5
    assert calls.measured.in_flight("seoul/gpt-4o") == 0


def test_who_refuses_at_once_is_not_fast(calls):
    """A failure only ever makes an estimate larger: a time-out does, also as the first answer; a quick 429 does not."""
    calls.ask(2.0)
    calls.ask(0.01, error=RateLimitError("later"))
    assert calls.measured.latency("seoul/gpt-4o") == 2.0

    calls.ask(30.0, error=RequestTimeoutError("slow"))
    assert calls.measured.latency("seoul/gpt-4o") == 30.0

    calls.ask(0.01, "usa/gpt-4o", error=RateLimitError("later"))
    assert calls.measured.latency("usa/gpt-4o") is None
    calls.ask(5.0, "usa/gpt-4o", error=RequestTimeoutError("slow"))
    assert calls.measured.latency("usa/gpt-4o") == 5.0


def test_a_time_out_of_a_call_that_would_not_wait_says_nothing(calls):
    """Neither that the target is fast nor that it fails; that it was asked counts."""
    running = calls.begin()
    running.attempt.hurried = True
    calls.clock.now += 0.01
    running.end(error=RequestTimeoutError("slow"))

    assert calls.measured.latency("seoul/gpt-4o") is None
    assert calls.measured.minute("seoul/gpt-4o") == Minute(1, 0, 0)


def test_a_percentile_needs_enough_answers(calls):
    """It is the 95th of the last 100, in their order; before there were 20 there is none."""
    for second in range(1, 20):
        calls.ask(float(second))
    assert calls.measured.p95("seoul/gpt-4o") is None

    calls.ask(20.0)
    assert calls.measured.p95("seoul/gpt-4o") == 19.0


def test_a_percentile_forgets_what_is_long_past(calls):
    """After 100 answers of a second, the hundred slow ones before them count no more."""
    for _ in range(100):
        calls.ask(50.0)
    assert calls.measured.p95("seoul/gpt-4o") == 50.0

    for _ in range(100):
        calls.ask(1.0)
    assert calls.measured.p95("seoul/gpt-4o") == 1.0


def test_a_minute_counts_requests_tokens_and_errors(calls):
    """Sums of prompt and answer, else the total that was told; what is wrong with a request is no error of a target."""
    calls.ask(1.0, usage={"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 999})
    calls.ask(1.0, usage={"total_tokens": 100})
    calls.ask(1.0, error=RateLimitError("later"))
    calls.ask(1.0, error=BadRequestError("temperature: 9"))
    calls.begin()
    assert calls.measured.minute("seoul/gpt-4o") == Minute(5, 142, 1)

    calls.clock.now += 60.0
    assert calls.measured.minute("seoul/gpt-4o") == Minute(1, 0, 0)


def test_a_call_that_is_cancelled_is_no_longer_under_way(calls):
    """Its attempt never ends in words, and says nothing of the target."""
    running = calls.begin()
    calls.clock.now += 9.0
    running.watch.call_ended(running.route, None, KeyboardInterrupt())

    assert calls.measured.in_flight("seoul/gpt-4o") == 0
    assert calls.measured.latency("seoul/gpt-4o") is None
    assert calls.measured.minute("seoul/gpt-4o") == Minute(1, 0, 0)


def test_an_answer_from_a_cache_is_not_measured(calls):
    """Nobody was asked: such an attempt ends without having begun."""
    watch = calls.measured.call_began(Request("chat/completions", "m", {}, router_args({})))
    watch.attempt_ended(Attempt("seoul/gpt-4o", "seoul", "openai", "gpt-4o", "cache", "ok"))

    assert calls.measured.latency("seoul/gpt-4o") is None
    assert calls.measured.minute("seoul/gpt-4o") == Minute(0, 0, 0)


def test_two_attempts_of_one_call_may_be_under_way_at_once(calls):
    """A second target that is asked meanwhile is measured by its own time."""
    first = calls.begin("seoul/gpt-4o", stream=True)
    calls.clock.now += 3.0
    second = Attempt("usa/gpt-4o", "usa", "openai", "gpt-4o", "first")
    first.route.attempts.append(second)
    first.watch.attempt_began(second)
    calls.clock.now += 1.0
    second.first_content_ms = 1000.0
    first.watch.first_content(first.route)

    assert calls.measured.latency("usa/gpt-4o", stream=True) == 1.0
    assert calls.measured.latency("seoul/gpt-4o", stream=True) == 4.0
    first.watch.call_ended(first.route, None, None)
    assert calls.measured.in_flight("seoul/gpt-4o") == calls.measured.in_flight("usa/gpt-4o") == 0


def test_threads_lose_no_count(calls):
    """Eight threads with 500 attempts each: all are counted, none is left under way."""

    def work():
        for _ in range(500):
            calls.begin().end(usage={"total_tokens": 2})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls.measured.minute("seoul/gpt-4o") == Minute(4000, 8000, 0)
    assert calls.measured.in_flight("seoul/gpt-4o") == 0


def test_names_that_are_made_up_do_not_fill_the_memory(calls):
    """The targets that were not used lately are forgotten."""
    for number in range(5000):
        calls.ask(1.0, f"seoul/{number}")

    assert len(calls.measured._targets) == 4096
    assert calls.measured.latency("seoul/4999") == 1.0


def test_a_forked_child_has_no_attempt_under_way(calls):
    """It knows the latencies, and takes its own lock though a thread of the parent holds the old one."""
    calls.ask(1.0)
    calls.begin()
    with calls.measured.lock:
        child = os.fork()
        if not child:
            fine = (
                calls.measured.in_flight("seoul/gpt-4o") == 0
                and calls.measured.latency("seoul/gpt-4o") == 1.0
            )
            os._exit(0 if fine else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert calls.measured.in_flight("seoul/gpt-4o") == 1


def test_nothing_is_measured_unless_an_argument_asks(monkeypatch):
    """Without a row that says so, a client has no such observer."""
    assert module.measured(router_args({})) is None

    monkeypatch.setattr(module, "MEASURED_FOR", (lambda args: args.num_retries == 7,))
    assert module.measured(router_args({})) is None
    assert isinstance(module.measured(router_args({"num_retries": 7})), Measured)
