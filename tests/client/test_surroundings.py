"""Where a call is made: at the interpreter's end, in nested event loops, under trio."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import asyncio, atexit, sys
from genai_integrations import Connection, GenAIClient, GenAIError
url, dialect, work = sys.argv[1:]
row = Connection.of("home", "openai", "sk", url, dialect=dialect or None)
client = GenAIClient(connections=[row], router_args={"num_retries": 0})
QUESTION = ("gpt-4o", [{"role": "user", "content": "hi"}])
def say(reply):
    print(reply.choices[0].message.content)
def ask():
    try:
        say(client.completion(*QUESTION))
    except GenAIError as error:
        print(error)
exec(work)
"""
ANSWER = "provider says: hi\n"
ENDING = "the interpreter is ending, and what this call needs cannot be loaded any more"
NO_LOOP = (
    "no asyncio event loop is running here: under trio, call the method without the 'a' in a thread"
)
AT_THE_END = "atexit.register(ask)"
AT_THE_END_ASYNC = "atexit.register(lambda: say(asyncio.run(client.acompletion(*QUESTION))))"
IN_A_FINALISER = """
class Last:
    def __del__(self, ask=ask):
        ask()
sys.modules["last"] = Last()
"""
NESTED = """
import nest_asyncio
nest_asyncio.apply()
async def cell():
    say(asyncio.get_event_loop().run_until_complete(client.acompletion(*QUESTION)))
    stream = await client.acompletion(*QUESTION, stream=True)
    print("".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]))
asyncio.run(cell())
"""
UNDER_TRIO = """
import trio
async def main():
    for method in (client.acompletion(*QUESTION), client.aembedding("m", "x"), client.aprompt("x")):
        try:
            await method
        except GenAIError as error:
            print(error)
    say(await trio.to_thread.run_sync(lambda: client.completion(*QUESTION)))
trio.run(main)
"""
IN_ANYIO = """
import anyio
async def main():
    say(await client.acompletion(*QUESTION))
anyio.run(main)
"""


@pytest.mark.parametrize(
    ("work", "dialect", "begins", "lines"),
    [
        (AT_THE_END, "", ANSWER, 1),
        (AT_THE_END_ASYNC, "", ANSWER, 1),
        (AT_THE_END, "litellm", ENDING, 1),
        (IN_A_FINALISER, "", ENDING, 1),
        (NESTED, "", ANSWER * 2, 2),
        (UNDER_TRIO, "", NO_LOOP, 4),
        (IN_ANYIO, "", ANSWER, 1),
    ],
)
@pytest.mark.slow
def test_a_call(work, dialect, begins, lines, provider):
    """Is answered, or the error says what is in its way."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START, f"{provider.url}/v1", dialect, work],
        capture_output=True, check=False, text=True, timeout=120,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(begins)
    assert len(done.stdout.splitlines()) == lines
