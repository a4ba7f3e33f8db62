"""`genai batch`, against a scripted provider."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys

import pytest

from genai_integrations.testing.faults import Fault


@pytest.fixture
def batch(genai, provider, monkeypatch, tmp_path):
    """Run it on lines; any model is served by the scripted provider."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    file = tmp_path / "in.jsonl"

    def batch(lines, *arguments):
        file.write_text("\n".join(map(_text, lines)) + "\n", "utf-8")
        result = genai("batch", str(file), *arguments)
        assert "canary" not in result.output
        return result

    return batch


def _text(line):
    return line if isinstance(line, str) else json.dumps(line)


def _asked(text, **more):
    return {"messages": [{"role": "user", "content": text}], **more}


def _line(text, custom_id, url="/v1/chat/completions"):
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": _asked(text, model="m")}


def _answers(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return [
        (
            row["custom_id"],
            row["response"] and row["response"]["body"]["choices"][0]["message"]["content"],
            row["error"] and row["error"]["code"],
        )
        for row in rows
    ]


def test_a_file_of_openais_is_answered_line_by_line(batch):
    """In the shape of OpenAI's output files, in the order of the input, with cost and target."""
    done = batch([_line("a", "x-1"), _line("b", "x-2")])

    first, _ = (json.loads(line) for line in done.stdout.splitlines())
    assert done.exit_code == 0
    assert _answers(done.stdout) == [
        ("x-1", "provider says: a", None),
        ("x-2", "provider says: b", None),
    ]
    assert (first["index"], first["response"]["status_code"]) == (0, 200)
    assert first["target"] == "openai/m"
    assert "2 answered" in done.stderr


def test_a_line_may_be_a_request_itself(batch, provider, tmp_path):
    """`-m` is for those that name no model; blank lines are none; embeddings are asked by their input."""
    out = tmp_path / "out.jsonl"
    lines = [
        _asked("a"),
        "",
        _asked("b", model="gpt-4o", custom_id="mine"),
        {"model": "text-embedding-3-small", "input": "c"},
    ]

    done = batch(lines, "-m", "gpt-4o-mini", "-o", str(out), "--concurrency", "1")

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert done.exit_code == 0
    assert done.stdout == ""
    assert [row.body["model"] for row in provider.requests] == [
        *("gpt-4o-mini", "gpt-4o", "text-embedding-3-small")
    ]
    assert [row["custom_id"] for row in rows] == [None, "mine", None]
    assert rows[0]["cost"] == 1.95e-06
    assert len(rows[2]["response"]["body"]["data"]) == 1


def test_what_cannot_be_asked_is_an_error_in_its_line(batch, provider):
    """The others are answered, and it ends with 1."""
    provider.faults = {"down": Fault.status(401)}
    lines = [
        "{",
        "[1]",
        _line("a", "c", "/v1/audio"),
        {"url": "/v1/embeddings"},
        _asked("a"),
        _asked("a", model="down"),
        _asked("b", model="m"),
    ]

    done = batch(lines)

    messages = [
        (json.loads(line)["error"] or {}).get("message") for line in done.stdout.splitlines()
    ]
    assert done.exit_code == 1
    assert [row[2] for row in _answers(done.stdout)] == [
        *["ConfigurationError"] * 5,
        "AuthenticationError",
        None,
    ]
    assert messages[0].startswith("line 1 is not JSON: ")
    assert messages[1:4] == [
        "line 2 is not a JSON object",
        "line 3 asks for /v1/audio: /v1/chat/completions and /v1/embeddings can be asked",
        "line 4 has no body",
    ]
    assert "needs a model" in messages[4]
    assert "1 answered, $0.00, 6 failed" in done.stderr
    assert "the first without an answer is request" in done.stderr


def test_a_file_need_not_be_as_this_machine_writes_it(batch, genai, tmp_path):
    """A mark at its beginning and CRLF, as on Windows; a line in another encoding, or nested without end, is one error."""
    file = tmp_path / "windows.jsonl"
    good = [json.dumps(_line(text, text)).encode() for text in ("a", "b")]
    lines = [
        good[0],
        json.dumps(_line("caf\xe9", "c"), ensure_ascii=False).encode("latin-1"),
        b"[" * 10**5,
    ]
    batch([])
    file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([*lines, good[1]]))
    done = genai("batch", str(file))

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["custom_id"] for row in rows] == ["a", None, None, "b"]
    assert rows[1]["error"]["message"] == "line 2 is not UTF-8 text"
    assert rows[2]["error"]["message"].startswith("line 3 is not JSON: ")
    assert rows[3]["response"]["status_code"] == 200


