"""Calls written down, and what is read from them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def client(provider, tmp_path):
    connections = [
        Connection.of(
            "seoul", "openai", "sk-1", provider.url, custom_models=["gpt-4o", "gpt-4o-mini"]
        )
    ]
    return GenAIClient(
        connections=connections, ledger=tmp_path / "calls.db", router_args={"num_retries": 0}
    )


def test_the_call_that_just_returned_is_in_it(client):
    """Every door and way, at once."""
    client.completion("gpt-4o", QUESTION, langfuse_user_id="ann")
    list(client.completion("gpt-4o", QUESTION, stream=True))
    ChatGenAI("gpt-4o", client=client).invoke("Hi")
    GenAI("gpt-4o-mini", client=client).complete("Hi")
    asyncio.run(client.acompletion("gpt-4o-mini", QUESTION))

    rows = client.stats()
    assert [(row.key, row.calls, row.ok) for row in rows] == [
        ("gpt-4o", 3, 3),
        ("gpt-4o-mini", 2, 2),
    ]
    assert rows.total is not None
    assert (rows.total.calls, rows.total.attempts, rows.total.success_rate) == (5, 5, 1.0)
    assert rows[0].first_content_p50_ms is not None
    assert rows[0].cost == pytest.approx(rows.total.cost - rows[1].cost)
    assert [row.key for row in client.stats("user")] == [None, "ann"]


def test_failures_by_kind(client, provider):
    """With what they are called, and what they cost is not lost."""
    provider.faults["*"] = [Fault.status(503), None]
    with pytest.raises(GenAIError):
        client.completion("gpt-4o", QUESTION)
    client.completion("gpt-4o", QUESTION)

    row = client.stats()[0]
    assert (row.calls, row.ok, dict(row.errors)) == (2, 1, {"ServerError": 1})
    assert [row.key for row in client.stats("outcome")] == ["ServerError", "ok"]


def test_texts_are_kept_only_where_it_is_asked_for(client, provider, tmp_path):
    """By default neither the question nor the answer is in the file."""
    client.completion("gpt-4o", [{"role": "user", "content": "a secret plan"}])
    client.flush()
    assert b"secret plan" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    connection = Connection.of("usa", "openai", "sk-1", provider.url)
    other = GenAIClient(
        connections=[connection], ledger={"path": tmp_path / "texts.db", "texts": True}
    )
    other.completion("usa/gpt-4o", [{"role": "user", "content": "an open plan"}])
    other.flush()

    with sqlite3.connect(tmp_path / "texts.db") as read:
        question, answer = read.execute("SELECT question, answer FROM calls").fetchone()
    read.close()
    assert "an open plan" in question
    assert "choices" in answer


def test_the_oldest_go_first(provider, tmp_path, monkeypatch):
    """A ledger keeps so many calls."""
    monkeypatch.setattr("genai_integrations.ledger.book._CHECKS", 1)
    connection = Connection.of("usa", "openai", "sk-1", provider.url)
    client = GenAIClient(
        connections=[connection], ledger={"path": tmp_path / "c.db", "most_calls": 3}
    )
    for _ in range(5):
        client.completion("usa/gpt-4o", QUESTION)
        client.flush()

    assert client.stats()[0].calls == 3


@pytest.mark.parametrize("content", [b"no database at all, but a text" * 50, None])
def test_a_file_that_is_no_ledger(provider, tmp_path, caplog, content):
    """A damaged one, or another program's: calls go on, a warning says it, and it is left as it is."""
    path = tmp_path / "c.db"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA user_version = 7")
            other.execute("CREATE TABLE theirs (x)")
        other.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    connection = Connection.of("usa", "openai", "sk-1", provider.url)
    client = GenAIClient(connections=[connection], ledger=path)

    assert client.completion("usa/gpt-4o", QUESTION).route.served == "usa/gpt-4o"
    with pytest.raises(ConfigurationError, match="ledger"):
        client.stats()
    assert "1 calls are not in it" in caplog.text
    assert content is None or path.read_bytes() == before


@pytest.mark.parametrize(
    "given",
    [5, "", {"path": "x.db", "text": True}, {"texts": True}, {"path": "x.db", "most_calls": 0}],
)
def test_what_cannot_be_a_ledger(given):
    """It is told when the client is made."""
    with pytest.raises(ConfigurationError, match="ledger"):
        GenAIClient(connections=[], ledger=given)


def test_a_folder_that_is_not_there(tmp_path):
    """It is not made: a slip of the pen would hide the calls."""
    with pytest.raises(ConfigurationError, match=r"the folder .* does not exist"):
        GenAIClient(connections=[], ledger=tmp_path / "none" / "calls.db")


def test_without_a_ledger_there_are_no_stats():
    """The error says how to have them."""
    with pytest.raises(ConfigurationError, match=r'ledger="calls.db"'):
        GenAIClient(connections=[]).stats()


_WRITES = """
import os, sys
from genai_integrations import Connection, GenAIClient
url, path, calls = sys.argv[1:]
client = GenAIClient(connections=[Connection.of("usa", "openai", "sk-1", url)], ledger=path)
for _ in range(int(calls)):
    client.completion("usa/gpt-4o", [{"role": "user", "content": "Hi"}])
if os.fork() == 0:
    client.completion("usa/gpt-4o", [{"role": "user", "content": "Hi"}])
    sys.exit()
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_and_their_children_write_to_one(provider, tmp_path):
    """What waits at the end of a process is written; nothing is lost between them."""
    path = tmp_path / "calls.db"
    command = [sys.executable, "-W", "ignore", "-c", _WRITES, provider.url, str(path), "20"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [row.wait(100) for row in both] == [0, 0]

    client = GenAIClient(connections=[], ledger=path)
    assert client.stats()[0].calls == 42
