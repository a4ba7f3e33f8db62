"""`genai "question"` and `genai chat "question"`: the real program, and what it keeps."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys

import pytest

from genai_integrations import settings
from genai_integrations.testing.faults import Fault

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-W", "error", "-m", "genai_integrations.cli"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def run(environ, tmp_path):
    """Run `genai`; stdin is empty if nothing else is said."""

    def run(*arguments, text="", shell=None, **variables):
        command = [*COMMAND, *arguments]
        if shell:
            command = ["/bin/bash", "-c", shell, *command]
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environ, **variables},
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def asked(provider):
    """The messages of the last request."""
    return lambda: provider.requests[-1].body["messages"]


def test_a_question(run, provider):
    """Without a command's name it is a question for the model in GENAI_MODEL; options may stand before it."""
    plain = run("What is this?", GENAI_MODEL="gpt-4o-mini")
    options = run("-m", "gpt-4o", "-s", "Be brief.", "--params", '{"temperature": 0}', "Hello there!")  # fmt: skip

    assert (plain.returncode, plain.stdout) == (0, "provider says: What is this?\n")
    assert options.stdout == "provider says: Hello there!\n"
    first, second = (request.body for request in provider.requests)
    assert first["model"] == "gpt-4o-mini"
    assert (second["model"], second["temperature"]) == ("gpt-4o", 0)
    assert second["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello there!"},
    ]


def test_a_configured_model(run, provider, tmp_path):
    """`default_model` of genai.yaml, by `--config` or by its variable; GENAI_MODEL wins."""
    file = tmp_path / "genai.yaml"
    file.write_text("default_model: gpt-4.1\n")

    run("--config", str(file), "What is this?")
    run("What is this?", GENAI_CONFIG=str(file))
    run("What is this?", GENAI_CONFIG=str(file), GENAI_MODEL="gpt-4o")

    assert [row.body["model"] for row in provider.requests] == ["gpt-4.1", "gpt-4.1", "gpt-4o"]


def test_a_pipe_is_context(run, asked):
    """What comes through the pipe goes before the question."""
    run("chat", "-m", "gpt-4o", "Explain this.", text="line 1\nline 2\n")

    assert asked() == [{"role": "user", "content": "line 1\nline 2\n\nExplain this."}]


def test_attachments(run, asked, tmp_path):
    """Images, PDFs and addresses in OpenAI's shape, a text as text."""
    (tmp_path / "a.png").write_bytes(PIXEL)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "c.txt").write_text("words")
    files = [part for name in ("a.png", "b.pdf", "c.txt", "https://x.example/d.jpg") for part in ("-a", name)]  # fmt: skip

    shown = run("chat", "-m", "gpt-4o", *files, "What is it?")

    assert shown.returncode == 0
    assert asked()[0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"},
        },
        {
            "type": "file",
            "file": {"filename": "b.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="},
        },
        {"type": "text", "text": "c.txt:\nwords"},
        {"type": "image_url", "image_url": {"url": "https://x.example/d.jpg"}},
    ]


def test_a_prompt(run, asked, langfuse):
    """A prompt of Langfuse's by its label, with variables; its own words may be the question, its config the model."""
    langfuse.create_prompt("greet", "Greet {{who}}.", labels=["beta"], config={"model": "gpt-4.1"})
    variables = {
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
    }

    alone = run("chat", "-p", "greet@beta", "--var", "who=Kim", **variables)
    first = asked()
    run("chat", "-p", "greet@1", "--var", "who=Kim", "In Korean, please", **variables)

    assert (alone.returncode, alone.stderr.split(" | ")[0]) == (0, "openai/gpt-4.1")
    assert first == [{"role": "user", "content": "Greet Kim."}]
    assert asked() == [*first, {"role": "user", "content": "In Korean, please"}]


def test_a_fallback(run):
    """Another model answers where the first one fails."""
    shown = run("chat", "-m", "fault-503", "--fallback", "gpt-4o-mini", "Hello there")

    assert shown.stdout == "provider says: Hello there\n"
    assert shown.stderr.startswith("openai/gpt-4o-mini after ")


