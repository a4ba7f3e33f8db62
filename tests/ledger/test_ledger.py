"""Calls written down, and what is read from them."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from datetime import date

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.cli import app
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.ledger.book import book_at, opened_for_reading
from genai_integrations.ledger.report import report
from genai_integrations.ledger.slowness import parts_of, why_slow
from genai_integrations.ledger.what_if import Way, what_if
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


@pytest.mark.parametrize("way", ["deleted", "moved"])
def test_a_ledger_that_is_taken_away_begins_anew(client, tmp_path, way):
    """Without a new start of the program; what was written before is in the file that was moved."""
    path, old = tmp_path / "calls.db", tmp_path / "november.db"
    client.completion("gpt-4o", QUESTION)
    assert client.stats().total.calls == 1
    if way == "moved":
        path.rename(old)
    else:
        for one in tmp_path.glob("calls.db*"):
            one.unlink()
    for _ in range(2):
        client.completion("gpt-4o", QUESTION)

    assert client.stats().total.calls == 2
    if way == "moved":
        with opened_for_reading(old) as moved:
            assert moved.execute("SELECT count(*) FROM calls").fetchone()[0] == 1


def test_half_an_emoji_loses_no_call(client, provider, tmp_path):
    """Texts are cut anywhere, and SQLite refuses half a surrogate pair: what is written together with it stays."""
    half = "wave \ud83d"
    told = {"path": tmp_path / "calls.db", "texts": True}
    told_all = GenAIClient(
        connections=[Connection.of("usa", "openai", "sk-1", provider.url)], ledger=told
    )
    told_all.completion("usa/gpt-4o", [{"role": "user", "content": half}])
    client.completion("gpt-4o", QUESTION, langfuse_user_id=half)
    client.completion("gpt-4o", QUESTION, langfuse_user_id="ann 🖐")

    assert {row.key for row in client.stats("user")} == {None, "wave \\ud83d", "ann 🖐"}
    with client._ledger.book.reading() as ledger:
        (question,) = ledger.execute("SELECT question FROM calls ORDER BY id").fetchone()
    assert json.loads(question)["messages"][0]["content"] == half


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


def test_an_option_of_the_ledger_is_told_by_its_own_name(tmp_path):
    """It is no argument of `router_args`."""
    with pytest.raises(
        ConfigurationError, match=r"^ledger\.texts must be True or False, not 'yes'"
    ):
        GenAIClient(ledger={"path": tmp_path / "calls.db", "texts": "yes"})


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


_POOL = """
import multiprocessing, sys
from genai_integrations import Connection, GenAIClient
url, path = sys.argv[1:]
client = GenAIClient(connections=[Connection.of("usa", "openai", "sk-1", url)], ledger=path)
def ask():
    client.completion("usa/gpt-4o", [{"role": "user", "content": "Hi"}])
