"""Limits and budgets, as a program sees them: through the client and both frameworks."""

from __future__ import annotations

import asyncio
import gc
import re
import threading

import pytest
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    AllTargetsFailedError,
    BudgetExceededError,
    ConfigurationError,
    GenAIError,
    LimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.langchain import ChatGenAI
from genai_integrations.limits.purse import Purse
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.server import LoopbackServer

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def usa():
    """The second region's server."""
    with ScriptedProvider("usa") as server:
        yield server


@pytest.fixture
def client(provider, usa):
    """Makes clients of two regions."""
    made = []

    def make(*, lone=False, **options):
        rows = [
            Connection.of(name, "openai", f"sk-{name}", f"{server.url}/v1")
            for name, server in (("seoul", provider), ("usa", usa))
        ]
        one = GenAIClient(connections=rows[:1] if lone else rows, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def gate_of(client):
    """Where the client's limits are."""
    return client._router._parts.gate


def spent(client, name="*"):
    """Dollars that stand against a budget."""
    gate = gate_of(client)
    return sum(row for (kind, _), row in gate._spending._spent.items() if kind == name) / 1e9


DOORS = {
    "client": lambda client: client.completion("gpt-4o", HELLO, max_tokens=20),
    "async client": lambda client: asyncio.run(client.acompletion("gpt-4o", HELLO, max_tokens=20)),
    "stream": lambda client: list(client.completion("gpt-4o", HELLO, stream=True, max_tokens=20)),
    "LangChain": lambda client: ChatGenAI("gpt-4o", client=client, max_tokens=20).invoke("Hello!"),
    "LangChain stream": lambda client: list(
        ChatGenAI("gpt-4o", client=client, max_tokens=20).stream("Hello!")
    ),
    "LangChain async": lambda client: asyncio.run(
        ChatGenAI("gpt-4o", client=client, max_tokens=20).ainvoke("Hello!")
    ),
    "LlamaIndex": lambda client: GenAI("gpt-4o", client=client, max_tokens=20).chat(
        [ChatMessage(role="user", content="Hello!")]
    ),
    "LlamaIndex stream": lambda client: list(
        GenAI("gpt-4o", client=client, max_tokens=20).stream_chat(
            [ChatMessage(role="user", content="Hello!")]
        )
    ),
    "embeddings": lambda client: client.embedding("text-embedding-3-small", "Hello!"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_target_at_its_limit_is_passed_over(client, provider, usa, door):
    """While another can serve, nobody waits; then the call raises, or waits within its deadline."""
    made = client(limits={"seoul": {"rpm": 2}, "usa": {"rpm": 1}}, on_limit="fail")
    for _ in range(3):
        DOORS[door](made)
    with pytest.raises(LimitError, match=r"is at its limit of . requests a minute"):
        DOORS[door](made)

    assert (len(provider.requests), len(usa.requests)) == (2, 1)


def test_the_route_says_which_limit_it_was(client):
    """And how long the call waited for it."""
    made = client(limits={"seoul/gpt-4o": {"rpm": 1}})
    made.completion("gpt-4o", HELLO)
    route = made.completion("gpt-4o", HELLO).route

    assert route.served == "usa/gpt-4o"
    assert route.limited == ["seoul/gpt-4o is at its limit of 1 requests a minute"]
    assert route.as_dict()["limited"] == route.limited
    assert route.as_dict()["limited_ms"] == 0


@pytest.mark.parametrize(
    ("name", "asked", "said", "counts"),
    [
        ("seoul/gpt-4o", "gpt-4o", {}, True),
        ("seoul", "gpt-4o-mini", {}, True),
        ("gpt-4o", "seoul/gpt-4o", {}, True),
        ("fast", "fast", {}, True),
        ("*", "gpt-4o", {}, True),
        ("alice", "gpt-4o", {"user": "alice"}, True),
        ("user:alice", "gpt-4o", {"user": "alice"}, True),
        ("search", "gpt-4o", {"metadata": {"team": "search"}}, True),
        ("team:search", "gpt-4o", {"metadata": {"team": "search"}}, True),
        ("ci", "gpt-4o", {"metadata": {"key": "ci"}}, True),
        ("alice", "gpt-4o", {"user": "bob"}, False),
        ("seoul", "usa/gpt-4o", {}, False),
        ("gpt-4o", "gpt-4o-mini", {}, False),
    ],
)
def test_what_a_name_means(client, name, asked, said, counts):
    """A target, a connection, a model, a user, a team, a key, or everything."""
    args = {"model_group_alias": {"fast": "seoul/gpt-4o"}}
    made = client(limits={name: {"rpm": 1}}, on_limit="fail", router_args=args)
    lone = {"seoul": "seoul/gpt-4o-mini", "gpt-4o": "seoul/gpt-4o"}.get(name, asked)
    if counts:
        asked = lone if "/" in lone else asked
    made.completion(asked, HELLO, **said)
    gate = gate_of(made)

    assert gate._windows[name]._requests == int(counts)


def test_a_call_counts_once_for_its_user(client, provider, usa):
    """Its attempts count each at their targets; a failover needs no second place of the user's."""
    provider.faults["gpt-4o"] = Fault.status(500)
    limits = {"alice": {"rpm": 1, "max_parallel": 1}, "seoul": {"rpm": 5}, "usa": {"rpm": 5}}
    made = client(limits=limits, on_limit="fail")
    route = made.completion("gpt-4o", HELLO, user="alice").route

    assert [row.outcome for row in route.attempts] == ["ServerError", "ok"]
    gate = gate_of(made)
    assert {name: gate._windows[name]._requests for name in limits} == dict.fromkeys(limits, 1)
    assert {gate._windows[name].running for name in limits} == {0}


def test_a_call_waits_no_longer_than_its_deadline(client):
    """If nothing comes free before, it does not wait at all."""
    made = client(limits={"*": {"rpm": 1}})
    made.completion("gpt-4o", HELLO)
    with pytest.raises(LimitError, match="limit of 1 requests a minute") as raised:
        made.completion("gpt-4o", HELLO, deadline=30)
    assert raised.value.name == "*"
    assert raised.value.route.limited == ["* is at its limit of 1 requests a minute"]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_call_waits_for_the_window(client, provider, way):
    """And is let through when its turn comes; the route says how long that took."""
    made = client(lone=True, limits={"*": {"rpm": 1}})
    gate_of(made)._windows["*"]._seconds = 0.3
    for _ in range(2):
        if way == "sync":
            reply = made.completion("gpt-4o", HELLO, deadline=30)
        else:
            reply = asyncio.run(made.acompletion("gpt-4o", HELLO, deadline=30))

    assert reply.route.limited_ms > 100
    assert len(provider.requests) == 2


def test_who_waits_goes_in_order(client, provider):
    """First come, first served, though all wait for the same places."""
    made = client(lone=True, limits={"*": {"max_parallel": 1}})
    provider.faults["gpt-4o"] = None
    order = []

    async def one(number):
        await made.acompletion("gpt-4o", [{"role": "user", "content": str(number)}])
        order.append(number)

    async def main():
        await asyncio.gather(*(one(number) for number in range(8)))

    asyncio.run(main())
    assert order == list(range(8))


def _held(client, end):
    """A call that has the only place, and how it ends."""
    if end == "answered":
        client.completion("gpt-4o", HELLO)
    elif end == "refused":
        with pytest.raises(ConfigurationError):
            client.completion("gpt-4o", HELLO, num_retries="x")
    elif end == "stream read":
        list(client.completion("gpt-4o", HELLO, stream=True))
    elif end == "stream closed":
        stream = client.completion("gpt-4o", HELLO, stream=True)
        next(stream)
        stream.close()
    elif end == "stream collected":
        stream = client.completion("gpt-4o", HELLO, stream=True)
        next(stream)
        del stream
        gc.collect()


@pytest.mark.parametrize("end", ["answered", "stream read", "stream closed", "stream collected"])
def test_every_end_frees_the_place(client, end):
    """Answered, read, left in the middle, or forgotten."""
    made = client(lone=True, limits={"*": {"max_parallel": 1}, "seoul": {"max_parallel": 1}}, on_limit="fail")  # fmt: skip
    for _ in range(2):
        _held(made, end)

    assert {row.running for row in gate_of(made)._windows.values()} == {0}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(500), ServerError),
        (Fault.status(401), Exception),
        (Fault.hang(), RequestTimeoutError),
    ],
)
def test_failures_free_the_place(client, provider, fault, error):
    """Whatever the attempts end with."""
    provider.faults["gpt-4o"] = fault
    made = client(lone=True, limits={"*": {"max_parallel": 1, "tpm": 9000}}, on_limit="fail")
    for _ in range(2):
        with pytest.raises(error):
            made.completion("gpt-4o", HELLO, num_retries=0, timeout=0.2)

    assert gate_of(made)._windows["*"].running == 0


