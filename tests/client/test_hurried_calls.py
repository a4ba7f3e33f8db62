"""A call that gives a target less time than the client's own settings do says nothing of it to the others."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from genai_integrations.errors import GenAIError, StreamInterruptedError
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "one two three four"}]


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Ask, and read a stream to its end; what the call raised, or None, and its route."""

    def sync(client, **params):
        found = client.completion("gpt-4o", HELLO, **params)
        if params.get("stream"):
            list(found)
        return found.route

    async def asynchronous(client, **params):
        found = await client.acompletion("gpt-4o", HELLO, **params)
        if params.get("stream"):
            [chunk async for chunk in found]
        return found.route

    def ask(client, **params):
        try:
            if request.param == "sync":
                return None, sync(client, **params)
            return None, asyncio.run(asynchronous(client, **params))
        except GenAIError as error:
            return type(error).__name__, error.route

    return ask


def asked(route):
    return [row.connection for row in route.attempts]


@pytest.mark.parametrize(
    ("fault", "hurry"),
    [
        (Fault.hang(), {"timeout": 0.05}),
        (Fault.hang(), {"deadline": 0.05}),
        (Fault.hang(), {"timeout": 0.05, "stream": True}),
        (Fault.hang(), {"stream_timeout": 0.05, "stream": True}),
        (Fault.stall(2), {"stall_timeout": 0.05, "stream": True}),
        (Fault.stall(2), {"deadline": 0.3, "stream": True}),
    ],
)
def test_its_time_out_keeps_nobody_else_from_the_target(ask, make_client, seoul, fault, hurry):
    """The next call goes there, and gets its answer."""
    client = make_client(seoul)
    seoul.faults["*"] = fault
    failed, _ = ask(client, num_retries=0, **hurry)
    assert failed in ("RequestTimeoutError", "StreamInterruptedError")
    assert client.cooldowns() == {}

    seoul.faults.clear()
    failed, route = ask(client)
    assert (failed, asked(route)) == (None, ["seoul"])


@pytest.mark.parametrize(
    ("own", "more"),
    [
        ({"timeout": 0.05}, {}),
        ({"timeout": 0.05}, {"timeout": 0.1}),
        ({"timeout": 0.05}, {"num_retries": 0}),
        ({"deadline": 0.05}, {}),
        ({"stream_timeout": 0.05}, {"stream": True}),
    ],
)
def test_one_within_the_clients_own_time_counts_for_all(ask, make_client, seoul, own, more):
    """However much longer a call may say that it waits."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, **{"num_retries": 0, **own})
    failed, _ = ask(client, **more)

    assert failed == "RequestTimeoutError"
    assert list(client.cooldowns()) == ["seoul/gpt-4o"]


def test_a_stream_that_stalls_for_the_clients_own_time_counts_for_all(ask, make_client, seoul):
    """As any that breaks."""
    seoul.faults["*"] = Fault.stall(2)
    client = make_client(seoul, stall_timeout=0.05, num_retries=0)
    failed, _ = ask(client, stream=True)

    assert failed == "StreamInterruptedError"
    assert list(client.cooldowns()) == ["seoul/gpt-4o"]


def test_calls_of_the_same_patience_leave_the_target_alone(ask, make_client, seoul, usa):
    """A program whose calls all have a time-out of their own does not wait for a dead target each time."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, usa)
    routes = [ask(client, timeout=0.05)[1] for _ in range(2)]
    assert [asked(route) for route in routes] == [["seoul", "usa"], ["usa"]]

    # Who waits longer, or less, finds out for itself.
    seoul.faults.clear()
    assert [asked(ask(client, **more)[1]) for more in ({"timeout": 9}, {})] == [
        ["seoul"],
        ["seoul"],
    ]


def test_an_error_of_the_target_counts_for_all(ask, make_client, seoul):
    """Whatever time the call gave it."""
    seoul.faults["*"] = Fault.status(503)
    client = make_client(seoul)
    ask(client, timeout=5, num_retries=0)

    assert list(client.cooldowns()) == ["seoul/gpt-4o"]


def test_a_target_that_cools_is_left_alone_by_calls_in_a_hurry_too(ask, make_client, seoul, usa):
    """What is known of it to all is known to them, and their answers close its circuit."""
    seoul.faults["*"] = Fault.status(503, times=1)
    client = make_client(seoul, usa)
    routes = [ask(client, **more)[1] for more in ({}, {"timeout": 5})]
    assert [asked(route) for route in routes] == [["seoul", "usa"], ["usa"]]


def test_a_rows_own_time_out_is_the_clients(ask, make_client, seoul):
    """Of a slow model in `model_list`: less than the row gives is a hurry, though all else has less."""
    rows = [{"model_name": "gpt-4o", "litellm_params": {"model": "seoul/gpt-4o", "timeout": 30}}]
    client = make_client(seoul, model_list=rows, timeout=0.01, num_retries=0)
    seoul.faults["*"] = Fault.hang()
    ask(client, timeout=0.05)

    assert client.cooldowns() == {}


def test_a_stream_is_shared_by_calls_of_the_same_patience(make_client, seoul):
    """Who waits longer for its chunks is not cut off with the one who asked first."""
    event = threading.Event()
    seoul.faults["*"] = Fault.drip(event, 2)
    client = make_client(seoul, cache_responses=True, num_retries=0)
    hasty = client.completion("gpt-4o", HELLO, stream=True, stall_timeout=0.05)
    next(hasty)
    calm = client.completion("gpt-4o", HELLO, stream=True)
    next(calm)
    with pytest.raises(StreamInterruptedError):
        list(hasty)
    event.set()

    text = [row.choices[0].delta.content or "" for row in calm if row.choices]
    assert "".join(text).endswith("three four")


def test_its_retries_are_not_those_of_others(make_client, seoul):
    """Who gives up at once, again and again, leaves the others their budget of retries."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul)
    with pytest.raises(GenAIError):
        client.completion("gpt-4o", HELLO, timeout=0.02, num_retries=1)
    health = client._router._parts.health
    hurried = health.of_hurried().retries
    while hurried.withdraw(0.0):
        """Until none are left."""

    assert health.retries.withdraw(0.0)


def test_its_streams_begin_anew_within_its_own_budget(ask, make_client, seoul, usa):
    """As its other retries; the streams of the others begin anew within theirs."""
    seoul.faults["*"] = Fault.stall(2)
    client = make_client(seoul, usa, stream_recovery="restart", num_retries=0, stall_timeout=0.2)
    ask(client, stream=True, stall_timeout=0.05)
    hurried = client._router._parts.health.of_hurried().retries
    while hurried.withdraw(time.monotonic()):
        """Until none are left."""

    outcomes = [ask(client, stream=True, **more)[0] for more in ({"stall_timeout": 0.1}, {})]
    assert outcomes == ["StreamInterruptedError", None]
