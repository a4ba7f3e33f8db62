"""The latencies that are told are the provider's: what is ours has its own figure."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genai_integrations.routing import warming

PROGRAM = Path(__file__).parent / "programs" / "imports_of_attempts.py"
OWN = {
    "openai": ("gpt-4o", "/v1"),
    "anthropic": ("claude-sonnet-4-5", ""),
    "google-ai-studio": ("gemini-2.5-flash", ""),
    "bedrock": ("anthropic.claude-3-5-sonnet-20240620-v1:0", ""),
}
LITELLM = {"galadriel": ("llama3.1", "/v1")}


def imported(mode, provider, rows):
    """What came while attempts ran, by target: for a call and a stream each."""
    given = [
        word for name, (model, path) in rows.items() for word in (name, model, provider.url + path)
    ]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), mode, *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    "rows", [OWN, pytest.param(LITELLM, marks=pytest.mark.slow)], ids=["own", "litellm"]
)
def test_an_attempt_imports_nothing(provider, mode, rows):
    """In a fresh process, by its first call and its first stream: whoever speaks to the provider is loaded before."""
    expected = {f"{name}/{model}": [["ok", []], ["ok", []]] for name, (model, _) in rows.items()}
    assert imported(mode, provider, rows) == expected


class Slow:
    """A store of connections that takes its time, in which somebody waits for `go`."""

    def __init__(self, row):
        self.row = row
        self.go = threading.Event()

    def load(self, names):
        self.go.wait()
        return [self.row]


def test_reading_keys_is_ours_and_no_attempts(make_client, connect, seoul):
    """`ours_ms` has the wait for the store; the attempt's own time begins after it."""
    from genai_integrations import GenAIClient

    store = Slow(connect(seoul))
    with GenAIClient(connections=store) as client:
        timer = threading.Timer(0.3, store.go.set)
        timer.start()
        first = client.completion("gpt-4o", [{"role": "user", "content": "hi"}]).route
        second = client.completion("gpt-4o", [{"role": "user", "content": "hi"}]).route
        timer.join()
    assert first.ours_ms >= 250
    assert first.attempts[0].began_ms >= 250
    assert second.ours_ms == 0
    assert first.as_dict()["ours_ms"] == round(first.ours_ms, 1)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_warming_up_sends_nothing_and_leaves_nothing_to_do(
    make_client, connect, seoul, way, monkeypatch
):
    """A client that is warm has nothing of its own in the next call; a name that nobody serves stops nothing."""
    loads = []
    monkeypatch.setattr(warming, "_load_late", lambda: loads.append(1))
    client = make_client(connect(seoul), connect(seoul, "claude", provider="anthropic"))
    names = ("gpt-4o", "claude/claude-sonnet-4-5", "nobody/knows-this")

    async def warm():
        await client.awarm_up(*names)
        return [
            (await client.acompletion(name, [{"role": "user", "content": "hi"}])).route
            for name in names[:2]
        ]

    if way == "async":
        routes = asyncio.run(warm())
    else:
        client.warm_up(*names)
        assert seoul.requests == []
        routes = [
            client.completion(name, [{"role": "user", "content": "hi"}]).route for name in names[:2]
        ]
    assert [route.ours_ms for route in routes] == [0, 0]
    assert loads == [1]
    assert len(seoul.requests) == 2
