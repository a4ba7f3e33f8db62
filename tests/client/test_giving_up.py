"""Whoever stops early: the provider learns of it, and the next call works."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading

import pytest

from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four five"}]
PATIENCE = 10


@pytest.fixture
def client(make_client, seoul, usa):
    return make_client(seoul, usa, num_retries=0)


def _left(server, number=0):
    """Whether the client of a request has gone away; waits for the server to notice."""
    return server.requests[number].disconnected.wait(PATIENCE)


async def _arrived(server, count=1):
    await asyncio.to_thread(server.wait_for_requests, count, PATIENCE)


@pytest.mark.parametrize("stream", [False, True])
def test_a_task_cancelled_while_it_waits(stream, client, seoul, usa):
    """The request is given up, and cancellation is no failure: no other target is asked."""
    seoul.faults["*"] = Fault.hang(times=1)

    async def run():
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION, stream=stream))
        await _arrived(seoul)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(_left, seoul)
        reply = await client.acompletion("gpt-4o", QUESTION)
        return reply.route.served

    assert asyncio.run(run()) == "seoul/gpt-4o"
    assert not usa.requests


def test_a_callers_own_timeout_is_the_callers(client, seoul, usa):
    """`asyncio.timeout` around a call ends it with TimeoutError, and gives the request up."""
    seoul.faults["*"] = Fault.hang(times=1)

    async def run():
        with pytest.raises(TimeoutError):  # noqa: PT012  the block is the point
            async with asyncio.timeout(None) as block:
                loop = asyncio.get_running_loop()
                asyncio.get_running_loop().run_in_executor(None, _expire, seoul, loop, block)
                await client.acompletion("gpt-4o", QUESTION)
        assert await asyncio.to_thread(_left, seoul)

    asyncio.run(run())
    assert not usa.requests


def _expire(server, loop, block):
    server.wait_for_requests(1, PATIENCE)
    loop.call_soon_threadsafe(lambda: block.reschedule(loop.time()))


def test_a_task_cancelled_while_it_retries(make_client, seoul):
    """A wait between two attempts ends at once, too."""
    seoul.faults["*"] = Fault.rate_limited(50)
    client = make_client(seoul)

    async def run():
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION))
        await _arrived(seoul)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert len(seoul.requests) == 1


def test_a_task_cancelled_in_the_middle_of_a_stream(client, seoul):
    """The connection is closed, so the provider can stop generating."""
    seoul.faults["*"] = Fault.stall(2, times=1)

    async def run():
        begun = asyncio.Event()

        async def listen():
            async for chunk in await client.acompletion("gpt-4o", QUESTION, stream=True):
                if chunk.choices and chunk.choices[0].delta.content:
                    begun.set()

        task = asyncio.create_task(listen())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(_left, seoul)
        return (await client.acompletion("gpt-4o", QUESTION)).route.served

    assert asyncio.run(run()) == "seoul/gpt-4o"


@pytest.mark.parametrize("how", ["with", "close", "break", "close before the first chunk"])
def test_a_stream_closed_early(how, client, seoul):
    """Each way to stop closes the connection; asking on gives nothing more."""
    seoul.faults["*"] = Fault.stall(2, times=1)
    stream = client.completion("gpt-4o", QUESTION, stream=True)

    if how == "with":
        with stream:
            next(stream)
    elif how == "break":
        for _ in stream:
            break
        stream.close()
    else:
        if how == "close":
            next(stream)
        stream.close()
        stream.close()

    assert _left(seoul)
    assert next(stream, None) is None
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


@pytest.mark.parametrize("how", ["with", "aclose", "aclose before the first chunk"])
def test_an_async_stream_closed_early(how, client, seoul):
    """The same for asynchronous streams."""
    seoul.faults["*"] = Fault.stall(2, times=1)

    async def run():
        stream = await client.acompletion("gpt-4o", QUESTION, stream=True)
        if how == "with":
            async with stream:
                await anext(stream)
        else:
            if how == "aclose":
                await anext(stream)
            await stream.aclose()
            await stream.aclose()
        assert await asyncio.to_thread(_left, seoul)
        assert [chunk async for chunk in stream] == []
        return (await client.acompletion("gpt-4o", QUESTION)).route.served

    assert asyncio.run(run()) == "seoul/gpt-4o"


@pytest.mark.parametrize("read", [0, 1])
def test_a_stream_nobody_holds_any_more(read, client, seoul):
    """Garbage collection closes the connection, silently."""
    seoul.faults["*"] = Fault.stall(2, times=1)
    stream = client.completion("gpt-4o", QUESTION, stream=True)
    for _ in range(read):
        next(stream)
    del stream
    gc.collect()

    assert _left(seoul)
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


@pytest.mark.parametrize("read", [0, 1])
def test_an_async_stream_nobody_holds_any_more(read, client, seoul):
    """The same in a loop, which closes what was left lying about."""
    seoul.faults["*"] = Fault.stall(2, times=1)

    async def run():
        stream = await client.acompletion("gpt-4o", QUESTION, stream=True)
        for _ in range(read):
            await anext(stream)
        del stream
        gc.collect()
        assert await asyncio.to_thread(_left, seoul)
        return (await client.acompletion("gpt-4o", QUESTION)).route.served

    assert asyncio.run(run()) == "seoul/gpt-4o"


def test_a_loop_that_ends_with_a_stream_open(client, seoul):
    """The loop's end closes it; the next loop works."""
    seoul.faults["*"] = Fault.stall(2, times=1)
    kept = []

    async def run():
        kept.append(await client.acompletion("gpt-4o", QUESTION, stream=True))
        await anext(kept[0])

    asyncio.run(run())

    assert _left(seoul)
    assert asyncio.run(client.acompletion("gpt-4o", QUESTION)).route.served == "seoul/gpt-4o"


