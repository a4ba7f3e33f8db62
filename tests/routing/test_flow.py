"""The flow of a call, driven by hand: which steps it asks for, in which order, and what it makes of their outcomes."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from flow_support import HELLO, Call, Watch, chunk, reply

from genai_integrations.cache.memory import MemoryAnswers
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContextWindowExceededError,
    CredentialStoreError,
    InvalidReplyError,
    RequestTimeoutError,
    ServerError,
    StreamInterruptedError,
    UnknownModelError,
)
from genai_integrations.routing.caching import NOBODY
from genai_integrations.routing.kept_answers import Recalled
from genai_integrations.routing.remembering import Answers
from genai_integrations.routing.steps import Ending, Opened


def test_a_plain_call_is_one_step(parts):
    """What is off adds no step."""
    call = Call(parts())

    answer = call.run(reply("hello"))

    assert call.asked == ["Send"]
    assert answer.choices[0].message.content == "hello"
    assert [(row.target, row.outcome) for row in answer.route.attempts] == [("a/m", "ok")]


def test_connections_that_are_not_known_are_read_first(parts):
    """The step says until when the caller waits."""
    made = parts(known=False)
    call = Call(made, args={"deadline": 5})

    answer = call.run(parts().registry.peek(), reply())

    assert call.asked == ["Load", "Send"]
    assert call.steps[0].refused is None
    assert call.steps[0].ends is not None
    assert answer.route.served == "a/m"


def test_connections_that_cannot_be_read_end_the_call(parts):
    """With the store's own error, and whoever watches hears of it."""
    watch = Watch()
    call = Call(parts(known=False, observers=[watch]))

    with pytest.raises(CredentialStoreError, match="away"):
        call.run(CredentialStoreError("away"))

    assert watch.told == ["call began", "call ended CredentialStoreError"]


def test_a_name_that_nobody_serves_asks_nobody(parts):
    """The plan fails before the first attempt."""
    made = parts()
    request = chat_request("gtp", HELLO, {}, made.args, stream=False)

    with pytest.raises(UnknownModelError):
        Call(made, request=request).run()


def test_what_is_heavy_is_loaded_before_an_attempts_clock_starts(parts):
    """An import is not the provider's time."""
    call = Call(parts(ready=False))

    call.run(None, reply())

    assert call.asked == ["Prepare", "Send"]


def test_what_cannot_be_loaded_in_time_is_an_attempt_that_failed(parts):
    """Another target may need nothing to be loaded."""
    call = Call(parts("a", "b", ready=False))

    answer = call.run(RequestTimeoutError("too slow"), None, reply())

    assert call.asked == ["Prepare", "Prepare", "Send"]
    assert [row.outcome for row in answer.route.attempts] == ["RequestTimeoutError", "ok"]


def test_a_failure_goes_to_the_next_target(parts):
    """Until one answers; the route has them all."""
    call = Call(parts("a", "b"))

    answer = call.run(ServerError("down"), reply())

    assert call.sent == ["a", "b"]
    assert str(answer.route).startswith("a/m ServerError")
    assert answer.route.served == "b/m"


def test_a_refusal_of_the_request_is_raised_with_the_route(parts):
    """No other target is asked."""
    call = Call(parts("a", "b"))

    with pytest.raises(BadRequestError) as caught:
        call.run(BadRequestError("no"))

    assert call.sent == ["a"]
    assert [row.target for row in caught.value.route.attempts] == ["a/m"]
    assert (caught.value.connection, caught.value.model) == ("a", "m")


def test_a_refused_key_is_read_again_and_tried_once_more(parts):
    """The step says whose key was refused, so that another one is looked for."""
    made, later = parts(keys={"a": "old"}), parts(keys={"a": "new"})
    newer = later.registry.peek()
    call = Call(made)

    answer = call.run(AuthenticationError("no"), newer, reply())

    assert call.asked == ["Send", "Load", "Send"]
    assert call.steps[1].refused is made.registry.peek().by_name["a"]
    assert [row.reason for row in answer.route.attempts] == ["first", "new key"]


@pytest.mark.parametrize("found", ["the same", "nothing", "an error"])
def test_a_key_that_is_the_same_is_not_tried_again(found, parts):
    """Nor one that is gone, nor one that cannot be read; and it is not read again for a second."""
    made = parts(keys={"a": "old"}, num_retries=0)
    outcomes = {
        "the same": parts(keys={"a": "old"}).registry.peek(),
        "nothing": parts("b").registry.peek(),
        "an error": CredentialStoreError("away"),
    }
    first, second = Call(made), Call(made)

    with pytest.raises(AuthenticationError):
        first.run(AuthenticationError("no"), outcomes[found])
    with pytest.raises(AuthenticationError):
        second.run(AuthenticationError("no"))

    assert first.asked == ["Send", "Load"]
    assert second.asked == ["Send"]


