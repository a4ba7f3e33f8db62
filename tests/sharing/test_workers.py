"""Four worker processes on one Redis, or on one file: what one learns, all know."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genai_integrations import Connection, GenAIClient, Rollout
from genai_integrations.testing.faults import Fault

pytestmark = pytest.mark.slow
"""Four processes for each test."""

WORKER = Path(__file__).parent / "programs" / "worker.py"
HELLO = [{"role": "user", "content": "Hello!"}]


class Worker:
    """One process."""

    def __init__(self, address, args):
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), address, json.dumps(args)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, *words):
        """Have it do something, and hear what it knows then."""
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def wait_for(self, condition):
        """Ask until it is so; at most half a minute, for the machine may be busy."""
        ends = time.monotonic() + 30
        while not condition(known := self.do("tell")):
            assert time.monotonic() < ends, known
            time.sleep(0.02)
        return known

    def end(self):
        """As a service is stopped: it comes to its end by itself."""
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture
def workers(provider):
    """Start so many workers with these arguments."""
    with contextlib.ExitStack() as started:

        def workers(number, **args):
            made = [Worker(provider.url, args) for _ in range(number)]
            for worker in made:
                started.callback(worker.end)
            return made

        yield workers


@pytest.fixture(params=["redis", "file"])
def shared(request, tmp_path):
    """Where the state is."""
    if request.param == "file":
        return {"state_file": str(tmp_path / "state.json")}
    return {"redis_url": request.getfixturevalue("redis_server").url}


def test_what_one_worker_learns_all_know(workers, shared, provider):
    """A cooldown, so that nobody else asks what is down; the counts of a rollout, its going back, and why."""
    provider.faults["gpt-4o-mini"] = [Fault.status(503)]
    one, *others = workers(4, **shared)
    others[0].do("call", "smart", 20, 100)
    one.do("call", "smart", 20)
    for worker in (one, *others):
        worker.wait_for(lambda known: known["calls"] == 40)
    provider.faults["gpt-5"] = Fault.status(503)
    one.do("call", "gpt-4o-mini", 1)
    one.do("call", "smart", 60)
    for worker in others:
        known = worker.wait_for(lambda known: known["state"] == "rolled_back")
        assert known["share"] == 0.0
        assert "the error rate is" in known["audit"][-1]
    asked = len(provider.requests)
    others[1].do("flush")
    served = others[1].do("call", "gpt-4o-mini", 1)["served"]

    assert served == ["usa/gpt-4o-mini"]
    assert [request.path.split("/")[1] for request in provider.requests[asked:]] == ["usa"]


def test_all_workers_know_what_was_asked_this_minute(workers, shared):
    """Requests of one count for the strategies of all; the others here ask nobody."""
    one, *others = workers(4, routing_strategy="usage-based-routing-v2", **shared)
    for worker in others:

        def heard(known):
            # One more at each look, because the minute may end between two.
            one.do("call", "gpt-4o-mini", 1)
            return known["usage"] >= 2

        worker.wait_for(heard)


def test_a_redis_that_is_killed_costs_no_call(workers, redis_server):
    """Calls go on while it is away, and what was known is shared again when it is back, empty as it then is."""
    made = workers(4, redis_url=redis_server.url)
    for number, worker in enumerate(made):
        worker.do("begin", "smart", 150, 1000 * number)
    made[0].wait_for(lambda known: len(known["served"]) > 20)
    redis_server.stop()
    for worker in made:
        worker.wait_for(lambda known: len(known["served"]) == 150)
    redis_server.start()
    made[1].do("promote")
    for worker in made:
        known = worker.wait_for(lambda known: known["audit"][-1] == "by the test")

        assert set(known["served"]) == {"seoul/gpt-4o", "seoul/gpt-5"}
        assert known["state"] == "promoted"


def test_a_rollout_survives_a_restart(workers, shared, provider):
    """The state and the counts; the first call after it knows them."""
    provider.faults["gpt-5"] = Fault.status(503)
    (before,) = workers(1, **shared)
    known = before.do("call", "smart", 10)
    before.end()
    (after,) = workers(1, **shared)
    again = after.do("call", "smart", 1)

    assert known["state"] == again["state"] == "rolled_back"
    assert again["calls"] == known["calls"] + 1
    assert again["served"] == ["seoul/gpt-4o"]


def test_a_new_model_begins_anew(shared, provider):
    """Another model, or another limit, is another rollout; other steps go on with what is known."""

    def rollout(**fields):
        given = {"old": "gpt-4o", "new": "gpt-5", "steps": [0.5], **fields}
        row = Connection.of("home", "openai", "sk-example", f"{provider.url}/v1")
        args = {"rollouts": [Rollout("smart", **given)], **shared}
        return GenAIClient(connections=[row], router_args=args).rollout("smart")

    rollout().roll_back()

    assert rollout().state == rollout(steps=[0.1, 1.0]).state == "rolled_back"
    rollout(max_latency=10).roll_back()
    assert rollout(max_latency=10.0).state == "rolled_back"
    assert rollout(new="gpt-5.1").state == rollout(max_error_rate=0.1).state == "running"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_children_tell_only_what_is_their_own(shared, provider):
    """Each call is counted once, though the children were made of a process with calls that it had not told yet."""
    row = Connection.of("home", "openai", "sk-example", f"{provider.url}/v1")
    args = {"rollouts": [Rollout("smart", old="gpt-4o", new="gpt-5", steps=[0.5])], **shared}
    client = GenAIClient(connections=[row], router_args=args)
    client.completion("smart", HELLO)
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                client.completion("smart", HELLO)
                client.completion("smart", HELLO)
                client.flush()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    track = client.rollout("smart")
    track.refresh()

    assert track.new.calls + track.old.calls == 7