def test_a_schema(run, provider, tmp_path):
    """From a file or as it is; the answer is the JSON, and a terminal is not talked with."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    (tmp_path / "city.json").write_text(json.dumps(schema))

    shown = run("chat", "-m", "gpt-4o", "--schema", "city.json", "Which city?")

    assert list(json.loads(shown.stdout)) == ["city"]
    assert provider.requests[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("chat", "Hello there"), "ConfigurationError: no model is named: give -m NAME, or set GENAI_MODEL, or default_model in genai.yaml; `genai models` lists names"),
        (("chat", "-m", "gpt-4o"), 'ConfigurationError: there is no question: genai chat -m NAME "Hello!"'),
        (("chat", "-m", "gpt-4o", "-a", "no.png", "x"), "ConfigurationError: no.png cannot be attached: No such file or directory"),
        (("chat", "-m", "gpt-4o", "--params", "[1]", "x"), "ConfigurationError: --params takes a JSON object such as '{\"temperature\": 0}', not [1]"),
        (("chat", "-m", "gpt-4o", "--params", '{"model": "x"}', "x"), "ConfigurationError: --params may not have 'model': it has an option of its own"),
        (("chat", "-m", "gpt-4o", "--var", "a=b", "x"), "ConfigurationError: --var is a variable of a prompt: add --prompt NAME"),
        (("chat", "-m", "gpt-4o", "-p", "x", "--var", "a", "x"), "ConfigurationError: --var takes name=value, not a"),
        (("chat", "-m", "gpt-4o", "--schema", "no.json", "x"), "ConfigurationError: --schema: no.json cannot be read: No such file or directory"),
        (("chat", "-m", "gpt-4o", "-c", "x"), "ConfigurationError: conversations are not kept, so none can be continued: leave out --no-log and GENAI_CHAT_LOG=off"),
    ],
)  # fmt: skip
def test_mistakes(run, arguments, told):
    """Each is one line that says what to do."""
    shown = run(*arguments)

    assert (shown.returncode, shown.stdout, shown.stderr) == (1, "", f"{told}\n")


def test_a_misspelt_command(run, provider):
    """One word that looks like a command is no question."""
    shown = run("chekc", GENAI_MODEL="gpt-4o")

    assert shown.returncode == 2
    assert "Did you mean 'check'?" in shown.stderr
    assert provider.requests == []


def test_the_log(run, asked, tmp_path):
    """The first time it is said where; only its owner may read it; the last conversation goes on, model and all."""
    log = tmp_path / "state" / "chats"
    variables = {"GENAI_CHAT_LOG": str(log)}

    first = run("chat", "-m", "gpt-4o", "-s", "Be brief.", "Hello there!", **variables)
    run("chat", "-c", "And now?", **variables)

    told = f"kept in {log}; --no-log or GENAI_CHAT_LOG=off keeps nothing"
    assert first.stderr.splitlines()[1:] == [told]
    assert asked() == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello there!"},
        {"role": "assistant", "content": "provider says: Hello there!"},
        {"role": "user", "content": "And now?"},
    ]
    (file,) = log.iterdir()
    assert (file.stat().st_mode & 0o777, log.stat().st_mode & 0o777) == (0o600, 0o700)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["question"], row["served"]) for row in rows] == [
        ("Hello there!", "openai/gpt-4o"),
        ("And now?", "openai/gpt-4o"),
    ]


def test_nothing_is_kept(run, tmp_path):
    """By the option or by the variable; and of a file only its name is kept."""
    log = tmp_path / "chats"
    (tmp_path / "secret.txt").write_text("xyzzy")
    run("chat", "-m", "gpt-4o", "--no-log", "Hello there", GENAI_CHAT_LOG=str(log))
    run("chat", "-m", "gpt-4o", "Hello there", GENAI_CHAT_LOG="off", XDG_STATE_HOME=str(log))

    assert not log.exists()

    run("chat", "-m", "gpt-4o", "-a", "secret.txt", "Hello there", GENAI_CHAT_LOG=str(log))
    (file,) = log.iterdir()
    assert json.loads(file.read_text())["question"] == "Hello there\n[attached: secret.txt]"


def test_a_log_that_cannot_be_written(run, tmp_path):
    """It is said, and the answer is there."""
    (tmp_path / "file").write_text("")

    shown = run("chat", "-m", "gpt-4o", "Hello there", GENAI_CHAT_LOG=str(tmp_path / "file" / "x"))

    assert (shown.returncode, shown.stdout) == (0, "provider says: Hello there\n")
    assert f"not kept in {tmp_path}/file/x: Not a directory" in shown.stderr


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", "/home/kim/.local/state/genai-integrations/chats"),
        ("darwin", "/home/kim/Library/Application Support/genai-integrations/chats"),
        ("win32", "/home/kim/AppData/Local/genai-integrations/chats"),
    ],
)
def test_where_the_log_is(monkeypatch, platform, folder):
    """In the platform's folder for what programs remember."""
    monkeypatch.setenv("HOME", "/home/kim")

    assert str(settings.chat_log_folder({}, platform)) == folder


