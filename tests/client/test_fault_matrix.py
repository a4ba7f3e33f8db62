"""Every fault, in every way to call, with a healthy second target."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    InvalidReplyError,
    ServerError,
    StreamInterruptedError,
)
from genai_integrations.testing.faults import Fault


@dataclass(frozen=True)
class Row:
    """A fault and the class of error that the route must show for it."""

    fault: Fault | None
    whole: str
    streamed: str


REFUSED = Row(None, "APIConnectionError", "APIConnectionError")
MATRIX = {
    "500": Row(Fault.status(500), "ServerError", "ServerError"),
    "429": Row(Fault.rate_limited(30), "RateLimitError", "RateLimitError"),
    "401": Row(Fault.unauthorized(), "AuthenticationError", "AuthenticationError"),
    "404": Row(Fault.model_not_found(), "NotFoundError", "NotFoundError"),
    "refused": REFUSED,
    "hang": Row(Fault.hang(), "RequestTimeoutError", "RequestTimeoutError"),
    "html": Row(Fault.html(), "InvalidReplyError", "InvalidReplyError"),
    "empty": Row(Fault.empty(), "InvalidReplyError", "InvalidReplyError"),
    "error event": Row(Fault.error_event(2), "ServerError", "StreamInterruptedError"),
    "cut": Row(Fault.cut(2), "APIConnectionError", "StreamInterruptedError"),
}
WAYS = {
    "one name": ("gpt-4o", {}),
    "fallbacks": ("seoul/gpt-4o", {"fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}]}),
}


@pytest.fixture
def client_of(make_client, connect, seoul, usa):
    def client_of(row, **router_args):
        timeout = 0.5 if row.fault and row.fault.kind in ("hang", "stall") else 30
        first = connect(seoul)
        if row is REFUSED:
            first = connect(f"{seoul.refused_url()}/v1", name="seoul")
        else:
            seoul.faults["*"] = row.fault
        return make_client(first, usa, timeout=timeout, **router_args)

    return client_of


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", MATRIX)
def test_a_fault_of_the_first_target_is_made_good_by_the_second(
    fault, way, mode, ask, client_of, seoul, usa
):
    """The user gets the healthy target's answer; only a stream that had shown content tells of the break."""
    row = MATRIX[fault]
    model, router_args = WAYS[way]
    client = client_of(row, **router_args)

    if "stream" in mode and row.streamed == "StreamInterruptedError":
        with pytest.raises(StreamInterruptedError) as caught:
            ask(client, model)

        assert caught.value.partial_text == "seoul says:"
        assert [each.outcome for each in caught.value.route.attempts] == [row.streamed]
        assert (caught.value.connection, caught.value.model) == ("seoul", "gpt-4o")
        assert not usa.requests
        return

    answer = ask(client, model)

    assert answer.text == "usa says: one two three four"
    assert answer.usage.prompt_tokens == 4
    expected = row.streamed if "stream" in mode else row.whole
    assert [each.outcome for each in answer.route.attempts] == [expected, "ok"]
    reason = "failover" if way == "one name" else "fallback"
    assert [each.reason for each in answer.route.attempts] == ["first", reason]
    assert answer.route.served == "usa/gpt-4o"
    assert len(seoul.requests) == (0 if row is REFUSED else 1)
    assert len(usa.requests) == 1


BEFORE_CONTENT = {
    "error event": Fault.error_event(0),
    "cut": Fault.cut(0),
    "truncated": Fault.truncated(0),
    "stall": Fault.stall(0),
    "wrong json": Fault.wrong_json(),
    "no answer": Fault.no_answer(),
    "reset": Fault.no_answer(reset=True),
    "redirect": Fault.redirect(),
    "503": Fault.status(503),
    "402": Fault.status(402),
    "403": Fault.forbidden(),
    "408": Fault.status(408),
    "409": Fault.status(409),
}


@pytest.mark.parametrize("fault", BEFORE_CONTENT)
def test_what_breaks_before_the_first_content_falls_over(fault, mode, ask, client_of, usa, seoul):
    """Until content has been shown, every break leads to the next target."""
    client = client_of(Row(BEFORE_CONTENT[fault], "", ""))

    answer = ask(client)

    assert answer.text == "usa says: one two three four"
    assert len(answer.route.attempts) == 2
    assert (len(seoul.requests), len(usa.requests)) == (1, 1)


AFTER_CONTENT = {
    "error event": Fault.error_event(3),
    "cut": Fault.cut(3),
    "truncated": Fault.truncated(3),
    "stall": Fault.stall(3),
}


@pytest.mark.parametrize("fault", AFTER_CONTENT)
@pytest.mark.parametrize("mode", ["stream", "async stream"], indirect=True)
def test_a_stream_that_breaks_says_exactly_what_had_come(fault, mode, ask, client_of, seoul, usa):
    """The partial text is what the user has seen, and the target counts as failed for the next call."""
    client = client_of(Row(AFTER_CONTENT[fault], "", ""))

    with pytest.raises(StreamInterruptedError) as caught:
        ask(client)

    assert caught.value.partial_text == "seoul says: one"
    assert caught.value.route.served is None
    assert not usa.requests
    assert ask(client).text.startswith("usa")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_raised_at_once(status, ask, client_of, seoul, usa):
    """A request that is wrong is wrong everywhere: no other target and no second try."""
    client = client_of(Row(Fault.status(status), "", ""), num_retries=3)

    with pytest.raises(BadRequestError) as caught:
        ask(client)

    assert caught.value.status == status
    assert (len(seoul.requests), len(usa.requests)) == (1, 0)


@pytest.mark.parametrize("cooldown", [0, 5])
def test_one_dead_of_two_targets_is_not_noticed(cooldown, make_client, connect, seoul, usa):
    """Of 200 calls none fails, whether the dead target is left alone or tried each time."""
    seoul.faults["*"] = Fault.status(500)
    client = make_client(seoul, usa, cooldown_time=cooldown)

    replies = [client.completion("gpt-4o", [{"role": "user", "content": "x"}]) for _ in range(200)]

    assert {reply.route.served for reply in replies} == {"usa/gpt-4o"}
    assert len(usa.requests) == 200


@pytest.mark.parametrize("strategy", ["ordered", "simple-shuffle"])
def test_one_dead_of_two_targets_is_not_noticed_by_threads(strategy, make_client, seoul, usa):
    """Nor does it matter that many threads learn of it at the same time."""
    seoul.faults["*"] = Fault.no_answer()
    client = make_client(seoul, usa, routing_strategy=strategy, num_retries=0)
    served = []

    def call():
        for _ in range(20):
            reply = client.completion("gpt-4o", [{"role": "user", "content": "x"}])
            served.append(reply.route.served)

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert served == ["usa/gpt-4o"] * 200


def test_when_both_are_dead_the_error_has_both(ask, make_client, seoul, usa):
    """The last word names every target with its own error."""
    seoul.faults["*"], usa.faults["*"] = Fault.status(503), Fault.html()
    client = make_client(seoul, usa, num_retries=0)

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client)

    assert [type(each) for each in caught.value.attempts] == [ServerError, InvalidReplyError]
    assert [each.target for each in caught.value.route.attempts] == ["seoul/gpt-4o", "usa/gpt-4o"]
    assert "seoul/gpt-4o" in str(caught.value)
    assert "usa/gpt-4o" in str(caught.value)
    assert "\n" not in str(caught.value)
