"""How many requests one call sends."""

from __future__ import annotations

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    AuthenticationError,
    BadRequestError,
    CallError,
    NotFoundError,
    RequestTimeoutError,
)
from genai_integrations.testing.faults import Fault

REPEATED = {
    "500": Fault.status(500),
    "429": Fault.rate_limited(None, milliseconds=1),
    "html": Fault.html(),
    "empty": Fault.empty(),
    "cut": Fault.cut(0),
    "no answer": Fault.no_answer(),
}


@pytest.mark.parametrize("retries", [0, 1, 2, 3])
def test_the_retries_asked_for_are_the_retries_sent(retries, ask, make_client, seoul, no_backoff):
    """With one target that always fails, `num_retries=N` sends exactly 1+N requests."""
    seoul.faults["*"] = Fault.status(500)
    client = make_client(seoul, num_retries=retries)

    with pytest.raises(CallError) as caught:
        ask(client)

    assert len(seoul.requests) == 1 + retries
    assert len(caught.value.route.attempts) == 1 + retries
    reasons = [each.reason for each in caught.value.route.attempts]
    assert reasons == ["first", *["retry"] * retries]


@pytest.mark.parametrize("fault", REPEATED)
def test_whatever_may_pass_is_repeated(fault, ask, make_client, seoul, no_backoff):
    """Each failure that another try can cure is repeated as often as asked, and no oftener."""
    seoul.faults["*"] = REPEATED[fault]
    client = make_client(seoul, num_retries=2)

    with pytest.raises(CallError):
        ask(client)

    assert len(seoul.requests) == 3


@pytest.mark.parametrize("fault", REPEATED)
def test_a_connection_that_was_used_before_changes_no_count(fault, make_client, seoul, no_backoff):
    """A failure on a kept-alive connection is a failure: the count is the same as on a new one."""
    client = make_client(seoul, num_retries=2)
    client.completion("gpt-4o", [{"role": "user", "content": "x"}])
    seoul.requests.clear()
    seoul.faults["*"] = REPEATED[fault]

    with pytest.raises(CallError):
        client.completion("gpt-4o", [{"role": "user", "content": "x"}])

    # A connection that closes without an answer may have been idle for too long: one more is right there.
    assert len(seoul.requests) in ((3, 4) if fault == "no answer" else (3,))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.bad_request(), BadRequestError),
        (Fault.unprocessable(), BadRequestError),
        (Fault.unauthorized(), AuthenticationError),
        (Fault.forbidden(), AuthenticationError),
        (Fault.model_not_found(), NotFoundError),
    ],
)
def test_what_stays_wrong_is_not_repeated(fault, error, ask, make_client, seoul):
    """A wrong request, key or model is asked once of a target."""
    seoul.faults["*"] = fault
    client = make_client(seoul, num_retries=3)

    with pytest.raises(error) as caught:
        ask(client)

    assert len(seoul.requests) == 1
    assert caught.value.connection == "seoul"


def test_a_target_that_recovers_answers_the_retry(ask, make_client, seoul, no_backoff):
    """One failure and a retry make a good call."""
    seoul.faults["*"] = Fault.status(503, times=2)
    client = make_client(seoul, num_retries=2)

    answer = ask(client)

    assert [each.outcome for each in answer.route.attempts] == ["ServerError", "ServerError", "ok"]


def test_the_default_is_two_retries(ask, make_client, seoul, no_backoff):
    """As with OpenAI's and LiteLLM's clients."""
    seoul.faults["*"] = Fault.status(500)

    with pytest.raises(CallError):
        ask(make_client(seoul))

    assert len(seoul.requests) == 3


def test_a_call_may_set_its_own_number(ask, make_client, seoul, no_backoff):
    """`num_retries` of one call wins over the client's and does not stay."""
    seoul.faults["*"] = Fault.status(500)
    client = make_client(seoul, num_retries=0)

    for retries in (1, None):
        seoul.requests.clear()
        with pytest.raises(CallError):
            ask(client, **({} if retries is None else {"num_retries": retries}))
        assert len(seoul.requests) == 1 + (retries or 0)


def test_retries_count_over_all_targets(ask, make_client, seoul, usa, no_backoff):
    """Each target is asked once at least, and the call makes `1 + num_retries` attempts in all."""
    seoul.faults["*"] = usa.faults["*"] = Fault.status(500)
    client = make_client(seoul, usa, num_retries=3)

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client)

    assert len(seoul.requests) + len(usa.requests) == 4
    assert len(caught.value.attempts) == 4
    # Neither is known to be better than the other, so neither is asked three times while the other rests.
    assert (len(seoul.requests), len(usa.requests)) == (2, 2)


def test_a_timeout_ends_each_attempt(ask, make_client, seoul, no_backoff):
    """A target that never answers costs one time-out per attempt."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, num_retries=1, timeout=0.2)

    with pytest.raises(RequestTimeoutError, match=r"0\.2 s"):
        ask(client)

    assert len(seoul.requests) == 2


def test_the_deadline_ends_everything(ask, make_client, seoul, usa):
    """Attempts and waits together stay within the deadline."""
    seoul.faults["*"] = usa.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, num_retries=9, timeout=30, deadline=0.3)

    with pytest.raises(RequestTimeoutError):
        ask(client)

    assert (len(seoul.requests), len(usa.requests)) == (1, 0)


def test_a_long_retry_after_beyond_the_deadline_is_not_waited_for(ask, make_client, seoul):
    """There is no use in waiting for what cannot come in time."""
    seoul.faults["*"] = Fault.rate_limited(30)
    client = make_client(seoul, num_retries=5, deadline=20)

    with pytest.raises(CallError) as caught:
        ask(client)

    assert len(seoul.requests) == 1
    assert caught.value.retry_after == 30