def test_a_cancelled_call_frees_the_place(client, provider):
    """Cancelled in its attempt, and cancelled while it waits for a place."""
    provider.faults["gpt-4o"] = Fault.hang()
    made = client(lone=True, limits={"*": {"max_parallel": 1}})

    async def main():
        tasks = [asyncio.ensure_future(made.acompletion("gpt-4o", HELLO)) for _ in range(3)]
        while not gate_of(made)._waiting:  # noqa: ASYNC110  the gate has no event for it
            await asyncio.sleep(0)
        assert len(gate_of(made)._waiting["*"]) <= 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert gate_of(made)._windows["*"].running == 0
    assert gate_of(made)._waiting == {}


def test_many_wait_for_few_places(client, provider):
    """Threads and tasks are all served, never more than two at once."""
    made = client(lone=True, limits={"*": {"max_parallel": 2}})
    routes = []
    threads = [
        threading.Thread(target=lambda: routes.append(made.completion("gpt-4o", HELLO).route))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def main():
        return await asyncio.gather(*(made.acompletion("gpt-4o", HELLO) for _ in range(12)))

    routes += [reply.route for reply in asyncio.run(main())]
    assert [route.served for route in routes] == ["seoul/gpt-4o"] * 24
    assert any(route.limited_ms > 0 for route in routes)


def test_tokens_are_put_right(client):
    """The estimate before, and what the provider counted after."""
    made = client(limits={"*": {"tpm": 100_000}})
    reply = made.completion("gpt-4o", HELLO)

    assert gate_of(made)._windows["*"]._tokens == reply.usage.total_tokens


def test_what_a_row_of_a_group_allows_holds(client, provider, usa):
    """`rpm` and `tpm` of `model_list`: passed over at them, waited for within the deadline."""
    rows = [
        {"model_name": "smart", "litellm_params": {"model": f"{name}/gpt-4o", "rpm": rpm}}
        for name, rpm in (("seoul", 2), ("usa", 1))
    ]
    made = client(router_args={"model_list": rows, "routing_strategy": "ordered"})
    served = [made.completion("smart", HELLO).route.served for _ in range(3)]
    with pytest.raises(LimitError, match=r"is at its limit of . requests a minute"):
        made.completion("smart", HELLO, deadline=5)

    assert served == ["seoul/gpt-4o", "seoul/gpt-4o", "usa/gpt-4o"]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_request_beside_a_slow_one_takes_a_turn(client, provider, usa, way):
    """A second target at its limit is not asked; every place is free at the end, and what was given up is counted."""
    provider.faults["gpt-4o"] = Fault.hang()
    args = {"hedge_after": 0.02, "num_retries": 0}
    limits = {"usa": {"rpm": 1, "max_parallel": 1}, "seoul": {"max_parallel": 1}, "*": {"tpm": 10_000}}  # fmt: skip
    made = client(router_args=args, limits=limits, on_limit="fail")

    def ask(timeout):
        if way == "sync":
            return made.completion("gpt-4o", HELLO, timeout=timeout)
        return asyncio.run(made.acompletion("gpt-4o", HELLO, timeout=timeout))

    assert [row.outcome for row in ask(30).route.attempts] == ["cancelled", "ok"]
    with pytest.raises(AllTargetsFailedError, match="RequestTimeoutError"):
        ask(0.3)
    assert len(usa.requests) == 1
    assert {row.running for row in gate_of(made)._windows.values()} == {0}


def test_a_stream_that_begins_anew_takes_another_turn(client, provider, usa):
    """The first target's place is given back at the end, too."""
    provider.faults["gpt-4o"] = Fault.cut(2)
    limits = {name: {"rpm": 1, "max_parallel": 1} for name in ("seoul", "usa", "*")}
    made = client(router_args={"stream_recovery": "restart"}, limits=limits, on_limit="fail")
    list(made.completion("gpt-4o", HELLO, stream=True))

    windows = gate_of(made)._windows
    assert {name: windows[name]._requests for name in limits} == dict.fromkeys(limits, 1)
    assert {row.running for row in windows.values()} == {0}


# Money.


@pytest.mark.parametrize("door", DOORS)
def test_a_budget_stops_calls(client, door):
    """Before it is exceeded; what was spent is what the routes say."""
    budget = 4e-7 if door == "embeddings" else 0.0006
    made = client(lone=True, budgets={"*": {"usd": budget, "per": "day"}})
    error = None
    for _ in range(50):
        try:
            DOORS[door](made)
        except BudgetExceededError as raised:
            error = raised
            break

    assert re.search(r"the budget '\*' of .* left until .* UTC", str(error))
    assert 0 < spent(made) <= budget


def test_a_budget_is_settled_by_the_true_cost(client):
    """What was reserved at the worst is given back."""
    made = client(lone=True, budgets={"*": {"usd": 1, "per": "day"}})
    cost = made.completion("gpt-4o", HELLO, max_tokens=10_000).route.cost

    assert spent(made) == pytest.approx(cost)


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": 1e400, "completion_tokens": 1, "total_tokens": 1e400}',
        '{"prompt_tokens": NaN, "completion_tokens": 1, "total_tokens": NaN}',
        '{"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6, "cost": -3}',
        '{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 1e400}',
    ],
)
def test_an_odd_usage_spoils_no_answer_and_no_budget(usage):
    """What a server counts may be no number at all, or below nothing: it was paid for, so the answer is given."""

    class Odd(LoopbackServer):
        async def respond(self, _request, exchange):
            body = (
                '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, '
                f'"finish_reason": "stop"}}], "usage": {usage}}}'
            )
            await exchange.send(200, body.encode(), {"content-type": "application/json"})

    with Odd() as server:
        made = GenAIClient(
            connections=[Connection.of("seoul", "openai", "sk-1", f"{server.url}/v1")],
            budgets={"*": {"usd": 1}},
            limits={"*": {"tpm": 10_000}},
        )
        for _ in range(2):
            reply = made.completion("gpt-4o", HELLO, max_tokens=20)
            assert reply.text == "Hi"

    assert 0 < spent(made) < 0.001
    assert 0 <= gate_of(made)._windows["*"]._tokens < 100