def test_the_same_command_goes_on(batch, provider, tmp_path):
    """What failed is asked again, what was answered is not; the output is whole."""
    out = tmp_path / "out.jsonl"
    provider.faults = {"*": Fault.unauthorized(times=1)}
    lines = [_line("a", "1"), _line("b", "2")]

    first = batch(lines, "-o", str(out), "--concurrency", "1")
    second = batch(lines, "-o", str(out))

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert (tmp_path / "out.jsonl.journal").is_file()
    assert len(provider.requests) == 3
    assert _answers(out.read_text()) == [
        ("1", "provider says: a", None),
        ("2", "provider says: b", None),
    ]


def test_it_may_cost_so_much(batch, provider):
    """What is left says so."""
    lines = [_asked(text, model="gpt-4o-mini", max_tokens=3) for text in "abc"]

    done = batch(lines, "--max-usd", "0.00001", "--concurrency", "1")

    assert done.exit_code == 1
    assert [row[2] for row in _answers(done.stdout)] == [None, *["BudgetExceededError"] * 2]
    assert len(provider.requests) == 1


def test_those_who_can_wait_pay_half(batch, provider):
    """With a deadline the provider's own batch answers; a line says that by its cost."""
    done = batch([_asked("a", model="gpt-4o-mini")], "--deadline", "24h")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["cost"] == pytest.approx(9.75e-07)
    assert len(provider.batches.jobs) == 1


def test_files_that_cannot_be(batch, genai, tmp_path):
    """Each in one line."""
    lines = [_asked("a", model="m")]
    own = batch(lines, "-o", str(tmp_path / "in.jsonl"))
    nowhere = batch(lines, "-o", str(tmp_path / "no" / "out.jsonl"))
    missing = genai("batch", str(tmp_path / "missing.jsonl"))

    assert "would overwrite the input" in str(own.exception)
    assert "cannot be written: No such file or directory" in str(nowhere.exception)
    assert "missing.jsonl cannot be read: No such file or directory" in str(missing.exception)


def test_the_output_is_no_file_that_the_command_needs(batch, provider, tmp_path):
    """Neither its input nor its journal: what was paid for is in there."""
    kept = str(tmp_path / "kept.jsonl")
    for arguments, what in (
        (("-o", str(tmp_path / "in.jsonl")), "input"),
        (("-o", kept, "--journal", kept), "journal"),
    ):
        done = batch([_asked("a", model="m")], *arguments)
        assert (
            str(done.exception)
            == f"the output would overwrite the {what}: name another file with -o"
        )

    assert provider.requests == []


def test_another_process_keeps_its_output(batch, tmp_path):
    """Who may not have the journal does not touch the output either."""
    out = tmp_path / "out.jsonl"
    out.write_text("a line of the other process\n")
    with (tmp_path / "out.jsonl.journal").open("ab") as journal:
        fcntl.flock(journal.fileno(), fcntl.LOCK_EX)
        done = batch([_asked("a", model="m")], "-o", str(out))

    assert "is in use: another process" in str(done.exception)
    assert out.read_text() == "a line of the other process\n"


def test_stdin_and_stdout(genai, provider, environ):
    """In a pipe there is no journal, unless one is named; it is JSON, so UTF-8 also in a country with its own encoding."""
    command = [sys.executable, "-m", "genai_integrations.cli", "batch", "-"]
    asked = json.dumps(_line("서울 — 😀", "1")).encode()
    korean = {**environ, "PYTHONIOENCODING": "cp949"}
    done = subprocess.run(command, env=korean, input=asked, capture_output=True, check=True)

    assert _answers(done.stdout.decode()) == [("1", "provider says: 서울 — 😀", None)]


def test_ctrl_c_keeps_what_is_there(provider, environ, tmp_path):
    """It ends with 130, and the same command makes the rest."""
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(_asked(text, model="m")) + "\n" for text in "abc"))
    provider.faults = {"m": [None, None, Fault.hang()]}
    command = [sys.executable, "-m", "genai_integrations.cli", "batch", str(file), "-o", str(out)]
    command += ["--concurrency", "1"]

    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as program:
        provider.wait_for_requests(3, 60)
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=60)
    provider.faults = {}
    again = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)

    assert program.returncode == 130
    assert "Interrupted; run the same command again to go on from there." in told
    assert again.returncode == 0
    assert [row[1] for row in _answers(out.read_text())] == [
        f"provider says: {text}" for text in "abc"
    ]
    assert len(provider.requests) == 4