@pytest.mark.parametrize("stream", [False, True])
def test_ctrl_c_in_a_sync_call(stream, client, seoul, usa):
    """KeyboardInterrupt comes out as itself; the connection is closed and no other target is asked."""
    seoul.faults["*"] = Fault.hang(times=1)

    def interrupt():
        seoul.wait_for_requests(1, PATIENCE)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        client.completion("gpt-4o", QUESTION, stream=stream)
    thread.join(PATIENCE)

    assert _left(seoul)
    assert not usa.requests
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


@pytest.mark.parametrize("leave", ["close", "with"])
def test_a_closed_client_opens_itself_again(leave, client, seoul):
    """`close()` forgets keys; it ends neither the client's life nor the connections, which are everybody's."""
    client.completion("gpt-4o", QUESTION)
    opened = seoul.connections_opened
    if leave == "close":
        client.close()
        client.close()
    else:
        with client:
            client.completion("gpt-4o", QUESTION)

    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"
    assert seoul.connections_opened == opened


def test_a_client_closed_in_a_loop_opens_itself_again(client, seoul):
    """The same for `aclose()` and `async with`, also without any call before."""

    async def run():
        await client.aclose()
        async with client:
            await client.acompletion("gpt-4o", QUESTION)
        await client.aclose()
        return (await client.acompletion("gpt-4o", QUESTION)).route.served

    assert asyncio.run(run()) == "seoul/gpt-4o"
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


def test_closing_does_not_cut_a_stream_that_is_read(client, seoul):
    """Only idle connections are closed: another thread's answer comes whole."""
    stream = client.completion("gpt-4o", QUESTION, stream=True)
    next(stream)
    client.close()

    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text.endswith("five")


def test_closing_while_fifty_threads_call(client):
    """No call fails for it."""
    barrier = threading.Barrier(21, timeout=20)
    served = []

    def call():
        barrier.wait()
        served.extend(client.completion("gpt-4o", QUESTION).route.served for _ in range(5))

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    barrier.wait()
    while any(thread.is_alive() for thread in threads):
        client.close()
        threads[0].join(0.001)
    for thread in threads:
        thread.join()

    assert served == ["seoul/gpt-4o"] * 100


def test_a_process_that_ends_with_everything_open_is_silent(seoul):
    """No traceback and no warning at the interpreter's exit."""
    import subprocess
    import sys

    script = f"""
import asyncio
from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS

made = Connection("seoul", PROVIDERS["openai"], Secret("sk-example"), {seoul.url!r} + "/v1")
client = GenAIClient(connections=[made])
question = [{{"role": "user", "content": "one two three"}}]
client.completion("gpt-4o", question)
stream = client.completion("gpt-4o", question, stream=True)
next(stream)
asyncio.run(client.acompletion("gpt-4o", question))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