def test_a_state_folder_of_ones_own():
    """XDG's variable counts, if it is an absolute path."""
    found = [
        str(settings.chat_log_folder({"XDG_STATE_HOME": path}, "linux")) for path in ("/s", "s")
    ]

    assert found[0] == "/s/genai-integrations/chats"
    assert found[1].endswith(".local/state/genai-integrations/chats")


FULL = "cannot write the output: No space left on device\n"
CLOSED = "cannot write the output: Bad file descriptor\n"


@pytest.mark.parametrize(
    ("arguments", "shell", "code", "told"),
    [
        (("chat", "-m", "gpt-4o", "Hi there"), 'exec "$0" "$@" >/dev/full', 1, FULL),
        (("models", "--json"), 'exec "$0" "$@" >/dev/full', 1, FULL),
        (("models",), 'exec "$0" "$@" >&-', 1, CLOSED),
        (("chat", "-m", "gpt-4o"), 'exec "$0" "$@" <&-', 1, 'ConfigurationError: there is no question: genai chat -m NAME "Hello!"\n'),
        (("resolve", "gpt-4o"), 'exec "$0" "$@" 2>/dev/full', 0, ""),
    ],
)  # fmt: skip
def test_streams_that_are_gone(run, arguments, shell, code, told):
    """A full disk, closed streams and a reader that has gone: one line at most, and never a traceback."""
    shown = run(*arguments, shell=shell)

    assert (shown.returncode, shown.stderr.splitlines(keepends=True)[-1:]) == (
        code,
        [told] if told else [],
    )
    assert "Traceback" not in shown.stderr
    assert "Exception ignored" not in shown.stderr


def test_a_reader_that_has_gone(environ):
    """Nobody is told that nobody reads on; the exit code is 1."""
    gone, stdout = os.pipe()
    os.close(gone)
    shown = subprocess.run(
        [*COMMAND, "models"], stdout=stdout, stderr=subprocess.PIPE, env=environ, check=False
    )
    os.close(stdout)

    assert (shown.returncode, shown.stderr) == (1, b"")


@pytest.mark.parametrize("command", [("check",), ("chat", "-m", "gpt-4.1", "Hi there")])
def test_ctrl_c(environ, provider, command):
    """It ends with 130, and without a traceback."""
    provider.faults = {"gpt-4.1": Fault.hang()}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, *command], env=environ, **pipes) as process:
        provider.wait_for_requests(1, 30)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_pasted_lines(terminal, asked):
    """Several lines at once are one message."""
    screen = terminal("chat", "-m", "gpt-4o")
    screen.expect("gpt-4o> ")
    screen.type("first line\nsecond line\n\nlast line\n")
    screen.expect("says: first line\nsecond line\n\nlast line\n")
    screen.expect("gpt-4o> $")
    screen.type("\x04")

    assert screen.end() == 0
    assert asked() == [{"role": "user", "content": "first line\nsecond line\n\nlast line"}]