@pytest.mark.parametrize(
    "longest", [{"max_tokens": 10**13}, {"max_tokens": 10, "n": 10**13}, {"max_tokens": 10**400}]
)
def test_no_size_is_too_large_to_be_reckoned(client, provider, longest):
    """What a caller allows may be more than any server tells: it costs so much at worst, and not nothing."""
    made = client(lone=True, budgets={"*": {"usd": 1}})
    with pytest.raises(BudgetExceededError, match="the call may cost up to"):
        made.completion("gpt-4o", HELLO, **longest)

    assert provider.requests == []


def test_a_target_too_dear_is_passed_over(client, provider, usa):
    """Money goes where it suffices."""
    args = {"fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o-mini"]}]}
    made = client(router_args=args, budgets={"seoul": {"usd": 1e-9, "per": "run"}})
    route = made.completion("seoul/gpt-4o", HELLO).route

    assert route.served == "usa/gpt-4o-mini"
    assert "the budget 'seoul'" in route.limited[0]
    assert provider.requests == []


def test_refused_attempts_cost_nothing_and_lost_ones_may(client, provider):
    """A status says that nothing was made; after a time-out the worst case stays reserved."""
    made = client(lone=True, budgets={"*": {"usd": 1, "per": "day"}})
    provider.faults["gpt-4o"] = Fault.status(500)
    with pytest.raises(ServerError):
        made.completion("gpt-4o", HELLO, num_retries=0, max_tokens=100)
    assert spent(made) == 0

    provider.faults["gpt-4o"] = Fault.hang()
    with pytest.raises(RequestTimeoutError):
        made.completion("gpt-4o", HELLO, num_retries=0, max_tokens=100, timeout=0.2)
    assert spent(made) == pytest.approx(100 * 1e-5, rel=0.1)