ask()
workers = [multiprocessing.get_context("fork").Process(target=ask) for _ in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_workers_that_were_forked_write_what_waits(provider, tmp_path):
    """They have the client from before, and end behind `atexit`."""
    path = tmp_path / "calls.db"
    command = [sys.executable, "-W", "ignore", "-c", _POOL, provider.url, str(path)]
    subprocess.run(command, check=True, timeout=100)

    assert GenAIClient(connections=[], ledger=path).stats()[0].calls == 4


def test_of_two_sizes_of_one_file_the_larger_counts(tmp_path):
    """A client that keeps little does not take away what another keeps."""
    path = tmp_path / "calls.db"
    sizes = [book_at(path, size)._most_calls for size in (10, 500, 20)]

    assert sizes == [10, 500, 500]


def test_the_report_is_one_page_that_loads_nothing(client, provider, tmp_path):
    """Whatever stands in names and errors is shown, and none of it is a part of the page."""
    provider.faults["*"] = [Fault.status(503), None]
    with pytest.raises(GenAIError):
        client.completion("gpt-4o", QUESTION, langfuse_user_id="<script>alert(1)</script> 김민수")
    client.completion("gpt-4o", QUESTION, langfuse_user_id="ann")
    with client._ledger.book.reading() as connection:
        page = report(connection)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; 김민수" in page
    assert "<script" not in page
    for loads in ("http://", "https://", "src=", "@import", "url("):
        assert loads not in page
    assert page.count("<svg") == 2
    assert "Latest failures" in page
    assert "Why were the slowest slow?" in page


def test_the_commands(client, tmp_path, capsys):
    """A table, JSON, the slowest call, the page."""
    client.completion("gpt-4o", QUESTION)
    client.flush()
    file = str(tmp_path / "calls.db")

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            app.main([*arguments, "--ledger", file])
        return ended.value.code, capsys.readouterr().out

    code, shown = run("stats")
    assert (code, shown.split()[:3]) == (0, ["model", "calls", "answered"])
    code, shown = run("stats", "--json", "--since", "1h")
    assert json.loads(shown)[0]["success_rate"] == 1.0
    code, shown = run("stats", "--slowest", "1")
    assert "gpt-4o: " in shown
    assert "to the first byte" in shown
    assert "the rest of the answer" in shown
    code, shown = run("report", "-o", str(tmp_path / "r.html"))
    assert (code, (tmp_path / "r.html").read_text("utf-8")[:15]) == (0, "<!doctype html>")
    assert run("stats", "--since", "soon")[0] == 1
    assert run("stats", "--by", "colour")[0] == 1
    assert run("stats", "--slowest", "-1")[0] == 2
    # Its own name in place of the page's costs no ledger.
    assert run("report", "-o", file)[0] == 1
    assert client.stats().total.calls == 1


@pytest.mark.parametrize("moment", ["2026-11-27", float("nan"), True, date(2026, 11, 27)])
def test_a_moment_that_is_none_is_told(client, moment):
    """SQLite compares anything with anything, and would find no call."""
    for bounds in ({"since": moment}, {"until": moment}):
        with pytest.raises(ConfigurationError, match="must be a datetime, or seconds since 1970"):
            client.stats(**bounds)


_CALL = {"ms": 1000.0, "limited_ms": 100.0}
_LOST = {
    "target": "seoul/m", "outcome": "ServerError", "began_ms": 110.0, "ms": 300.0, "first_content_ms": None,
    "connect_ms": None, "first_byte_ms": None, "longest_gap_ms": None,
}  # fmt: skip
_WON = {
    "target": "usa/m",
    "outcome": "ok",
    "began_ms": 450.0,
    "ms": 540.0,
    "first_content_ms": 40.0,
    "connect_ms": None,
    "first_byte_ms": None,
    "longest_gap_ms": None,
}


def test_where_the_time_of_a_call_went():
    """Parts that add up to the whole, in their order."""
    parts = parts_of(_CALL, [_LOST, _WON])

    assert [(part.name, part.ms) for part in parts] == [
        ("waited for a limit", 100.0),
        ("choice, keys and our own work", 10.0),
        ("lost: ServerError", 300.0),
        ("wait before the next attempt", 40.0),
        ("to the first content", 40.0),
        ("the rest of the stream", 500.0),
        ("after the last attempt", 10.0),
    ]
    assert why_slow(_CALL, [_LOST, _WON]) == "50% of 1000 ms: the rest of the stream (usa/m)"


def test_what_was_measured_on_the_way_is_told():
    """Connection, head and gaps, where they are known; an answer that is no stream has no content of its own."""
    measured = {**_WON, "connect_ms": 10.0, "first_byte_ms": 25.0, "longest_gap_ms": 200.4}
    parts = parts_of(_CALL, [_LOST, measured])
    whole = parts_of(_CALL, [{**measured, "connect_ms": None, "first_content_ms": None}])

    assert [(part.name, part.ms) for part in parts[4:8]] == [
        ("connect", 10.0),
        ("to the first byte", 15.0),
        ("to the first content", 15.0),
        ("the rest of the stream", 500.0),
    ]
    assert parts[7].told == "usa/m, longest gap 200 ms"
    assert sum(part.ms for part in parts) == _CALL["ms"]
    assert [(part.name, part.ms) for part in whole[2:4]] == [
        ("to the first byte", 25.0),
        ("the rest of the answer", 515.0),
    ]


def test_what_would_have_happened(client, provider):
    """By what the ledger saw of each target, and by prices; a target that was never seen is named."""
    provider.faults["*"] = [Fault.status(503), None, None, None]
    with pytest.raises(GenAIError):
        client.completion("gpt-4o", QUESTION)
    for _ in range(3):
        client.completion("gpt-4o", QUESTION)

    def ways_of(name):
        if name != "gpt-4o":
            raise ConfigurationError("nobody")
        return [
            Way("seoul/gpt-4o", "openai", "gpt-4o"),
            Way("usa/gpt-4o-mini", "openai", "gpt-4o-mini", level=1),
        ]

    with client._ledger.book.reading() as connection:
        (found,) = what_if(connection, ways_of)
        (gone,) = what_if(connection, lambda name: ways_of(f"not {name}"))
    assert (found.calls, found.answered, found.unmeasured) == (4, 0.75, ("usa/gpt-4o-mini",))
    assert found.answered_then == pytest.approx(0.75 + 0.25 * 0.75)
    assert found.cost < found.cost_then < 2 * found.cost
    assert (gone.missing, gone.cost_then) == ("nobody", None)


_OTHER = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: usa/gpt-4o, input_cost_per_token: 0.001, output_cost_per_token: 0.002}
  - model_name: dear
    litellm_params: {model: usa/gpt-4o-mini, input_cost_per_token: 1.0}
