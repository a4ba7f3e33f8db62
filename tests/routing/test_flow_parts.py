"""The parts of a flow that few calls have, driven by hand: kept answers, judges, another API, a gateway, limits."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from flow_support import HELLO, Call, Watch, chunk, reply

from genai_integrations.cache.memory import MemoryAnswers
from genai_integrations.calls.reply import ParsedReply, Reply
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.calls.route import CACHE, Attempt
from genai_integrations.calls.wire import Spoken
from genai_integrations.errors import (
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    ContentFilteredError,
    ServerError,
)
from genai_integrations.limits.setup import gate_of
from genai_integrations.prompts.following import PromptLink
from genai_integrations.routing.caching import NOBODY
from genai_integrations.routing.health import Health
from genai_integrations.routing.hedging import Hedging
from genai_integrations.routing.kept_answers import Recalled
from genai_integrations.routing.outages import Outage
from genai_integrations.routing.remembering import Answers
from genai_integrations.routing.steps import Ending, Opened
from genai_integrations.transports.remedies.rows import BRIDGE

BROKE = ServerError("broke", status=500)


class Memory:
    """Writes down what a flow tells it of one question."""

    looks = True

    def __init__(self):
        self.told = []

    def ended(self, *outcome):
        self.told.append(("ended", *outcome))

    def began_anew(self):
        self.told.append(("began anew",))

    def opened(self, held, rest, attempt):
        return rest

    def has_missed_one(self):
        return False


class Told(Answers):
    """Answers with one memory for all questions."""

    def memory(self, request, plan):
        memory = MEMORIES[self.exact]
        memory.request = request
        return memory


MEMORIES = {}


@pytest.fixture
def kept(parts):
    """A client that keeps answers, and what its flows tell the memory."""
    answers = Told(MemoryAnswers())
    memory = MEMORIES[answers.exact] = Memory()
    return parts(answers=answers), memory


def row(model, **params):
    return {"model_name": "m", "litellm_params": {"model": model, **params}}


def cached(target="a/m"):
    return Attempt(target, "a", "openai", "m", CACHE)


def test_a_kept_answer_stands_in_the_route(parts):
    """With its usage and the model that it names, at the prices of its target's row."""
    rows = [row("a/m", input_cost_per_token=2.0, output_cost_per_token=3.0)]
    made = parts(answers=Answers(MemoryAnswers()), model_list=rows)
    wire = {**reply("one"), "model": "m-2026"}

    answer = Call(made).run(Recalled({"reply": wire}, cached()))

    (attempt,) = answer.route.attempts
    assert (attempt.reason, attempt.outcome, attempt.answered) == ("cache", "ok", "m-2026")
    assert (attempt.prompt_tokens, sum(attempt.listed.values())) == (1, 5.0)


def test_who_waits_for_an_answer_is_told_when_it_is_there(kept):
    """Of a kept one at once; of one that others read with its end; of a new one when it is kept."""
    made, memory = kept
    Call(made).run(Recalled({"reply": reply()}, cached()))
    assert memory.told == [("ended",)]

    memory.told.clear()
    call = Call(made, stream=True)
    call.run(Recalled({}, cached(), rest=iter(())), Ending(None, None, is_whole=True))
    assert memory.told == [("ended", None, call.steps[-1].route.attempts[-1], None)]

    memory.told.clear()
    answer = reply()
    told = Call(made).run(None, NOBODY, answer, None)
    assert memory.told == [("ended", answer, told.route.attempts[-1])]


def test_a_kept_stream_is_whole(kept):
    """So it does not begin anew, unlike one that came in one piece, or that others still read."""
    made, _ = kept
    args = {"stream_recovery": "restart"}
    whole = Call(made, stream=True, args=args)
    whole.run(Recalled({"reply": reply(), "pieces": None}, cached()))
    read = Call(made, stream=True, args=args)
    read.run(Recalled({}, cached(), rest=iter(())))
    new = Call(made, stream=True, args=args)
    new.run(None, NOBODY, reply(), None)

    recovers = [call.steps[-1].recovers for call in (whole, read, new)]
    for call in (whole, read, new):
        call.flow.close()

    assert recovers == [False, True, True]


def test_a_stream_that_begins_anew_is_no_kept_one_any_more(parts, kept):
    """And the memory forgets what it noted of the first."""
    made, memory = kept
    call = Call(made, stream=True, args={"stream_recovery": "restart"})

    step = call.run(
        Recalled({}, cached("b/m"), rest=iter(())),
        Ending(None, None, ServerError("it broke")),
        Opened([chunk("anew")], iter(("rest",))),
    )

    assert step == "Hand"
    hand = call.steps[-1]
    assert (hand.held, list(hand.rest)) == ([chunk("anew")], ["rest"])
    assert hand.route.cache.status == "MISS"
    assert memory.told == [("began anew",)]
    with pytest.raises(StopIteration):
        call.flow.send(Ending(None, None, is_whole=True, tier="flex"))
    assert hand.route.attempts[-1].tier == "flex"


