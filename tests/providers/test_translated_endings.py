"""A call ends when we say, and a program that calls ends in silence."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys

import pytest
from places import ONE_OF_EACH, QUESTION

from genai_integrations.errors import RequestTimeoutError, StreamInterruptedError
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]


def test_a_hang_ends_when_we_say(place, model, ask, make_client, connect, abroad):
    """The time-out of the call counts, whatever the way and the provider."""
    client = make_client(connect(place))
    # What LiteLLM loads at its first call to a provider is done before the clock runs.
    ask(client, model)
    abroad.faults[place.model] = Fault.hang()

    with pytest.raises(RequestTimeoutError):
        ask(client, model, timeout=0.3)

    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
def test_a_stall_ends_when_we_say(place, model, ask, mode, make_client, connect, abroad):
    """After the first content it is the silence that counts."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place))
    kind = StreamInterruptedError if "stream" in mode else RequestTimeoutError

    with pytest.raises(kind) as caught:
        ask(client, model, timeout=0.3)

    if "stream" in mode:
        assert caught.value.partial_text == "abroad says:"
    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
@pytest.mark.parametrize("stream", [False, True])
async def test_cancelling_hangs_up(place, stream, make_client, connect, abroad):
    """Nobody pays for an answer that nobody waits for."""
    abroad.faults[place.model] = Fault.hang()
    client = make_client(connect(place))
    call = client.acompletion(f"abroad/{place.model}", QUESTION, stream=stream)
    task = asyncio.create_task(call)
    await asyncio.to_thread(abroad.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, 5)


@ONE_OF_EACH
def test_closing_a_stream_early_hangs_up(place, model, make_client, connect, abroad):
    """So does leaving the loop in the middle of an answer."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place))
    with client.completion(model, QUESTION, stream=True) as stream:
        next(stream)

    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
async def test_closing_an_async_stream_early_hangs_up(place, make_client, connect, abroad):
    """In a running loop too."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place))
    stream = await client.acompletion(f"abroad/{place.model}", QUESTION, stream=True)
    async with stream:
        await anext(stream)

    assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, 5)


def test_a_stream_that_is_dropped_hangs_up(client, model, abroad, place):
    """A stream that nobody holds any more is closed without being asked."""
    abroad.faults[place.model] = Fault.stall(2)
    stream = client.completion(model, QUESTION, stream=True)
    next(iter(stream))
    del stream
    gc.collect()

    assert abroad.requests[-1].disconnected.wait(5)


PROGRAM = """
import sys
from genai_integrations import Connection, GenAIClient
url = sys.argv[1]
client = GenAIClient(connections=[Connection.of("a", "anthropic", "sk-ant-api03-example", url, dialect="litellm")])
ask = lambda: client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "hi"}])
assert ask().choices[0].message.content == "abroad says: hi"
"""


FORK = (
    PROGRAM
    + """
import os
stream = client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b c"}], stream=True)
next(iter(stream))
child = os.fork()
if child == 0:
    good = ask().choices[0].message.content == "abroad says: hi"
    os._exit(0 if good else 7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert len(list(stream)) > 1
assert ask().choices[0].message.content == "abroad says: hi"
"""
)


LEFT_OPEN = (
    PROGRAM
    + """
stream = client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b c"}], stream=True)
next(iter(stream))
"""
)


ASYNC_LEFT = (
    PROGRAM
    + """
import asyncio
async def main():
    stream = await client.acompletion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b"}], stream=True)
    async for chunk in stream:
        break
asyncio.run(main())
"""
)


LET_GO = {"fork": FORK, "stream left open": LEFT_OPEN, "async stream left open": ASYNC_LEFT}

TOGETHER = """
import os, sys
from genai_integrations.transports.litellm.loading import litellm_module
litellm_module()
children = {}
for name, text in LET_GO.items():
    children[name] = os.fork()
    if not children[name]:
        for number in (1, 2):
            os.dup2(os.open(f"{sys.argv[2]}/{name} {number}", os.O_WRONLY | os.O_CREAT), number)
        exec(text)
        sys.exit()
for name, child in children.items():
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, (name, code)
"""
"""Imports LiteLLM once, which takes five seconds, and goes on as each of the programs."""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_programs_that_close_nothing_end_in_silence(tmp_path):
    """With warnings as errors, the end of the interpreter says nothing, in a forked child neither."""
    strict = ["-W", "error::ResourceWarning", "-W", "error::RuntimeWarning"]
    # Since Python 3.12 whoever forks beside threads is warned; that this one may is what is tested.
    strict += ["-W", "ignore:This process (pid:DeprecationWarning"]
    text = f"LET_GO = {LET_GO!r}\n{TOGETHER}\n{PROGRAM}"
    with ScriptedProvider("abroad") as server:
        done = subprocess.run(
            [sys.executable, *strict, "-W", "ignore::UserWarning:pydantic", "-c", text, server.url, tmp_path],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )  # fmt: skip

    said = {row.name: row.read_text() for row in tmp_path.iterdir()}
    assert said == {f"{name} {number}": "" for name in LET_GO for number in (1, 2)}
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
