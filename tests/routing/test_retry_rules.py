"""Which errors are followed by another request, to the same target or to another. No I/O, no real time."""

from __future__ import annotations

import pytest

from genai_integrations.errors import (
    AuthenticationError,
    BadRequestError,
    DecryptionError,
    NotFoundError,
    OutOfCreditError,
    ServerError,
)
from genai_integrations.routing.health import Health
from genai_integrations.routing.retry_rules import backoff, is_repeatable


def told(error, should_retry):
    error.should_retry = should_retry
    return error


NO_CREDIT = {
    "402": lambda: OutOfCreditError("pay", status=402),
    "400": lambda: OutOfCreditError("pay", status=400),
    "event": lambda: OutOfCreditError("pay"),
    "against its header": lambda: told(OutOfCreditError("pay", status=402), should_retry=True),
}


@pytest.mark.parametrize("error", NO_CREDIT.values(), ids=NO_CREDIT)
def test_an_empty_account_is_asked_once(error, drive, plan_of):
    """No retry fills it; and the error raised is the provider's own."""
    first = error()
    driver = drive({"a/m": first})

    assert driver.run(plan_of("a"), num_retries=5) is first
    assert driver.tried == ["a/m"]


@pytest.mark.parametrize("error", NO_CREDIT.values(), ids=NO_CREDIT)
def test_an_empty_account_is_left_alone_for_a_minute(error, clock, drive, plan_of):
    """From its first answer on, whatever failures are allowed, and the next target is asked."""
    health = Health(allowed_fails=9, clock=clock)
    driver = drive({"a/m": error()}, health=health)

    assert driver.run(plan_of("a", "b")) is None
    assert driver.tried == ["a/m", "b/m"]
    assert health.free_at("a/m") == 1060.0


def test_an_empty_account_that_says_when_is_left_alone_until_then(drive, plan_of, health):
    """If that is later than in a minute."""
    driver = drive(
        {
            "a/m": OutOfCreditError("pay", status=402, retry_after=90.0),
            "b/m": OutOfCreditError("pay", status=402, retry_after=5.0),
        }
    )
    driver.run(plan_of("a", "b"), num_retries=0)

    assert health.free_at("a/m") == 1090.0
    assert health.free_at("b/m") == 1060.0


def test_a_server_that_says_not_to_retry_is_obeyed(drive, plan_of):
    """`x-should-retry: false` on what is usually repeated; another target is asked all the same."""
    error = told(ServerError("broke", status=500), should_retry=False)
    driver = drive({"a/m": error})
    assert driver.run(plan_of("a"), num_retries=3) is error
    assert driver.tried == ["a/m"]

    driver = drive({"a/m": error})
    assert driver.run(plan_of("a", "b"), num_retries=3) is None


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("lock", status=400),
        AuthenticationError("not yet", status=403),
        NotFoundError("not yet", status=404),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_says_to_retry_is_asked_again(error, drive, plan_of):
    """`x-should-retry: true` on what is usually final."""
    again = type(error)(str(error), status=error.status)
    driver = drive({"a/m": [told(again, should_retry=True), None]})

    assert driver.run(plan_of("a")) is None
    assert driver.tried == ["a/m", "a/m"]
    assert driver.waits == [0.5]


def test_what_a_server_says_does_not_widen_the_users_set(drive, plan_of):
    """An error outside `fallback_on` is raised at once."""
    error = told(BadRequestError("lock", status=400), should_retry=True)
    driver = drive({"a/m": error})

    assert driver.run(plan_of("a"), fallback_on=[429], num_retries=3) is error
    assert driver.tried == ["a/m"]


def test_a_server_that_says_nothing_leaves_the_usual(drive):
    """`should_retry` is None then."""
    assert ServerError("broke").should_retry is None
    assert is_repeatable(ServerError("broke"))
    assert not is_repeatable(BadRequestError("no"))
    assert not is_repeatable(DecryptionError("no"))
    assert not is_repeatable(None)


def test_backoff_doubles_up_to_eight_seconds():
    """From half a second on."""
    assert [backoff(waits) for waits in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