def test_a_stream_that_nobody_reads_to_its_end_is_told(parts):
    """What it used is estimated."""
    watch = Watch()
    call = Call(parts(observers=[watch]), stream=True)
    call.run(Opened([chunk("he")], iter(())))
    with pytest.raises(StopIteration):
        call.flow.send(Ending(None, None, text="he"))

    assert call.steps[-1].route.attempts[0].estimated
    assert watch.told[-2:] == ["attempt ended a/m ok", "call ended NoneType"]


def test_a_stream_begins_anew_as_often_as_there_are_others(parts):
    """Or as `num_retries` says, if that is more; fallbacks are others, too."""
    made = parts("a", "b", fallbacks=[{"a/m": ["b/m"]}], num_retries=0)
    made.health = Health(allowed_fails=5)
    request = chat_request("a/m", HELLO, {"stream_recovery": "restart"}, made.args, stream=True)
    call = Call(made, request=request)

    opened = Opened([chunk("he")], iter(()))
    broke = Ending(None, None, ServerError("it broke"))
    call.run(opened, broke, opened, broke)

    assert call.sent == ["a", "b"]
    assert call.asked == ["Send", "Hand", "Send", "Hand"]


def test_a_stream_that_cannot_begin_anew_says_so(parts):
    """Nobody else answers; or the client has made too many retries."""
    made = parts("a", "b")
    failed, late = ServerError("it broke"), ServerError("it broke")
    call = Call(made, stream=True, args={"stream_recovery": "restart", "num_retries": 0})
    opened = Opened([chunk("he")], iter(()))
    others = [ServerError("broke", status=500) for _ in range(2)]
    call.run(opened, Ending(None, None, failed), *others)
    made.health.retries = SimpleNamespace(deposit=lambda now: None, withdraw=lambda now: False)
    other = Call(made, stream=True, args={"stream_recovery": "restart"})
    other.run(opened, Ending(None, None, late))

    (note,) = failed.__notes__
    assert note == (
        "it could not be started again: all 2 attempts failed: ServerError: b/m: broke (HTTP 500); "
        "ServerError: a/m: broke (HTTP 500)"
    )
    assert late.__notes__ == [
        "not tried again: this client's retries have reached 20% of its calls and 10 a second"
    ]


def test_an_answer_by_meaning_needs_a_cache(parts):
    """The call says that it wants one, and none is kept."""
    made = parts()
    request = chat_request("m", HELLO, {"cache": {"semantic": True}}, made.args, stream=False)

    with pytest.raises(ConfigurationError):
        Call(made, request=request).run(reply())


def test_a_whole_answer_in_place_of_a_stream_is_handed_out_as_one(parts):
    """In one piece, and nothing follows."""
    call = Call(parts(), stream=True)

    assert call.run(reply("hello")) == "Hand"
    hand = call.steps[-1]
    held = [choice["delta"].get("content") for row in hand.held for choice in row["choices"]]
    assert "hello" in held
    assert hand.rest is None
    call.flow.close()


def test_what_a_call_may_cost_at_most_is_looked_at_without_limits(parts):
    """Nobody is asked who could cost more."""
    made = parts(model_list=[row("a/m", input_cost_per_token=1.0, output_cost_per_token=1.0)])
    params = {"max_cost": 0.5, "max_tokens": 5}
    call = Call(made, request=chat_request("m", HELLO, params, made.args, stream=False))

    assert call.run() == "Admit"
    with pytest.raises(BudgetExceededError):
        call.flow.send(call.steps[0].room.take(call.steps[0].target))