@pytest.mark.parametrize("door", ["client", "LangChain", "LlamaIndex", "stream"])
def test_one_call_may_have_a_cap(client, provider, door):
    """`max_cost=` is checked by the worst case of the attempt; the error says what to do."""
    made = client(lone=True)
    ask = {
        "client": lambda **said: made.completion("gpt-4o", HELLO, **said),
        "stream": lambda **said: list(made.completion("gpt-4o", HELLO, stream=True, **said)),
        "LangChain": lambda **said: ChatGenAI("gpt-4o", client=made).invoke("Hello!", **said),
        "LlamaIndex": lambda **said: GenAI("gpt-4o", client=made).chat(
            [ChatMessage(role="user", content="Hello!")], **said
        ),
    }[door]
    with pytest.raises(BudgetExceededError, match=r"of max_cost \$0.01 .* lower max_tokens"):
        ask(max_cost=0.01)
    assert provider.requests == []

    ask(max_cost=0.01, max_tokens=100)
    assert "max_cost" not in provider.requests[0].body


def test_a_cap_holds_over_all_attempts(client, provider, usa):
    """What the first attempt may have cost is not there for the second."""
    provider.faults["gpt-4o"] = Fault.hang()
    made = client()
    with pytest.raises(AllTargetsFailedError, match="BudgetExceededError: the call may cost"):
        made.completion("gpt-4o", HELLO, max_tokens=100, max_cost=0.0015, timeout=0.2)

    assert usa.requests == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fallbacks": [{"model": "usa/gpt-4o", "max_tokens": 16000}]}, {}),
        ({"fallbacks": [{"model": "usa/gpt-4o", "n": 100}]}, {}),
        ({"fallbacks": ["usa/gpt-4o"]}, {"n": "100"}),
        ({"fallbacks": ["usa/gpt-4o"]}, {"n": 100.0}),
        ({"fallbacks": ["usa/gpt-4o"]}, {"max_completion_tokens": 1, "max_tokens": 16000}),
    ],
)
def test_a_cap_holds_however_an_answer_is_made_longer(client, provider, usa, more, said):
    """By what the call says for its fallback only, by a number in another shape, by the other name of a limit."""
    provider.faults["gpt-4o"] = Fault.status(503)
    made = client(router_args={"num_retries": 0})
    with pytest.raises(GenAIError, match="the call may cost"):
        made.completion("seoul/gpt-4o", HELLO, max_cost=0.005, **{"max_tokens": 10, **more, **said})

    assert usa.requests == []


