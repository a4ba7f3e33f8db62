"""Limits and budgets that processes share through a real Redis server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
import redis

from genai_integrations.errors import LimitError
from genai_integrations.limits.claims import Refusal
from genai_integrations.limits.gate import Held
from genai_integrations.limits.shared import SharedLimits
from genai_integrations.runtime import redis_link as links
from genai_integrations.runtime.redis_link import RedisLink

PATIENCE = 20


@pytest.fixture
def shared(redis_server, lab):
    """Makes gates as two processes would have them, on one server."""
    made = []

    def gate(limits=None, budgets=None, when_away="local", seconds=60.0, lease=30.0):
        link = SharedLimits(
            RedisLink(redis_server.url), when_away, "test", seconds=seconds, lease=lease,
            clock=lab.clock, wall=lab.clock.wall, on_alert=lab.alerts.append,
        )  # fmt: skip
        made.append(link)
        return lab.gate(limits, budgets, shared=link, seconds=seconds)

    yield gate
    for link in made:
        link.flush()


def until(true):
    """Wait for what another thread does."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_what_one_process_takes_another_lacks(shared, lab):
    """Requests, tokens and places; a refusal says how long, and is remembered without asking again."""
    one, other = (shared({"a": {"rpm": 3, "tpm": 100, "max_parallel": 2}}) for _ in range(2))
    first = one.take(lab.claim(one, tokens=30))
    assert isinstance(other.take(lab.claim(other, tokens=30)), Held)
    assert other.take(lab.claim(other, tokens=5)).what == "max_parallel"
    one.settle(first, 30, 0)
    one.shared.flush()
    assert other.take(lab.claim(other, tokens=50)).what == "tpm"
    third = other.take(lab.claim(other, tokens=40))
    other.settle(third, 5, 0)
    other.shared.flush()

    refusal = one.take(lab.claim(one, tokens=5))
    assert refusal.what == "rpm"
    assert 1050 < refusal.free_at <= 1060
    assert one.look(lab.claim(one, tokens=5)).free_at == refusal.free_at


def test_what_was_given_back_is_there_for_others(shared, lab):
    """A claim that Redis refuses is counted nowhere, and one that was not sent neither."""
    limits, budgets = {"a": {"rpm": 1}}, {"a": {"usd": 1e-6, "per": "day"}}
    one, other = shared(limits, budgets), shared(limits, budgets)
    for _ in range(3):
        held = one.take(lab.claim(one, nanos=1000))
        assert isinstance(held, Held)
        one.give_back(held)
        one.shared.flush()
    assert isinstance(other.take(lab.claim(other, nanos=1000)), Held)


def test_a_budget_is_one_number_of_all(shared, lab):
    """Reserved by one, missing for the other; put right when the true cost is known; a share is told of once."""
    budgets = {"*": {"usd": 1e-6, "per": "day", "alerts": [0.5]}}
    one, other = shared(budgets=budgets), shared(budgets=budgets)
    first = one.take(lab.claim(one, nanos=900))
    refusal = other.take(lab.claim(other, nanos=200))
    assert refusal.what == "usd"
    assert "has $0.0000001 left until 2026-11-28 00:00 UTC" in refusal.text
    one.settle(first, 1, 300)
    one.shared.flush()
    second = other.take(lab.claim(other, nanos=700))
    assert isinstance(second, Held)
    other.settle(second, 1, 600)
    other.shared.flush()

    one.settle(one.take(lab.claim(one, nanos=50)), 1, 50)
    one.shared.flush()
    assert [(row.share, row.spent) for row in lab.alerts] == [(0.5, pytest.approx(9e-7))]


def test_the_places_of_a_killed_process_come_free(shared, lab):
    """A place is a lease: renewed while its process lives, gone soon after it."""
    one, other = (
        shared({"a": {"max_parallel": 1}}, lease=0.6),
        shared({"a": {"max_parallel": 1}}, lease=0.6),
    )
    assert isinstance(one.take(lab.claim(one)), Held)
    time.sleep(1.0)  # longer than the lease
    assert other.take(lab.claim(other)).what == "max_parallel"

    one.shared._leases.clear()  # as if it were killed: nobody renews them
    until(lambda: isinstance(other.take(lab.claim(other)), Held))