router_settings:
  fallbacks: [{gpt-4o: [dear]}]
connections:
  - {name: usa, provider: openai, api_key: os.environ/OTHER_KEY}
"""


def test_another_configuration_has_its_own_prices_and_fallbacks(
    client, tmp_path, capsys, monkeypatch
):
    """A fallback gets no call while the first target answers."""
    usage = client.completion("gpt-4o", QUESTION).usage
    client.flush()
    monkeypatch.setenv("OTHER_KEY", "sk-1")
    (tmp_path / "other.yaml").write_text(_OTHER, "utf-8")
    ledger, other = str(tmp_path / "calls.db"), str(tmp_path / "other.yaml")
    with pytest.raises(SystemExit):
        app.main(["stats", "--ledger", ledger, "--what-if", other, "--json"])

    (row,) = json.loads(capsys.readouterr().out)
    paid = usage.prompt_tokens * 0.001 + usage.completion_tokens * 0.002
    assert row["cost_then"] == pytest.approx(paid)
    assert row["unmeasured"] == ["usa/gpt-4o", "usa/gpt-4o-mini"]


def test_a_narrow_terminal_shows_the_first_columns_and_names_the_others(
    client, tmp_path, capsys, monkeypatch
):
    """No row is folded into the next line; a pipe gets every column in which something stands."""
    client.completion("gpt-4o", QUESTION)
    client.flush()

    def shown():
        with pytest.raises(SystemExit):
            app.main(["stats", "--ledger", str(tmp_path / "calls.db")])
        return capsys.readouterr()

    piped = shown()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    narrow = shown()

    assert piped.out.split("\n")[0].split() == [
        "model", "calls", "answered", "cost", "p50", "p95", "tokens", "in", "tokens", "out",
    ]  # fmt: skip
    assert "not shown" not in piped.err
    # How many fit depends on how long the times are.
    first = narrow.out.split("\n")[0].split()
    assert first[:4] == ["model", "calls", "answered", "cost"]
    assert "tokens" not in first
    assert max(map(len, narrow.out.splitlines())) <= 40
    assert "not shown for lack of room:" in narrow.err


def test_stats_show_themselves(client):
    """As a table, printed and in a notebook."""
    client.completion("gpt-4o", QUESTION)
    found = client.stats()

    assert str(found).splitlines()[1].split()[:3] == ["gpt-4o", "1", "100.0%"]
    assert "<table" in found._repr_mimebundle_()["text/html"]
