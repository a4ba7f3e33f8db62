"""`client.batch`: what is asked, what is given, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pickle
import threading

import pytest

from genai_integrations import GenAIClient
from genai_integrations.errors import (
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    ServerError,
)
from genai_integrations.jobs.batch import Options, batch_steps
from genai_integrations.jobs.items import entry_of
from genai_integrations.jobs.steps import Await, Begin, Ended, Give, Pull, Pulled
from genai_integrations.testing.faults import Fault


def _texts(items):
    return [item.reply.choices[0].message.content for item in items]


async def _listed(items):
    return [item async for item in items]


@pytest.mark.parametrize("ordered", [True, False])
def test_every_request_has_its_item(client, questions, said, ordered):
    """With its answer, its place and its cost; in the order of the requests unless that is not wanted."""
    texts = [f"q{n}" for n in range(40)]

    items = list(client.batch(questions(*texts), ordered=ordered))

    by_index = sorted(items, key=lambda item: item.index)
    assert ordered is False or items == by_index
    assert _texts(by_index) == [f"provider says: {text}" for text in texts]
    assert sorted(said()) == sorted(texts)
    assert {item.cost for item in items} == {1.95e-06}
    assert {item.error for item in items} == {None}
    assert {item.reply.route.served for item in items} == {"lab/gpt-4o-mini"}


def test_items_come_as_they_are_there_or_in_order(provider, client, questions):
    """A slow first answer holds up the others only where the order is wanted."""
    slow = threading.Event()
    provider.faults = {"slow": Fault.drip(slow)}
    requests = [*questions("a", model="slow"), *questions("b", "c")]

    for ordered, expected in ((False, [1, 2, 0]), (True, [0, 1, 2])):
        slow.clear()
        given = []
        items = client.batch(requests, ordered=ordered)
        if not ordered:
            given = [next(items).index, next(items).index]
        slow.set()
        given += [item.index for item in items]

        assert sorted(given[:2]) + given[2:] == expected


async def test_a_loop_gets_the_same(client, questions, said):
    """`abatch`, of a list and of requests that come one by one, embeddings among them."""

    async def coming():
        for request in questions("a", "b", temperature=0):
            yield request
            await asyncio.sleep(0)
        yield {"model": "text-embedding-3-small", "input": ["x", "y"]}

    first = await _listed(client.abatch(questions("a", "b")))
    second = await _listed(client.abatch(coming(), ordered=False))
    await client.aclose()

    assert _texts(first) == ["provider says: a", "provider says: b"]
    vectors = next(item for item in second if item.index == 2)
    assert len(vectors.reply.data) == 2
    assert vectors.cost > 0


async def test_an_outcome_does_not_wait_for_the_next_request(client, questions):
    """Where requests come slowly, an answer is given as soon as it is there."""
    answered = asyncio.Event()

    async def coming():
        yield questions("a")[0]
        await answered.wait()
        yield questions("b")[0]

    async with contextlib.aclosing(client.abatch(coming())) as items:
        first = await anext(items)
        answered.set()
        second = await anext(items)
    await client.aclose()

    assert _texts([first, second]) == ["provider says: a", "provider says: b"]


async def test_it_works_in_a_running_event_loop(client, questions):
    """As in a notebook, where one runs all the time."""
    assert _texts(client.batch(questions("a"))) == ["provider says: a"]


def test_a_broken_request_is_an_item_with_an_error(provider, client, questions):
    """What is no request, what the provider refuses and what fails; the others go on."""
    provider.faults = {"down": Fault.status(503), "wrong": Fault.bad_request()}
    broken = [
        3,
        {"model": "gpt-4o"},
        {"messages": [{"role": "user", "content": "no model"}]},
        *questions("a", stream=True),
        *questions("a", api_key="sk-other"),
        *questions("a", self=1),
        *questions("a", model="down"),
        *questions("a", model="wrong"),
        *questions("a"),
    ]

    items = list(client.batch(broken))

    assert [type(item.error) for item in items] == [
        *[ConfigurationError] * 5,
        TypeError,
        ServerError,
        BadRequestError,
        type(None),
    ]
    assert [item.index for item in items] == list(range(9))
    assert items[6].error.route.attempts[0].status == 503
    assert "needs either messages" in str(items[1].error)
    assert "leave stream out" in str(items[3].error)


def test_a_million_requests_need_the_memory_of_a_few(client, questions):
    """They are taken from the caller as there is room for them, and not before."""
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield questions("a")[0]

    items = client.batch(endless(), max_concurrency=4)
    for _ in range(20):
        next(items)
    items.close()

    assert len(taken) <= 20 + 4 * 4


@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_calls_are_under_way_than_allowed(questions, ordered):
    """Step by step: a request is begun only when there is a place, and taken only when it can be begun."""
    steps = batch_steps(Options(max_concurrency=3, ordered=ordered))
    requests = iter(questions(*map(str, range(100))))
    open_, outcome, most = [], None, 0
    given = []

    with contextlib.suppress(StopIteration):
        while True:
            step = steps.send(outcome)
            outcome = None
            if isinstance(step, Pull):
                outcome = next((Pulled(row) for row in requests), None)
            elif isinstance(step, Begin):
                open_.append(step.entry)
                most = max(most, len(open_))
            elif isinstance(step, Await):
                # The first is always the last to be answered.
                outcome = Ended(open_.pop(), ValueError())
            elif isinstance(step, Give):
                given.append(step.item.index)

    assert most == 3
    assert sorted(given) == list(range(100))
    assert (given == sorted(given)) is ordered


def test_what_the_caller_raises_comes_after_what_is_under_way(client, questions):
    """A generator of requests that fails ends the batch, but loses no answer that is being paid for."""

    def failing():
        yield from questions("a", "b")
        raise OSError("the file of requests broke")

    items = client.batch(failing())
    given = [next(items), next(items)]

    with pytest.raises(OSError, match="the file of requests broke"):
        next(items)
    assert _texts(given) == ["provider says: a", "provider says: b"]


def test_leaving_the_loop_ends_the_calls_under_way(provider, client, questions):
    """The provider sees its clients go."""
    provider.faults = {"slow": Fault.hang()}
    requests = [*questions("a"), *questions("b", "c", model="slow")]

    items = client.batch(requests, max_concurrency=3)
    next(items)
    hanging = provider.wait_for_requests(3)[1:]
    items.close()

    assert all(request.disconnected.wait(10) for request in hanging if request.model == "slow")


async def test_a_cancelled_task_ends_the_calls_under_way(provider, client, questions):
    """As any task does."""
    provider.faults = {"*": Fault.hang()}
    task = asyncio.create_task(_listed(client.abatch(questions("a", "b"))))
    hanging = await asyncio.to_thread(provider.wait_for_requests, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.aclose()

    assert [await asyncio.to_thread(row.disconnected.wait, 10) for row in hanging] == [True, True]


def test_it_says_how_far_it_is(provider, client, questions):
    """After each item: how many are done and failed, of how many, and what they cost."""
    provider.faults = {"down": Fault.status(503)}
    requests = [*questions("a"), *questions("b", model="down"), *questions("c")]
    told = []

    list(client.batch(requests, on_progress=told.append, max_concurrency=1))
    list(client.batch(iter(requests), on_progress=told.append, max_concurrency=1))

    assert [(row.done, row.failed, row.total) for row in told] == [
        *[(1, 0, 3), (2, 1, 3), (3, 1, 3)],
        *[(1, 0, None), (2, 1, None), (3, 1, None)],
    ]
    assert told[2].cost == pytest.approx(2 * 1.95e-06)
    assert str(told[2]) == "$0.000004, 1 failed"


def test_items_can_be_sent_to_other_processes(provider, client, questions):
    """As Dask's workers send them: with answers, routes and errors."""
    provider.faults = {"down": Fault.status(503)}
    items = list(client.batch([*questions("a"), *questions("b", model="down")]))

    again = pickle.loads(pickle.dumps(items))

    assert again[0].reply == items[0].reply
    assert again[0].reply.route.served == "lab/gpt-4o-mini"
    assert type(again[1].error) is ServerError
    assert again[0].cost == items[0].cost