def test_a_minute_ends_in_redis_too(shared, lab):
    """By the server's clock, whatever the clocks of the processes say."""
    one, other = shared({"a": {"rpm": 1}}, seconds=0.3), shared({"a": {"rpm": 1}}, seconds=0.3)
    assert isinstance(one.take(lab.claim(one)), Held)
    assert isinstance(other.take(lab.claim(other)), Refusal)

    def passes():
        lab.clock.now += 60
        return isinstance(other.take(lab.claim(other)), Held)

    until(passes)


def test_while_redis_is_away_this_process_goes_on_with_what_it_knows(
    shared, lab, redis_server, monkeypatch
):
    """Its own requests count, and the money of all as it was last known; what was spent meanwhile is told afterwards."""
    monkeypatch.setattr(links, "PAUSE", 0.0)
    budgets = {"*": {"usd": 1e-6, "per": "day"}}
    one, other = (shared({"a": {"rpm": 3}}, budgets) for _ in range(2))
    other.settle(other.take(lab.claim(other, nanos=500)), 1, 500)
    other.shared.flush()
    one.settle(one.take(lab.claim(one, nanos=100)), 1, 100)
    one.shared.flush()
    redis_server.stop()

    assert one.take(lab.claim(one, nanos=500)).what == "usd"
    held = one.take(lab.claim(one, nanos=300))
    one.settle(held, 1, 200)
    assert isinstance(one.take(lab.claim(one, nanos=0)), Held)
    assert one.take(lab.claim(one, nanos=0)).what == "rpm"

    redis_server.start()  # empty: it has forgotten everything
    one.shared._put(one.shared._pay_off)
    one.shared.flush()
    refusal = other.take(lab.claim(other, nanos=300))
    assert refusal.what == "usd"
    assert isinstance(other.take(lab.claim(other, nanos=200)), Held)


def test_a_full_server_is_told_what_is_over(shared, lab, redis_server):
    """A claim is let in there as long as it has places: so they come free, and what was reserved is put right."""
    limits, budgets = {"a": {"max_parallel": 1, "tpm": 100}}, {"*": {"usd": 1e-6, "per": "day"}}
    one, other = shared(limits, budgets), shared(limits, budgets)
    one.give_back(one.take(lab.claim(one)))
    with closing(redis.Redis.from_url(redis_server.url)) as server:
        server.config_set("maxmemory", 1)
        for gate in (one, other, one, other):
            held = gate.take(lab.claim(gate, tokens=80, nanos=900))
            assert isinstance(held, Held)
            gate.settle(held, 1, 10)
            gate.shared.flush()
        (spent,) = (int(server.get(key)) for key in server.keys("*usd:2026-11-27"))

    assert spent == 40


def test_what_the_server_did_not_hear_is_told_again(shared, lab, redis_server, monkeypatch):
    """A place is not lost for half a minute because the server was slow for a moment."""
    monkeypatch.setattr(links, "PAUSE", 0.0)
    one, other = (shared({"a": {"max_parallel": 1, "tpm": 100}}) for _ in range(2))
    held = one.take(lab.claim(one, tokens=80))
    pool = one.shared._link._client.connection_pool
    pool.connection_kwargs["socket_timeout"] = 0.05
    pool.reset()
    with closing(redis.Redis.from_url(redis_server.url)) as server:
        server.client_pause(300)
        one.settle(held, 10, 0)
        one.shared.flush()

    until(lambda: isinstance(other.take(lab.claim(other, tokens=80)), Held))


def test_while_redis_is_away_nothing_passes_if_that_was_chosen(shared, lab, redis_server):
    """`limits_away="fail"`: better no call than one too many."""
    gate = shared({"a": {"rpm": 3}}, when_away="fail")
    redis_server.stop()
    with pytest.raises(
        LimitError, match="the Redis server that shares the limits cannot be reached"
    ):
        gate.take(lab.claim(gate))
    assert gate._windows["a"]._requests == 0