def test_waiting_for_a_limit_is_no_targets_time(parts, monkeypatch):
    """It is written down as ours."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    made = parts()
    made.gate = gate_of(
        {"*": {"rpm": 60}}, None,
        on_limit="wait", on_alert=None, limits_away="local", redis_url=None, space=None,
    )  # fmt: skip
    call = Call(made)

    assert call.run() == "Admit"
    clock.now += 2
    call.flow.send(None)
    clock.now += 3
    with pytest.raises(StopIteration) as ended:
        call.flow.send(reply())

    route = ended.value.value.route
    assert (route.ours_ms, route.attempts[0].ms) == (2000.0, 3000.0)


def test_a_stream_may_have_a_time_of_its_own(parts):
    """For its first content; a whole answer has the usual one, and so has a stream without."""
    made = parts(timeout=30, stream_timeout=3)
    whole, stream, usual = Call(made), Call(made, stream=True), Call(parts(timeout=30), stream=True)
    for call in (whole, stream, usual):
        call.run()
        call.flow.close()

    assert [call.steps[0].timeout for call in (whole, stream, usual)] == [30, 3, 30]


def test_what_is_on_trial_is_not_hedged(parts):
    """It is to show how slow it is; any other is."""
    made = parts("a", "b", hedge_after=0.1)
    made.hedging = Hedging(0.1, None)
    usual = Call(made)
    usual.run()
    plan = made.planner.plan
    made.planner = SimpleNamespace(
        plan=lambda *given: dataclasses.replace(plan(*given), trial=frozenset({"a/m"}))
    )
    on_trial = Call(made)
    on_trial.run()
    for call in (usual, on_trial):
        call.flow.close()

    assert (usual.asked, on_trial.asked) == (["Begin"], ["Send"])


def test_the_route_says_what_an_experiment_gave(parts):
    """As the plan has it."""
    made, assignment = parts(), object()
    plan = made.planner.plan
    made.planner = SimpleNamespace(
        plan=lambda *given: dataclasses.replace(plan(*given), assignment=assignment)
    )

    assert Call(made).run(reply()).route.assignment is assignment


def test_who_is_out_is_not_asked(parts):
    """In a rehearsal: the failure is written down as one, and the next target is asked."""
    made = parts("a", "b")
    Call(made).run(reply())
    with Outage(made, "a"):
        answer = Call(made).run(reply())

    assert [(row.target, row.rehearsed) for row in answer.route.attempts] == [
        ("a/m", True),
        ("b/m", False),
    ]


def test_a_cascade_says_how_long_its_models_may_take(parts):
    """And what each is asked; its judge looks at those that it names."""
    made, asked = parts("a", "b"), []
    cascade = SimpleNamespace(
        asked=lambda target, request, timeout, ends: (asked.append(target.name), (request, 7.0))[1],
        judged=("a/m",),
        judge=lambda route: lambda request, wire: None,
    )
    plan = made.planner.plan
    made.planner = SimpleNamespace(
        plan=lambda *given: dataclasses.replace(plan(*given), cascade=cascade)
    )
    call = Call(made)
    answer = call.run(reply("good"), None)
    other = Call(made)
    other.run(BROKE, reply())

    assert (call.asked, asked) == (["Send", "Judge"], ["a/m", "a/m", "b/m"])
    assert (call.steps[0].timeout, call.steps[1].may_block) == (7.0, True)
    assert answer.text == "good"
    assert other.asked == ["Send", "Send"]


def test_a_prompt_follows_the_model_that_is_asked(parts, monkeypatch):
    """Finding its version is our own time; a call without a prompt asks for none."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    link = PromptLink({"name": "greeting", "version": 1})
    link.followed = SimpleNamespace(
        labels_for=lambda asked, model: ["openai"],
        prompts=None,
        prompt=SimpleNamespace(name="greeting"),
    )
    made = parts()
    request = chat_request("m", HELLO, {"langfuse_prompt": link}, made.args, stream=False)
    call = Call(made, request=request)

    assert call.run() == "FindPrompt"
    clock.now += 2
    call.flow.send(None)
    with pytest.raises(StopIteration) as ended:
        call.flow.send(reply())
    assert ended.value.value.route.ours_ms == 2000.0


def test_no_judge_sees_an_attempt_that_failed(parts):
    """There is no answer to look at; a judge of ours may not block."""
    made = parts("a", "b")
    call = Call(made, request=embedding_request("m", "text", {}, made.args))

    assert call.run(BROKE, {"data": [{"embedding": [0.1]}]}) == "Judge"
    assert call.asked == ["Send", "Send", "Judge"]
    assert call.steps[-1].may_block is False
    call.flow.close()


def test_an_answer_that_is_refused_names_its_model_all_the_same(parts):
    """It is paid for."""
    made = parts("a", "b", content_policy_fallbacks=[{"m": ["b/m"]}])
    call = Call(made)
    wire = {**reply("so", "content_filter"), "model": "m-2026"}

    answer = call.run(wire, ContentFilteredError("no"), reply(), None)

    assert [row.answered for row in answer.route.attempts] == ["m-2026", None]
    assert answer.route.attempts[0].prompt_tokens == 1