def test_it_stops_before_it_costs_too_much(client, questions, said):
    """A call costs 1.95e-06, and 3e-06 at worst: a third might exceed 5e-06, and what is left says so."""
    requests = questions(*"abcd", max_tokens=3)

    items = list(client.batch(requests, max_usd=5e-06, max_concurrency=1))

    assert [type(item.error) for item in items] == [
        *[type(None)] * 2,
        *[BudgetExceededError] * 2,
    ]
    assert "$0.000004 is spent, and it may cost $0.000003, which" in str(items[3].error)
    assert said() == ["a", "b"]


def test_calls_under_way_count_by_their_worst_case(provider, client, questions):
    """Two fit at a time; the third waits until they were cheaper than feared, and a fourth would not fit any more."""
    requests = questions(*"abcdef", max_tokens=3)

    list(client.batch(requests, max_usd=8e-06, max_concurrency=6))

    assert len(provider.requests) == 3


def test_what_has_no_price_counts_as_the_dearest_so_far(client, questions):
    """A price that is not known is not nothing, but stops nothing as long as nothing has cost anything."""
    free = questions("a", "b", model="unheard-of")

    assert [item.cost for item in client.batch(free, max_usd=0.0)] == [None, None]


def test_a_worst_case_that_is_known_holds_calls_back():
    """While calls under way may use up what is left, the next waits for them, and goes if they were cheap."""
    worst = {"a": 0.6, "b": 0.6}
    options = Options(max_usd=1.0, worst=lambda request: worst[request["input"]])
    steps = batch_steps(options)
    a, b = ({"model": "m", "input": text} for text in "ab")

    def taken(request):
        """What follows a request, once its worst case is told."""
        assert next_step() == Pull()
        step = steps.send(Pulled(request))
        return steps.send(step.work())

    def next_step(outcome=None):
        return steps.send(outcome)

    assert taken(a) == Begin(entry_of(0, a))
    assert taken(b) == Await()
    failed = Ended(entry_of(0, a), ValueError("it cost nothing"))
    assert isinstance(next_step(failed), Give)
    assert next_step() == Begin(entry_of(1, b))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_concurrency": 0}, "max_concurrency must be at least 1, not 0"),
        ({"max_concurrency": "8"}, "max_concurrency must be a number of calls such as 8, not str"),
        ({"max_usd": -1}, "max_usd must not be negative, not -1"),
        ({"max_usd": "1"}, "max_usd must be a number of US dollars such as 2.5, not str"),
        ({"on_progress": 1}, "on_progress must be a function of one argument, not int"),
        (
            {"journal": "/nowhere/at/all"},
            "journal='/nowhere/at/all' is not a file in an existing folder",
        ),
        ({"requests": {"model": "m"}}, "requests must be a list or a generator of dicts, not dict"),
        ({"requests": 3}, "requests must be a list or a generator of dicts, not int"),
    ],
)
def test_what_cannot_work_is_said_at_once(client, given, said):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=said):
        client.batch(**{"requests": [], **given})


def test_the_twins_take_the_same():
    """Name by name, with kinds and defaults; only the requests of one may come asynchronously."""
    one, two = (
        [(row.name, row.kind, row.default) for row in inspect.signature(method).parameters.values()]
        for method in (GenAIClient.batch, GenAIClient.abatch)
    )
    assert one == two
