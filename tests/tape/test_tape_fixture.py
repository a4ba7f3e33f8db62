"""The fixture `genai_tape` in somebody else's tests, run by pytest itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

PLUGIN = "genai_integrations.testing.pytest_plugin"

TEST = """
import os
import pytest
from genai_integrations import Connection

def connections():
    url = os.environ.get("ASKED")
    return [Connection.of("seoul", "openai", "sk-example", url)] if url else None

@pytest.mark.parametrize("word", ["one", "two / three"])
def test_it(genai_tape, word):
    client = genai_tape.client(connections=connections())
    reply = client.completion("gpt-4o", [{"role": "user", "content": word}])
    assert reply.choices[0].message.content == "seoul says: " + word
    again = genai_tape.client(connections=connections())
    assert again.completion("gpt-4o", [{"role": "user", "content": word}]).choices
"""


@pytest.fixture
def seoul():
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run pytest over a folder with one test module, in a process of its own."""
    (tmp_path / "test_words.py").write_text(TEST)
    # Those that happen to be installed take seconds to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*options, url=None, ini=None):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini or ''}\n")
        monkeypatch.setenv("ASKED", url or "")
        command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *options, str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_calls_are_recorded_once_and_replayed_from_then_on(run, seoul, tmp_path):
    """Each test has a tape beside it. A changed question is loud and asks nobody; recording anew replaces the tape."""
    assert run(url=f"{seoul.url}/v1")[0] == 0
    tapes = sorted(tmp_path.glob("tapes/test_words/*.jsonl"))
    before = [row.read_bytes() for row in tapes]
    assert [row.name for row in tapes] == ["test_it_one.jsonl", "test_it_two_three.jsonl"]
    assert [text.count(b"\n") for text in before] == [2, 2]

    assert run()[0] == 0
    assert len(seoul.requests) == 4

    (tmp_path / "test_words.py").write_text(
        TEST.replace('"content": word', '"content": word + "!"')
    )
    code, output = run("--genai-tape=replay")
    assert code == 1
    assert "ReplayError" in output
    assert "('one' there, 'one!' here)" in output
    assert [row.read_bytes() for row in tapes] == before

    (tmp_path / "test_words.py").write_text(TEST)
    assert run("--genai-tape=record", url=f"{seoul.url}/v1")[0] == 0
    assert len(seoul.requests) == 8
    assert [row.read_bytes().count(b"\n") for row in tapes] == [2, 2]


def test_replaying_alone_asks_nobody(run, seoul, tmp_path):
    """Where nothing was recorded, the error says how to."""
    code, output = run(ini="genai_tape = replay", url=f"{seoul.url}/v1")

    assert code == 1
    assert "make it with GenAIClient(record=...)" in output
    assert seoul.requests == []
    assert not (tmp_path / "tapes").exists()


def test_another_mode_is_told(run):
    """With those that there are."""
    code, output = run("-k", "one", ini="genai_tape = always")

    assert code != 0
    assert "genai_tape is 'always': it must be one of once, replay, record" in output


def test_it_costs_nothing_where_nobody_uses_it():
    """The plugin loads pytest and itself: neither the client nor a fake."""
    code = (
        f"import sys, pytest; known = set(sys.modules); import {PLUGIN}; "
        "print(sorted(name for name in set(sys.modules) - known))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(["genai_integrations", "genai_integrations.testing", PLUGIN])
