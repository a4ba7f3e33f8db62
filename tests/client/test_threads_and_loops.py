"""One client, used from wherever a program happens to be: threads, loops, loops in threads, children."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.testing.faults import Fault

THREADS = 50


def _together(count, work):
    """Run `work(number)` in threads that start at one moment; what each returned, in order."""
    barrier = threading.Barrier(count, timeout=20)

    def run(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def _ask(client, number, model="gpt-4o"):
    content = f"question {number}"
    reply = client.completion(model, [{"role": "user", "content": content}])
    return reply.choices[0].message.content.endswith(content)


async def _aask(client, number):
    content = f"question {number}"
    reply = await client.acompletion("gpt-4o", [{"role": "user", "content": content}])
    return reply.choices[0].message.content.endswith(content)


async def _alisten(client, number):
    content = f"question {number}"
    messages = [{"role": "user", "content": content}]
    stream = await client.acompletion("gpt-4o", messages, stream=True)
    texts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    return "".join(texts).endswith(content)


def test_fifty_threads_get_their_own_answers(make_client, seoul):
    """No reply goes to another thread's question, from the first call on."""
    client = make_client(seoul)

    answers = _together(THREADS, lambda n: all(_ask(client, n * 10 + i) for i in range(4)))

    assert answers == [True] * THREADS
    assert len(seoul.requests) == THREADS * 4


def test_fifty_threads_get_their_own_streams(make_client, seoul):
    """Chunks do not mix either."""
    client = make_client(seoul)

    def listen(number):
        messages = [{"role": "user", "content": f"question {number}"}]
        stream = client.completion("gpt-4o", messages, stream=True)
        texts = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        return "".join(texts).endswith(f"question {number}")

    assert _together(THREADS, listen) == [True] * THREADS


def test_threads_keep_connections_to_share(make_client, seoul):
    """A second round of as many threads opens no new connection for each call."""
    client = make_client(seoul)
    _together(20, lambda n: _ask(client, n))
    opened = seoul.connections_opened

    for _ in range(5):
        _together(20, lambda n: _ask(client, n))

    assert seoul.connections_opened <= opened + 20


def test_many_calls_in_one_loop(make_client, seoul):
    """Gathered calls and streams get their own answers."""
    client = make_client(seoul)

    async def run():
        whole = [_aask(client, n) for n in range(60)]
        streams = [_alisten(client, n) for n in range(40)]
        return await asyncio.gather(*whole, *streams)

    assert asyncio.run(run()) == [True] * 100


def test_one_loop_after_the_other(make_client, seoul):
    """Ten times `asyncio.run` with one client: nothing of a closed loop is in the way, or warns."""
    client = make_client(seoul)

    async def run(number):
        return await asyncio.gather(_aask(client, number), _alisten(client, number))

    assert [asyncio.run(run(number)) for number in range(10)] == [[True, True]] * 10


def test_several_loops_at_once(make_client, seoul):
    """A loop in each of ten threads, with one client between them."""
    client = make_client(seoul)

    async def run(number):
        return all(await asyncio.gather(*(_aask(client, number * 10 + i) for i in range(5))))

    assert _together(10, lambda number: asyncio.run(run(number))) == [True] * 10


def test_sync_calls_from_a_running_loops_threads(make_client, seoul):
    """As web frameworks do with plain functions, next to asynchronous calls of the same client."""
    client = make_client(seoul)

    async def run():
        threads = [asyncio.to_thread(_ask, client, n) for n in range(20)]
        return await asyncio.gather(*threads, *(_aask(client, n) for n in range(20)))

    assert asyncio.run(run()) == [True] * 40


def test_a_sync_call_inside_a_running_loop(make_client, seoul):
    """In a notebook a loop always runs: a plain call works there, though it blocks the loop."""
    client = make_client(seoul)

    async def run():
        return _ask(client, 1) and await _aask(client, 2) and _ask(client, 3)

    assert asyncio.run(run())


def test_loops_and_threads_at_once(make_client, seoul, usa):
    """With a dead first target in addition, which every kind of caller learns of at the same time."""
    seoul.faults["*"] = Fault.no_answer(reset=True)
    client = make_client(seoul, usa)

    def work(number):
        return _ask(client, number) if number % 2 else asyncio.run(_aask(client, number))

    assert _together(20, work) == [True] * 20


CLIENT = """
    import asyncio, os, sys, threading, warnings

    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)

    from genai_integrations import Connection, GenAIClient, Secret
    from genai_integrations.connections.providers import PROVIDERS

    url = sys.argv[1]
    client = GenAIClient(
        connections=[Connection("seoul", PROVIDERS["openai"], Secret("sk-example"), url)],
        router_args={"num_retries": 0, "timeout": 10},
    )

    def ask(text):
        messages = [{"role": "user", "content": text}]
        return client.completion("gpt-4o", messages).choices[0].message.content

    def listen(text):
        stream = client.completion("gpt-4o", [{"role": "user", "content": text}], stream=True)
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

    async def aask(text):
        messages = [{"role": "user", "content": text}]
        reply = await client.acompletion("gpt-4o", messages)
        return reply.choices[0].message.content

    def all_ways(who):
        for at in range(3):
            for way in (ask, listen, lambda text: asyncio.run(aask(text))):
                text = f"{who} {at}"
                assert way(text).endswith(text), (who, at)
"""

BADLY_CLOSED = """
    for _ in range(3):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(aask("one"))
        loop.close()
    print(asyncio.run(aask("two")))
"""

FORK_AFTER_SYNC = """
    all_ways("before")
    child = os.fork()
    all_ways("child" if child == 0 else "parent")
    if child == 0:
        client.close()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    all_ways("afterwards")
    print("child", os.waitstatus_to_exitcode(status))
"""

FORK_IN_A_LOOP = """
    async def run():
        await aask("before")
        child = os.fork()
        if child == 0:
            # A child cannot go on with its parent's loop, so it starts in a thread of its own.
            thread = threading.Thread(target=all_ways, args=("child",))
            thread.start()
            thread.join()
            os._exit(0)
        await aask("parent")
        _, status = os.waitpid(child, 0)
        await aask("afterwards")
        print("child", os.waitstatus_to_exitcode(status))

    asyncio.run(run())
"""

FORK_WITH_AN_OPEN_STREAM = """
    stream = client.completion("gpt-4o", [{"role": "user", "content": "one two three"}], stream=True)
    first = next(stream)
    child = os.fork()
    if child == 0:
        all_ways("child")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert text.endswith("three"), text
    print("child", os.waitstatus_to_exitcode(status))
"""


def _run(rest, server, *options):
    return subprocess.run(
        [
            sys.executable,
            *options,
            "-c",
            textwrap.dedent(CLIENT) + textwrap.dedent(rest),
            f"{server.url}/v1",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("rest", [FORK_AFTER_SYNC, FORK_IN_A_LOOP, FORK_WITH_AN_OPEN_STREAM])
def test_after_a_fork_child_and_parent_both_go_on(rest, seoul):
    """Neither disturbs the other's connections, and with `-W error` nothing is said about sockets."""
    done = _run(rest, seoul, "-W", "error")

    assert (done.stdout.strip(), done.stderr) == ("child 0", "")
    assert done.returncode == 0


def test_a_loop_that_was_closed_badly_is_in_nobodys_way(seoul):
    """Without `asyncio.run` nobody shuts a loop's generators down; the next loop works, and the end is silent."""
    done = _run(BADLY_CLOSED, seoul, "-W", "error")

    assert (done.stdout.strip(), done.stderr) == ("seoul says: two", "")