def test_answers_are_recalled_and_kept_where_there_is_a_store(parts):
    """Before anybody is asked, and after somebody has answered."""
    made = parts(answers=Answers(MemoryAnswers()))
    first, second = Call(made), Call(made)

    first.run(None, NOBODY, reply("one"), None)
    kept = first.steps[-1]
    answer = second.run(Recalled({"reply": kept.reply}, kept.attempt))

    assert first.asked == ["Recall", "Follow", "Send", "Keep"]
    assert kept.attempt.target == "a/m"
    assert second.asked == ["Recall"]
    assert answer.choices[0].message.content == "one"


@pytest.mark.parametrize("wants_reply", [True, False])
def test_a_reply_is_put_together_for_who_looks_at_it(parts, wants_reply):
    """Of a stream that only such watch as look at no reply, none is made."""
    watch = Watch()
    watch.wants_reply = wants_reply
    call = Call(parts(observers=[watch]), stream=True)

    assert call.run(Opened([chunk("he")], iter(()))) == "Hand"
    assert call.steps[-1].assemble is wants_reply
    call.flow.close()


def test_a_stream_is_handed_out_and_its_end_is_noted(parts):
    """The flow waits for that; usage stands on the attempt then."""
    watch = Watch()
    made = parts(observers=[watch])
    call = Call(made, stream=True)
    opened = Opened([chunk("he")], iter(()))

    assert call.run(opened) == "Hand"
    hand = call.steps[-1]
    with pytest.raises(StopIteration):
        call.flow.send(Ending({"prompt_tokens": 7}, reply("hello"), is_whole=True))

    assert (hand.held, hand.rest, hand.assemble) == (opened.held, opened.rest, True)
    assert hand.route.attempts[0].prompt_tokens == 7
    assert watch.told == [
        "call began",
        "attempt began a/m",
        "first content",
        "attempt ended a/m ok",
        "call ended NoneType",
    ]


def test_a_whole_stream_is_kept(parts):
    """One that broke or was left is not."""
    made = parts(answers=Answers(MemoryAnswers()))
    asked = {}
    for name, ending in {
        "whole": Ending(None, reply(), is_whole=True),
        "left": Ending(None, reply()),
        "broken": Ending(None, reply(), StreamInterruptedError("it broke")),
    }.items():
        call = Call(made, stream=True)
        call.run(None, NOBODY, Opened([chunk("he")], (row for row in ())), ending, None)
        asked[name] = call.asked

    assert asked == {
        "whole": ["Recall", "Follow", "Send", "Hand", "Keep"],
        "left": ["Recall", "Follow", "Send", "Hand"],
        "broken": ["Recall", "Follow", "Send", "Hand"],
    }


def test_a_stream_that_broke_counts_against_its_target(parts):
    """The next call goes elsewhere first."""
    made = parts("a", "b")
    call = Call(made, stream=True)
    call.run(Opened([chunk("he")], iter(())), Ending(None, None, StreamInterruptedError("it")))

    following = Call(made)
    following.run(reply())

    assert following.sent == ["b"]


def test_a_filtered_answer_is_judged_where_it_may_go_elsewhere(parts):
    """A stream that is refused is closed; what it cost stands on its attempt."""
    made = parts("a", "b", content_policy_fallbacks=[{"m": ["b/m"]}])
    whole, streamed = Call(made), Call(made, stream=True)
    filtered = Opened([{**chunk(None, "content_filter"), "usage": {"prompt_tokens": 3}}], iter(()))

    answer = whole.run(
        reply(finish="content_filter"), ContentFilteredError("filtered"), reply(), None
    )
    streamed.run(filtered, ContentFilteredError("filtered"), None, Opened([chunk("x")], iter(())))

    assert whole.asked == ["Send", "Judge", "Send", "Judge"]
    assert [row.completion_tokens for row in answer.route.attempts] == [1, 1]
    assert streamed.asked[:4] == ["Send", "Judge", "Drop", "Send"]
    assert streamed.steps[2].stream is filtered


def test_vectors_are_counted(parts):
    """A wrong number of them is a failed attempt."""
    made = parts("a", "b")
    call = Call(made, request=embedding_request("m", ["x", "y"], {}, made.args))
    good = {"data": [{"embedding": [1.0]}] * 2}

    call.run({"data": [{"embedding": [1.0]}]}, InvalidReplyError("1 for 2"), good, None)

    assert call.asked == ["Send", "Judge", "Send", "Judge"]
    assert call.sent == ["a", "b"]


