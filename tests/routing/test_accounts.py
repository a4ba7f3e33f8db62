"""Empty accounts, and refusals of targets after the first. No I/O, no real time."""

from __future__ import annotations

import pytest

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    ContentFilteredError,
    ContextWindowExceededError,
    DecryptionError,
    OutOfCreditError,
    RateLimitError,
)
from genai_integrations.routing.accounts import Accounts
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.runtime.secret import Secret

TOO_LONG = ContextWindowExceededError("too long", status=400)
BUSY = RateLimitError("busy", status=429)


def at(name, key, model="m"):
    """A target at a connection with this key."""
    return Target(Deployment(Connection.of(name, "openai", key), model))


def test_an_empty_account_is_empty_for_every_connection_with_its_key(drive, health):
    """The next call goes to another account first, whatever the connections and models are called."""
    drive({"a/m": OutOfCreditError("pay", status=402)}).run(
        Plan([at("a", "sk-1"), at("c", "sk-2")])
    )

    driver = drive()
    assert driver.run(Plan([at("b", "sk-1", "n"), at("c", "sk-2")])) is None
    assert driver.tried == ["c/m"]


def test_within_one_call_too(drive, health):
    """The call that has found it out asks the other account before another model of the same."""
    driver = drive({"a/m": OutOfCreditError("pay", status=402)})

    assert driver.run(Plan([at("a", "sk-1"), at("b", "sk-1"), at("c", "sk-2")])) is None
    assert driver.tried == ["a/m", "c/m"]


def test_with_nowhere_else_to_go_it_is_asked(drive, health):
    """It may have been filled; and a success tells that it was."""
    drive({"a/m": OutOfCreditError("pay", status=402)}).run(Plan([at("a", "sk-1")]))

    assert drive().run(Plan([at("b", "sk-1")])) is None
    assert health.accounts.free_at(Connection.of("c", "openai", "sk-1")) == 0.0


def test_an_account_is_left_alone_for_a_minute_or_as_long_as_it_says(drive, clock, health):
    """At most an hour, as any target."""
    drive({"a/m": OutOfCreditError("pay", status=402)}).run(Plan([at("a", "sk-1")]))
    drive({"b/m": OutOfCreditError("pay", retry_after=1e9)}).run(Plan([at("b", "sk-2")]))

    assert health.accounts.free_at(Connection.of("x", "openai", "sk-1")) == 1060.0
    assert health.accounts.free_at(Connection.of("x", "openai", "sk-2")) == 4600.0
    clock.now = 1060.0
    assert health.accounts.free_at(Connection.of("x", "openai", "sk-1")) == 0.0


@pytest.mark.parametrize("key", ["", "EMPTY", "none", "Ollama"])
def test_a_placeholder_is_no_account(key, clock):
    """Local servers of different owners are told the same word."""
    accounts = Accounts(clock)
    accounts.emptied(Connection.of("a", "openai", key), 60.0)

    assert accounts.free_at(Connection.of("a", "openai", key)) == 0.0


def test_a_key_that_cannot_be_had_is_no_account(clock):
    """It is not raised here: whoever sends the request raises it."""

    def refuse():
        raise DecryptionError("no")

    accounts = Accounts(clock)
    accounts.emptied(Connection.of("a", "openai", "sk-1"), 60.0)
    broken = Connection("b", at("a", "k").connection.provider, Secret.lazy(refuse))

    assert accounts.free_at(broken) == 0.0


def test_while_no_account_is_empty_no_key_is_looked_at(drive, clock, health):
    """Keys are decrypted when they are looked at, which takes time."""

    def refuse():
        raise AssertionError

    target = Target(
        Deployment(Connection("a", at("a", "k").connection.provider, Secret.lazy(refuse)), "m")
    )

    assert drive().run(Plan([target])) is None


def test_nothing_of_a_key_is_kept(clock):
    """Only a keyed hash."""
    accounts = Accounts(clock)
    accounts.emptied(Connection.of("a", "openai", "sk-canary"), 60.0)

    assert b"sk-canary" not in b"".join(accounts._empty._entries)


@pytest.mark.parametrize("refusal", [TOO_LONG, BadRequestError("no", status=400)])
def test_what_a_later_target_refuses_does_not_end_the_chain(refusal, drive, plan_of):
    """Another model may take it."""
    driver = drive({"a/m": BUSY, "b/m": refusal})

    assert driver.run(plan_of("a", fallbacks=[["b"], ["c"]])) is None
    assert driver.tried == ["a/m", "b/m", "c/m"]


def test_what_a_later_target_refuses_hides_nothing(drive, plan_of):
    """At the end of the chain the error has the first cause, too."""
    driver = drive({"a/m": BUSY, "b/m": TOO_LONG})

    error = driver.run(plan_of("a", fallbacks=[["b"]]), num_retries=0)

    assert type(error) is AllTargetsFailedError
    assert error.attempts == (BUSY, TOO_LONG)


def test_the_users_own_set_ends_the_chain_but_hides_nothing(drive, plan_of):
    """`fallback_on` says what falls over, at every target."""
    driver = drive({"a/m": BUSY, "b/m": TOO_LONG})

    error = driver.run(plan_of("a", fallbacks=[["b"], ["c"]]), num_retries=0, fallback_on=[429])

    assert driver.tried == ["a/m", "b/m"]
    assert type(error) is AllTargetsFailedError
    assert error.attempts == (BUSY, TOO_LONG)


def test_what_the_first_target_refuses_is_raised_at_once(drive, plan_of):
    """It is the caller's to mend."""
    driver = drive({"a/m": TOO_LONG})

    assert driver.run(plan_of("a", "b")) is TOO_LONG
    assert driver.tried == ["a/m"]


@pytest.mark.parametrize(
    "error",
    [
        ContextWindowExceededError("too long", status=500),
        ContentFilteredError("the model refuses to answer", status=200),
    ],
)
def test_a_broken_gateway_and_a_model_that_refuses_fall_over(error, drive, plan_of):
    """Every 5xx does, whatever its body says; and a refusal in place of an answer is only this model's."""
    assert drive({"a/m": error}).run(plan_of("a", "b")) is None