def test_an_event_loop_is_not_blocked(shared, lab):
    """The same, awaited; cancelled while Redis is asked, it holds nothing."""
    gate = shared({"a": {"rpm": 2, "max_parallel": 1}})

    async def main():
        task = asyncio.ensure_future(gate.atake(lab.claim(gate)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gate.shared.flush()
        first = await gate.atake(lab.claim(gate))
        return first, await gate.atake(lab.claim(gate))

    first, second = asyncio.run(main())

    assert isinstance(first, Held)
    assert second.what == "max_parallel"


POOL = """
import multiprocessing, sys
from genai_integrations.limits.claims import Claim
from genai_integrations.limits.gate import Gate
from genai_integrations.limits.rules import budgets_of
from genai_integrations.limits.shared import SharedLimits
from genai_integrations.runtime.redis_link import RedisLink

budgets = budgets_of({"*": {"usd": 5}})
gate = Gate({}, budgets, shared=SharedLimits(RedisLink(sys.argv[1])))

def spend():
    gate.settle(gate.take(Claim([], dict(budgets), 0, 10**9)), 1, 10**6)

for _ in range(3):
    worker = multiprocessing.get_context("fork").Process(target=spend)
    worker.start()
    worker.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_a_worker_that_ends_says_what_it_did_cost(redis_server):
    """A pool's workers end behind `atexit`; what they had reserved at the worst does not stand."""
    program = [sys.executable, "-W", "ignore", "-c", POOL, redis_server.url]
    subprocess.run(program, check=True, timeout=100)

    with closing(redis.Redis.from_url(redis_server.url)) as server:
        (key,) = server.keys("*:usd:*")
        assert server.get(key) == b"3000000"


PROGRAM = """
import json, os, sys, time
from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import LimitError

address, redis, arguments, calls = sys.argv[1:5]
connection = Connection.of("seoul", "openai", "sk-a", address + "/v1")
client = GenAIClient(
    connections=[connection], router_args={"redis_url": redis}, on_limit="fail", **json.loads(arguments)
)
print("ready", flush=True)
sys.stdin.readline()
spent = served = 0
for _ in range(int(calls)):
    try:
        reply = client.completion("gpt-4o", [{"role": "user", "content": "Hello!"}], max_tokens=40)
    except LimitError:
        continue
    served += 1
    spent += reply.route.cost
print(json.dumps([served, spent]), flush=True)
if "hold" in sys.argv:
    stream = client.completion("gpt-4o", [{"role": "user", "content": "Hello!"}], stream=True)
    next(stream)
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def _programs(count, *arguments):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "LANGFUSE_TRACING_ENABLED": "false"},
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        for one in started:
            assert one.stdout.readline() == "ready\n"
        for one in started:
            one.stdin.write("\n")
            one.stdin.flush()
        yield started
    finally:
        for one in started:
            one.kill()
            one.stdin.close()
            one.stdout.close()
            one.wait()


def _budget_of_four(provider, redis_server, arguments, calls):
    with _programs(4, provider.url, redis_server.url, json.dumps(arguments), str(calls)) as started:
        told = [json.loads(one.stdout.readline()) for one in started]
    return sum(row[0] for row in told), sum(row[1] for row in told)


@pytest.mark.slow
def test_four_processes_keep_one_budget(provider, redis_server):
    """Together they never spend more than it, and what is left is less than one more call might cost."""
    arguments = {"budgets": {"*": {"usd": 0.002, "per": "day"}}}
    served, spent = _budget_of_four(provider, redis_server, arguments, 25)

    # A prompt of 9 tokens with the count's margin, and 40 tokens of an answer, for gpt-4o.
    worst = 9 * 2.5e-6 + 40 * 1e-5
    assert spent <= 0.002
    assert spent > 0.002 - 4 * worst - 4e-5
    assert 0 < served < 100


@pytest.mark.slow
def test_four_processes_keep_one_limit(provider, redis_server):
    """Twenty requests a minute, whoever makes them."""
    served, _ = _budget_of_four(provider, redis_server, {"limits": {"*": {"rpm": 20}}}, 15)

    assert served == 20
