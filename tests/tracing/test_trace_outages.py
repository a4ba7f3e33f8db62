"""Langfuse is away, hangs or refuses; the program ends, or forks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from tracing_support import HELLO, WAYS, ask, calls

from genai_integrations.testing.langfuse import LangfuseStandIn

ANSWER = "provider says: Hello!"

PROGRAM = """
import os, sys
from genai_integrations import Connection, GenAIClient
url, public_key, secret_key, host = sys.argv[1:]
client = GenAIClient(
    public_key, secret_key, host, connections=[Connection.of("home", "openai", "sk", url)]
)
def ask(text):
    reply = client.completion("gpt-4o", [{"role": "user", "content": text}])
    print(reply.choices[0].message.content, flush=True)
"""


def program(text, provider, langfuse, **variables):
    """Run a program to its end; what it prints. It has half a minute, which no test comes near."""
    pair = (langfuse.public_key, langfuse.secret_key, langfuse.host)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + text, f"{provider.url}/v1", *pair],
        env={**os.environ, "LANGFUSE_TIMEOUT": "1", **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines(), done.stderr


@pytest.fixture(params=["refused", "hanging", "503", "401"])
def trouble(request, langfuse, monkeypatch):
    """What goes wrong with Langfuse when it is called."""
    monkeypatch.setenv("LANGFUSE_TIMEOUT", "1")
    return {
        "refused": langfuse.close,
        "hanging": lambda: setattr(langfuse, "hanging", True),
        "503": lambda: setattr(langfuse, "down", True),
        "401": lambda: setattr(langfuse, "secret_key", "sk-lf-changed"),
    }[request.param]


@pytest.mark.parametrize("way", WAYS)
def test_calls_work(way, trouble, make_client, langfuse, caplog):
    """They are answered while Langfuse is still as it is, `flush` returns, and no key is in the log."""
    secret = langfuse.secret_key
    client = make_client()
    trouble()
    answer = ask(client, way)
    assert langfuse.spans == []
    client.flush()

    if isinstance(answer, list):
        assert (
            "".join(row.choices[0].delta.content or "" for row in answer if row.choices) == ANSWER
        )
    else:
        assert answer.choices[0].message.content == ANSWER
    assert langfuse.spans == []
    assert secret not in caplog.text


def test_a_call_does_not_wait_for_an_export(make_client, langfuse, monkeypatch):
    """More calls are answered while one export hangs, than a queue of one could hold."""
    monkeypatch.setenv("LANGFUSE_TIMEOUT", "1")
    langfuse.hanging = True
    client = make_client()
    client.completion("gpt-4o", HELLO)
    langfuse.wait_for_requests(1)
    for _ in range(5):
        client.completion("gpt-4o", HELLO)

    (export,) = langfuse.requests
    assert not export.disconnected.is_set()


def test_what_waited_is_sent_later(make_client, langfuse, recorded):
    """An export that Langfuse refuses for a while is repeated by the SDK."""
    langfuse.down = True
    client = make_client()
    client.completion("gpt-4o", HELLO)
    langfuse.wait_for_requests(1)
    langfuse.down = False

    assert len(recorded(client)) == 1


def test_the_queue_is_bounded(make_client, langfuse, provider, monkeypatch):
    """While Langfuse hangs, spans beyond the queue's size are dropped, and the calls go on."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("LANGFUSE_FLUSH_AT", "4")
    monkeypatch.setenv("LANGFUSE_TIMEOUT", "1")
    langfuse.hanging = True
    client = make_client()
    client.completion("gpt-4o", HELLO)
    langfuse.wait_for_requests(1)

    async def many():
        await asyncio.gather(*(client.acompletion("gpt-4o", HELLO) for _ in range(60)))

    asyncio.run(many())

    assert len(provider.requests) == 61
    langfuse.hanging = False
    client.flush()
    assert len(langfuse.spans) <= 16 + 4


def test_a_program_that_simply_ends(provider, langfuse):
    """Neither flushed nor closed, its calls are exported at its end."""
    lines, _ = program("ask('Hello!')", provider, langfuse)

    assert lines == [ANSWER]
    assert len(langfuse.spans) == 1


def test_a_program_that_ends_in_a_stream(provider, langfuse):
    """One that is still open then does no harm."""
    text = """
    messages = [{"role": "user", "content": "Hello!"}]
    stream = client.completion("gpt-4o", messages, stream=True)
    left = client.completion("gpt-4o", messages, stream=True)
    next(stream), print("read")
    """
    lines, errors = program("\n".join(map(str.strip, text.splitlines())), provider, langfuse)

    assert lines == ["read"]
    assert errors == ""


@pytest.mark.parametrize("how", ["refused", "hanging", "down"])
def test_a_program_ends_without_langfuse(how, provider):
    """Within the SDK's own time-outs."""
    with LangfuseStandIn() as langfuse:
        if how == "refused":
            langfuse.close()
        else:
            setattr(langfuse, how, True)
        lines, _ = program("ask('Hello!')", provider, langfuse)

    assert lines == [ANSWER]


FORK = """
ask("before")
for number in range(2):
    child = os.fork()
    if not child:
        ask(f"child {number}")
        client.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
ask("after")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_workers(provider, langfuse):
    """Each one's calls are exported once, and so are its parent's."""
    lines, _ = program(FORK, provider, langfuse)

    found = [row["attributes"]["langfuse.observation.input"] for row in langfuse.spans]
    texts = ["before", "child 0", "child 1", "after"]
    assert lines == [f"provider says: {text}" for text in texts]
    assert sorted(found) == sorted(f'[{{"role":"user","content":"{text}"}}]' for text in texts)


def test_langfuse_comes_back(make_client, langfuse, recorded):
    """Calls after an outage are recorded as before it."""
    client = make_client()
    langfuse.down = True
    client.completion("gpt-4o", HELLO)
    langfuse.wait_for_requests(1)
    langfuse.down = False
    client.completion("gpt-4o", HELLO)

    assert len(calls(recorded(client))) == 2
