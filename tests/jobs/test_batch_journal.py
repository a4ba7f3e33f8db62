"""A batch with a journal goes on where it ended, however it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Route
from genai_integrations.errors import BudgetExceededError, ConfigurationError
from genai_integrations.jobs import lines
from genai_integrations.jobs.items import BatchItem, entry_of
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.limits.purse import Purse
from genai_integrations.testing.faults import Fault

PROGRAM = Path(__file__).parent / "batch_program.py"


@pytest.fixture
def journal(tmp_path):
    """Where the journal is."""
    return tmp_path / "batch.jsonl"


def _texts(items):
    return [item.reply and item.reply.choices[0].message.content for item in items]


def test_what_was_answered_is_not_asked_again(client, questions, said, journal):
    """The second run gives the same answers, with their costs and routes, from the file; new requests may follow."""
    first = list(client.batch(questions("a", "b"), journal=journal))
    second = list(client.batch(questions("a", "b", "c"), journal=journal))

    assert sorted(said()) == ["a", "b", "c"]
    assert [row.reply.wire for row in second[:2]] == [row.reply.wire for row in first]
    assert [row.cost for row in second] == [1.95e-06] * 3
    assert [row.is_earlier for row in second] == [True, True, False]
    assert second[0].reply.route.served == "lab/gpt-4o-mini"
    assert second[0].reply.route.cost == 1.95e-06
    assert second[0].reply.usage.total_tokens == first[0].reply.usage.total_tokens


def test_what_failed_is_asked_again(provider, client, questions, said, journal):
    """A run with the same file is how failures are made good."""
    provider.faults = {"*": Fault.status(503, times=1)}

    first = list(client.batch(questions("a", "b"), journal=journal, max_concurrency=1))
    second = list(client.batch(questions("a", "b"), journal=journal, max_concurrency=1))

    assert _texts(first) == [None, "provider says: b"]
    assert _texts(second) == ["provider says: a", "provider says: b"]
    assert said() == ["a", "b", "a"]


def test_a_killed_program_pays_for_nothing_twice(provider, client, journal):
    """After kill -9 all answers that were given, or only written down, are there; at most what was in flight is asked again."""
    rows = 60
    with subprocess.Popen(
        [sys.executable, "-W", "error", PROGRAM, provider.url, journal, str(rows)],
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        given = [program.stdout.readline() for _ in range(20)]
        program.send_signal(signal.SIGKILL)
        given += program.stdout.readlines()
    kept = {
        json.loads(line)["i"] for line in journal.read_text().splitlines(keepends=True)[1:] if line.endswith("\n")
    }  # fmt: skip
    again = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, provider.url, journal, str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert again.stdout.splitlines() == [f"{n} provider says: q{n}" for n in range(rows)]
    asked = Counter(row.body["messages"][-1]["content"] for row in provider.requests)
    twice = {int(text[1:]) for text, count in asked.items() if count > 1}
    assert max(asked.values()) <= 2
    assert not twice & kept
    assert len(twice) <= 4
    whole = [line for line in given if line.endswith("\n")]
    assert {int(line.split()[0]) for line in whole} <= kept
    assert len(asked) == rows


def test_a_line_cut_short_is_asked_again(client, questions, said, journal):
    """The file goes on after its last whole line."""
    list(client.batch(questions("a", "b"), journal=journal, max_concurrency=1))
    journal.write_bytes(journal.read_bytes()[:-40])

    items = list(client.batch(questions("a", "b"), journal=journal, max_concurrency=1))

    assert said() == ["a", "b", "b"]
    assert _texts(items) == ["provider says: a", "provider says: b"]
    assert [json.loads(line).get("i") for line in journal.read_text().splitlines()] == [None, 0, 1]


@pytest.mark.parametrize("rest", [b"", b"\0" * 5000], ids=["cut", "zeros"])
def test_wherever_it_was_cut_it_goes_on(tmp_path, rest):
    """What was whole is there, and what is added behind is read back, whatever byte the file ended with.

    A file system may have its new length before its bytes: zeros are there then after a power failure.
    """
    whole, entries = tmp_path / "whole.jsonl", [entry_of(n, {"model": "m", "input": f"é{n}"}) for n in range(4)]  # fmt: skip
    _write(whole, entries[:3])
    content = whole.read_bytes()

    for cut in range(len(content) + 1):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(content[:cut] + rest)
        journal = BatchJournal(path)
        journal.open()
        there = max(content[:cut].count(b"\n") - 1, 0)
        found = [journal.answer(entry) for entry in entries]
        assert [item is not None for item in found] == [n < there for n in range(4)]
        journal.add(entries[3], _item(entries[3]))
        assert journal.answer(entries[3]).reply.wire == {"data": ["é3"]}
        assert journal.spent == pytest.approx(there * 0.5)
        journal.close()
        path.unlink()


def _write(path, entries):
    journal = BatchJournal(path)
    journal.open()
    for entry in entries:
        journal.add(entry, _item(entry))
    journal.close()


def _item(entry):
    reply = Reply({"data": [entry.request["input"]]}, Route("m"))
    return BatchItem(entry.index, reply, cost=0.5)


def test_other_requests_are_refused(client, questions, said, journal):
    """The answer to one question is never given for another; what is under way is not lost for it."""
    list(client.batch(questions("a", "b"), journal=journal))

    with pytest.raises(ConfigurationError, match="other requests: request 1 is not the one that"):
        list(client.batch(questions("a", "x"), journal=journal))
    assert sorted(said()) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}\n', "line 1 does not belong in the journal of a batch"),
        ("notes\n", "line 1 does not belong in the journal of a batch"),
        ('{"batch": "x"}\n', "it is not the journal of a batch"),
        ('{"journal": "batch", "version": 2, "mark": "m"}\n', "of version 2, and this release reads 1"),
        ('{"journal": "batch", "version": 1, "mark": "m"}\nx\n', "line 2 does not belong in"),
        (
            '{"journal": "batch", "version": 1, "mark": "m"}\n{"i":0,"ok":true,"cost":null,\n',
            "the answer to request 0 is damaged",
        ),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_left_alone(client, questions, journal, content, said):
    """It is refused with what to do, and is as it was."""
    journal.write_text(content)

    with pytest.raises(ConfigurationError, match=said):
        list(client.batch(questions("a"), journal=journal))

    assert journal.read_text() == content


def test_how_a_call_is_made_is_no_part_of_what_is_asked(client, questions, said, journal):
    """Another time-out, a cap or a name in the trace asks nothing again."""
    list(client.batch(questions("a", max_cost=Purse(1), timeout=60), journal=journal))
    again = list(
        client.batch(questions("a", max_cost=Purse(2), langfuse_tags=["x"]), journal=journal)
    )

    assert said() == ["a"]
    assert again[0].is_earlier


def test_one_batch_at_a_time_writes(client, questions, journal):
    """A second one, of this process or of another, is told so; when the first is done the file is free."""
    items = client.batch(questions("a", "b"), journal=journal)
    next(items)

    with pytest.raises(ConfigurationError, match="is in use: another process, or another job"):
        list(client.batch(questions("a", "b"), journal=journal))
    items.close()
    assert len(list(client.batch(questions("a", "b"), journal=journal))) == 2


def test_a_full_disk_ends_no_batch(client, questions, journal, monkeypatch, caplog):
    """It goes on, warns once, and leaves whole lines."""
    real = os.write

    def full(descriptor, data):
        if b'"i":0' in data:
            return real(descriptor, data)
        return real(descriptor, data[:10])

    items = client.batch(questions("a", "b", "c"), journal=journal, max_concurrency=1)
    first = next(items)
    monkeypatch.setattr(lines.os, "write", full)

    assert _texts([first, *items]) == [f"provider says: {text}" for text in "abc"]
    assert caplog.text.count("cannot be written any more") == 1
    assert [json.loads(line).get("i") for line in journal.read_text().splitlines()] == [None, 0]


def test_what_a_journal_has_cost_counts(client, questions, said, journal):
    """A limit is one for the whole batch; what it kept from being asked is not written down as an answer."""
    requests = questions(*"abc", max_tokens=3)
    spent = list(client.batch(requests, journal=journal, max_usd=4e-06, max_concurrency=1))
    again = list(client.batch(requests, journal=journal, max_usd=4e-06))
    more = list(client.batch(requests, journal=journal, max_usd=1))

    for items in (spent, again):
        errors = [type(item.error) for item in items]
        assert errors == [type(None), BudgetExceededError, BudgetExceededError]
    assert _texts(more) == [f"provider says: {text}" for text in "abc"]
    assert said()[0] == "a"
    assert sorted(said()) == ["a", "b", "c"]
