"""What the tests of tapes share: a provider to record, and clients that record and replay."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.routing import retry_rules
from genai_integrations.testing.provider import ScriptedProvider

KEY = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def seoul():
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture
def usa():
    with ScriptedProvider("usa") as server:
        yield server


@pytest.fixture
def tape(tmp_path):
    return tmp_path / "folder" / "calls.jsonl"


@pytest.fixture
def clients(monkeypatch):
    """Those made by a test; closed with it. Nothing is waited for between attempts."""
    monkeypatch.setattr(retry_rules, "_BACKOFF", (0.0, 0.0))
    made = []
    yield made
    for client in made:
        client.close()


@pytest.fixture
def recording(tape, clients):
    """Make a client of servers that records."""

    def make(*servers, **router_args):
        rows = [
            Connection.of(row.name, "openai", f"{KEY}-{row.name}", f"{row.url}/v1")
            for row in servers
        ]
        clients.append(GenAIClient(connections=rows, record=tape, router_args=router_args))
        return clients[-1]

    return make


@pytest.fixture
def replaying(tape, clients):
    """Make a client that replays, without any connection."""

    def make(replay=None, **router_args):
        clients.append(GenAIClient(replay=replay or tape, router_args=router_args))
        return clients[-1]

    return make


@pytest.fixture
def both(recording, replaying):
    """A client of servers that records, and when that has been used, one that replays."""

    def make(*servers, **router_args):
        yield recording(*servers, **router_args)
        yield replaying(**router_args)

    return make