def test_openais_newer_api_is_spoken_by_the_same_connection_each_time(parts):
    """So that its key is opened once; anew where the connection was read anew."""
    made = parts()
    connection = made.registry.peek().by_name["a"]

    def asked():
        call = Call(made)
        (target,) = made.planner.plan(call.request, made.registry.peek()).targets
        made.learnt.note(target, (BRIDGE,))
        call.run()
        call.flow.close()
        return call.steps[0].call.connection

    first, second = asked(), asked()
    assert (first.name, first.dialect, connection.dialect) == ("a", "responses", None)
    assert second is first
    made.bridged.put("a", (dataclasses.replace(connection, api_version="old"), connection))
    third = asked()
    assert (third is first, third.dialect, third.api_version) == (False, "responses", None)
    assert asked() is third


def test_a_plain_request_is_sent_as_it_is(parts):
    """No other API, no trace, no times; in the caller's own words, and with headers that the target understands."""
    watch = Watch()
    watch.carried = lambda: {"traceparent": "00-1"}
    made = parts(observers=[watch])
    spoken = Spoken("anthropic", {})
    headers = {"anthropic-beta": "files", "x-team": "blue"}
    request = chat_request(
        "m", HELLO, {"spoken": spoken, "extra_headers": headers}, made.args, stream=False
    )
    call = Call(made, request=request)
    call.run()
    call.flow.close()

    sent = call.steps[0].call
    assert (sent.connection.dialect, sent.times, sent.spoken) == (None, None, spoken)
    assert sent.headers == {"x-team": "blue"}


def test_a_rows_own_key_is_not_read_again(parts):
    """The store has none of it."""
    made = parts(model_list=[{**row("openai/x", api_key="sk-row"), "model_info": {"id": "own"}}])
    call = Call(made)

    with pytest.raises(AuthenticationError):
        call.run(AuthenticationError("wrong key", status=401))
    assert call.asked == ["Send"]


def test_a_reply_is_put_together_if_anybody_looks_at_it(parts):
    """Though others do not."""
    watches = [Watch(), Watch()]
    watches[0].wants_reply, watches[1].wants_reply = False, True
    call = Call(parts(observers=watches), stream=True)
    call.run(Opened([chunk("he")], iter(())))
    call.flow.close()

    assert call.steps[-1].assemble is True


def test_a_stream_that_broke_is_paid_for_by_what_it_used(parts):
    """Before another begins: what was set aside for the longest answer of both would be beyond `max_cost`."""
    prices = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.1}
    made = parts(
        "a", "b", model_list=[row("a/m", order=1, **prices), row("b/m", order=2, **prices)]
    )
    params = {"max_cost": 0.7, "max_tokens": 5, "stream_recovery": "restart"}
    call = Call(made, request=chat_request("m", HELLO, params, made.args, stream=True))

    def sent(outcome):
        step = call.flow.send(outcome)
        while type(step).__name__ == "Admit":
            step = call.flow.send(step.room.take(step.target))
        return step

    opened, used = Opened([chunk("he")], iter(())), {"prompt_tokens": 1, "completion_tokens": 1}
    assert sent(None).call.connection.name == "a"
    assert sent(opened).held == opened.held
    assert sent(Ending(used, None, ServerError("it broke"))).call.connection.name == "b"
    call.flow.close()


def test_a_whole_answer_may_take_the_place_of_a_stream_that_broke(parts):
    """Handed out in one piece."""
    call = Call(parts("a", "b"), stream=True, args={"stream_recovery": "restart"})
    opened = Opened([chunk("he")], iter(()))

    step = call.run(opened, Ending(None, None, ServerError("it broke")), reply("whole"))

    held = [
        choice["delta"].get("content") for row in call.steps[-1].held for choice in row["choices"]
    ]
    assert (step, call.steps[-1].rest) == ("Hand", None)
    assert "whole" in held
    call.flow.close()


def test_only_who_asked_for_an_object_gets_one(parts):
    """A plain reply is a plain one."""
    made = parts()
    plain = Call(made).run(reply("5"))
    request = dataclasses.replace(chat_request("m", HELLO, {}, made.args, stream=False), parse=int)
    parsed = Call(made, request=request).run(reply("5"))

    assert (type(plain), type(parsed)) == (Reply, ParsedReply)


def test_a_key_that_was_refused_is_not_read_again_for_a_second(parts, monkeypatch):
    """It is from then on, to the moment."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    made = parts()

    def asked():
        call = Call(made)
        with pytest.raises(AuthenticationError):
            call.run(AuthenticationError("wrong key", status=401), made.registry.peek(), None, None)
        return call.asked

    first = asked()
    clock.now = 100.9
    second = asked()
    clock.now = 101.0
    third = asked()

    assert (first, second, third) == (["Send", "Load"], ["Send"], ["Send", "Load"])