def test_one_callers_budget_is_no_answer_to_others(client, provider, usa):
    """Two ask the same at once, and the first one's budget keeps it from the second target: the other one goes there."""
    provider.faults["*"] = Fault.cut()
    made = client(
        router_args={"cache_responses": True, "num_retries": 0},
        budgets={"key:a": {"usd": 0.0015, "per": "day"}},
        on_limit="fail",
    )

    async def both():
        asked = [
            made.acompletion("gpt-4o", HELLO, max_tokens=100, metadata={"key": key}) for key in "ab"
        ]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second = asyncio.run(both())
    assert isinstance(first, AllTargetsFailedError)
    assert second.route.served == "usa/gpt-4o"


def test_a_purse_is_shared_by_calls(client):
    """As by the calls of a notebook's cell."""
    purse = Purse(0.0025)
    made = client()
    cost = made.completion("gpt-4o", HELLO, max_tokens=200, max_cost=purse).route.cost
    assert purse.spent == pytest.approx(cost)
    with pytest.raises(BudgetExceededError):
        made.completion("gpt-4o", HELLO, max_tokens=250, max_cost=purse)


def test_kept_answers_cost_nothing(client):
    """They take no money, no request and no place."""
    made = client(router_args={"cache_responses": True}, limits={"*": {"rpm": 1}}, budgets={"*": {"usd": 0.001, "per": "day"}}, on_limit="fail")  # fmt: skip
    first = made.completion("gpt-4o", HELLO, max_tokens=10)
    for _ in range(5):
        again = made.completion("gpt-4o", HELLO, max_tokens=10)

    assert again.route.cached
    assert spent(made) == pytest.approx(first.route.cost)


def test_a_price_that_nobody_knows_stops_nothing(client, caplog):
    """It is said once in the log; a budget cannot count what it does not know."""
    made = client(lone=True, budgets={"*": {"usd": 1e-9, "per": "day"}})
    for _ in range(2):
        assert made.completion("seoul/my-own-model", HELLO).route.cost is None

    assert caplog.text.count("the price of seoul/my-own-model is not known") == 1
    assert spent(made) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limits": {"a": {"rps": 3}}}, "limits['a'] must be a mapping"),
        ({"budgets": {"a": {"usd": "5"}}}, "must be US dollars"),
        ({"limits": {"a": {"rpm": 3}}, "on_limit": "queue"}, "on_limit must be 'wait' or 'fail'"),
        ({"limits": {"a": {"rpm": 3}}, "on_alert": 3}, "on_alert must be"),
        ({"limits": {"a": {"rpm": 3}}, "limits_away": 3}, "limits_away must be 'local' or 'fail'"),
    ],
)
def test_what_cannot_work_is_said_when_the_client_is_made(client, options, told):
    """In one line."""
    with pytest.raises(ConfigurationError) as raised:
        client(**options)
    assert told in str(raised.value)
