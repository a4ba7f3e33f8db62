"""LiteLLM writes nothing into a program's stderr."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading

import pytest

from genai_integrations.runtime.background import BackgroundLoop
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.transports.litellm.quiet import KeepingExecutor, quiet, silence

_PROGRAM = """
import asyncio, gc, sys

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import GenAIError

url = sys.argv[1]
places = {
    "google-ai-studio": (url, "no-such-model"),
    "anthropic": (url, "claude-sonnet-4-5"),
    "mistral": (f"{url}/v1", "unknown/odd:model"),
}
rows = [Connection.of(name, name, "sk-x", at, dialect="litellm") for name, (at, _) in places.items()]
client = GenAIClient(connections=rows, router_args={"num_retries": 0, "allowed_fails": 1000})
question = [{"role": "user", "content": "Hello!"}]


async def cancelled(name):
    for after in range(12):
        task = asyncio.create_task(client.acompletion(name, question))
        await asyncio.sleep(after / 4000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def left(name):
    async for _ in await client.acompletion(name, question, True):
        break


def tried(work):
    try:
        return work()
    except GenAIError as error:
        return error


for place, (_, model) in places.items():
    name = f"{place}/{model}"
    tried(lambda: client.completion(name, question, temperature=0.1))
    tried(lambda: list(client.completion(name, question, True, temperature=0.1)))
    tried(lambda: client.embedding(name, "x"))
    asyncio.run(cancelled(name))
    tried(lambda: asyncio.run(left(name)))
gc.collect()
print("done")
"""


@pytest.mark.slow
def test_nothing_is_written():
    """Of models that it does not know, of calls that are cancelled, of streams that are left, and at the end."""
    with ScriptedProvider() as provider:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, provider.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_coroutine_that_comes_too_late_is_closed():
    """Made in another thread while the call was cancelled, it is awaited by nobody, and nobody hears of it."""
    go_on, over, made = threading.Event(), threading.Event(), []

    async def never():
        raise AssertionError

    def make():
        go_on.wait(10)
        made.append(never())
        return made[0]

    async def call():
        try:
            with quiet():
                await asyncio.get_running_loop().run_in_executor(None, make)
        finally:
            over.set()

    executor = KeepingExecutor(1)
    loop = BackgroundLoop("test", lambda: executor)
    with pytest.raises(TimeoutError):
        loop.run(call(), 0.05)
    assert over.wait(10)
    go_on.set()
    executor.shutdown()

    (late,) = made
    assert late.cr_frame is None


def test_a_programs_own_use_of_litellm_logs_as_ever(caplog):
    """Only what it says while it works for us is dropped."""
    silence()
    log = logging.getLogger("LiteLLM")
    with caplog.at_level(logging.WARNING, "LiteLLM"):
        log.addHandler(caplog.handler)
        with quiet():
            log.warning("ours")
        log.warning("the program's")
        log.removeHandler(caplog.handler)

    assert {row.getMessage() for row in caplog.records} == {"the program's"}