def test_what_ends_a_call_from_outside_is_told_once(parts):
    """Ctrl-C or a cancellation, thrown in where the flow waits."""
    watch = Watch()
    call = Call(parts(observers=[watch]))
    call.run()

    with pytest.raises(KeyboardInterrupt):
        call.flow.throw(KeyboardInterrupt())

    assert watch.told == ["call began", "attempt began a/m", "call ended KeyboardInterrupt"]


def test_several_observers_hear_the_same(parts):
    """None knows of another, and one that does not care for the call is not told more of it."""

    class Deaf(Watch):
        def call_began(self, request):
            super().call_began(request)

    one, other, deaf = Watch(), Watch(), Deaf()
    Call(parts(observers=[one, deaf, other])).run(reply())

    assert one.told == other.told
    assert one.told[1:3] == ["attempt began a/m", "attempt ended a/m ok"]
    assert deaf.told == ["call began"]


def test_only_the_name_itself_where_fallbacks_are_disabled(parts):
    """LiteLLM's `disable_fallbacks`."""
    made = parts("a", "b", fallbacks=[{"a/m": ["b/m"]}], num_retries=0)
    request = chat_request("a/m", HELLO, {}, made.args, stream=False)
    call = Call(made, request=dataclasses.replace(request, disable_fallbacks=True))

    with pytest.raises(ServerError):
        call.run(ServerError("down"))

    assert call.sent == ["a"]


def test_no_fallback_takes_the_place_of_targets_that_are_too_small(parts):
    """Where fallbacks are disabled: the call says so, instead of going elsewhere."""
    given = {"a/m": {"max_input_tokens": 10}}
    made = parts("a", "b", capabilities=given, context_window_fallbacks=[{"a/m": ["b/m"]}])
    long = [{"role": "user", "content": "word " * 100}]
    request = chat_request("a/m", long, {}, made.args, stream=False)
    call = Call(made, request=dataclasses.replace(request, disable_fallbacks=True))

    with pytest.raises(ContextWindowExceededError):
        call.run()


@pytest.mark.parametrize(("params", "answers"), [({}, 1), ({"n": 3}, 3)])
def test_a_stream_is_whole_with_so_many_answers(params, answers, parts):
    """As many as were asked for, which is one if nothing is said."""
    call = Call(parts(), stream=True, **params)

    call.run(Opened([chunk("he")], iter(())))

    assert call.steps[-1].answers == answers


def test_the_error_of_a_stream_that_broke_says_where(parts):
    """Whose stream it was, and every attempt."""
    made = parts()
    call, broke = Call(made, stream=True), StreamInterruptedError("it broke")

    call.run(Opened([chunk("he")], iter(())), Ending(None, None, broke))

    assert (broke.provider, broke.connection, broke.model) == ("openai", "a", "m")
    assert [row.error for row in broke.route.attempts] == [broke]


def test_times_are_milliseconds(parts, monkeypatch):
    """From the call's start to the attempt's, from there to the first content and to the end."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    known = parts().registry.peek()
    call = Call(parts(known=False), stream=True)

    call.run()
    clock.now = 100.5
    call.flow.send(known)
    clock.now = 102.5
    hand = call.flow.send(Opened([chunk("he")], iter(())))
    clock.now = 104.5
    with pytest.raises(StopIteration):
        call.flow.send(Ending(None, None, is_whole=True))

    (attempt,) = hand.route.attempts
    assert (attempt.began_ms, attempt.first_content_ms, attempt.ms) == (500.0, 2000.0, 4000.0)


def test_an_observer_that_is_not_ready_is_made_ready_first(parts, monkeypatch):
    """That is our own time, from the first of them on; without any there is none."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    one, other = Watch(), Watch()
    one.is_ready = other.is_ready = False
    call = Call(parts(observers=[Watch(), one, other]))

    assert call.run() == "Ready"
    clock.now = 100.25
    call.flow.send(None)
    clock.now = 100.5
    call.flow.send(None)
    with pytest.raises(StopIteration) as ended:
        call.flow.send(reply())
    plain = Call(parts()).run(reply())

    assert call.steps[0].observer is one
    assert ended.value.value.route.ours_ms == 500.0
    assert plain.route.ours_ms == 0.0


def test_the_route_says_why_its_first_target_is_the_first(parts):
    """The plan's reason, else the target's own."""
    plain = Call(parts("a", "b")).run(reply())
    led = Call(parts("a", "b", routing_strategy="simple-shuffle")).run(reply())

    assert plain.route.why == "lists it"
    assert led.route.why == "simple-shuffle: 50% of the weight"
