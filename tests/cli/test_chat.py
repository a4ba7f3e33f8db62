"""`genai chat`: the real program, in a pipe and in a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from genai_integrations.testing.faults import Fault

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-W", "error", "-m", "genai_integrations.cli", "chat"]


@pytest.fixture
def piped(environ):
    """Ask through a pipe."""

    def piped(question, *arguments, model="gpt-4o-mini"):
        command = [*COMMAND, "-m", model, *arguments]
        return subprocess.run(
            command,
            input=question,
            capture_output=True,
            text=True,
            env=environ,
            timeout=60,
            check=False,
        )

    return piped


def asked(request):
    """The messages of a request as `role: content`."""
    return [f"{row['role']}: {row['content']}" for row in request.body["messages"]]


@pytest.mark.parametrize(
    ("encoding", "written"), [("cp949", "서울 \\u2014"), ("cp1252", "\\uc11c\\uc6b8 —")]
)
def test_letters_that_the_encoding_lacks(environ, encoding, written):
    """A file in the country's own encoding, as on Windows: the letter is written as Python writes it, and no call is lost."""
    told = {**environ, "PYTHONIOENCODING": encoding}
    command = [*COMMAND, "-m", "gpt-4o-mini", "서울 —"]

    shown = subprocess.run(command, capture_output=True, env=told, timeout=60, check=False)

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.decode(encoding) == f"provider says: {written}\n"


def test_a_question_in_a_pipe(piped, provider):
    """Stdin is the question, stdout the answer and nothing else; the footer is on stderr."""
    shown = piped("What is\nthis?\n", "--system", "Be brief.")

    assert (shown.returncode, shown.stdout) == (0, "provider says: What is\nthis?\n")
    assert re.fullmatch(
        r"openai/gpt-4o-mini \| \d+ \+ \d+ tokens \| \$0\.\d{6} \| \d+\.\d s\n",
        shown.stderr,
    )
    assert asked(provider.requests[0]) == ["system: Be brief.", "user: What is\nthis?"]


def test_a_question_in_a_pipe_as_json(piped):
    """For programs: the answer and its route."""
    shown = piped("Hello!", "--json")

    reply = json.loads(shown.stdout)
    assert (shown.stderr, reply["model"], reply["answer"]) == (
        "",
        "gpt-4o-mini",
        "provider says: Hello!",
    )
    assert reply["route"]["served"] == "openai/gpt-4o-mini"


@pytest.mark.parametrize(
    ("question", "model", "error"),
    [
        ("", "gpt-4o-mini", "ConfigurationError: there is no question: "),
        ("Hello!", "fault-404", "NotFoundError: openai/fault-404: "),
        ("Hello!", "openai/fault-503", "ServerError: openai/fault-503: "),
    ],
)
def test_no_answer_in_a_pipe(piped, question, model, error):
    """One line on stderr, nothing on stdout, and 1."""
    shown = piped(question, "--json", model=model)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith(error)
    assert shown.stderr.count("\n") == 1
    assert "canary" not in shown.stderr


def test_control_characters(piped, provider):
    """A model's text cannot steer the terminal; its own spaces and lines stay."""
    provider.replies = {"gpt-4o-mini": "red\x1b[31m\u3000wide\u00a0\r\n\tend\x07"}

    shown = piped("Hello!")

    assert shown.stdout == "red\ufffd[31m\u3000wide\u00a0\n\tend\ufffd\n"


def test_interrupted_in_a_pipe(environ):
    """Ctrl-C ends with 130, and what had come stays."""
    command = [*COMMAND, "-m", "openai/fault-stall-2"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as process:
        process.stdin.write(b"Hello there!")
        process.stdin.close()
        first = os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()

    assert process.returncode == 130
    assert (first + rest).decode().startswith("provider")
    assert errors.startswith(b"stopped | openai/fault-stall-2")


def test_a_conversation(terminal, provider):
    """Questions and answers are remembered until `/clear`, across models; Ctrl-D ends with 0."""
    screen = terminal("chat", "-m", "gpt-4o-mini", "-s", "Be brief.")
    screen.expect("gpt-4o-mini> ")
    screen.type("Hello!\n")
    screen.expect(r"provider says: Hello!\nopenai/gpt-4o-mini \| \d+ \+ \d+ tokens \| \$")
    screen.expect(r"\d s\n\ngpt-4o-mini> ")
    screen.type("/model gpt-4o\n")
    screen.expect(r"gpt-4o \(served by openai/gpt-4o\)\ngpt-4o> ")
    screen.type("안녕하세요\n")
    screen.expect(r"provider says: 안녕하세요\n.* in all\n\ngpt-4o> ")
    screen.type("/clear\n")
    screen.expect("forgotten.\ngpt-4o> ")
    screen.type("/system\n")
    screen.expect("no system prompt now.\ngpt-4o> ")
    screen.type("Again\n")
    screen.expect(r"provider says: Again\n.*\n\ngpt-4o> ")
    screen.type("\x04")

    assert screen.end() == 0
    first, second, third = provider.requests
    assert asked(first) == ["system: Be brief.", "user: Hello!"]
    assert asked(second) == [
        *asked(first),
        "assistant: provider says: Hello!",
        "user: 안녕하세요",
    ]
    assert second.body["model"] == "gpt-4o"
    assert asked(third) == ["user: Again"]


def test_ctrl_c(terminal, provider):
    """It stops an answer, not the program; at the prompt it drops the line. What had come is remembered."""
    screen = terminal("chat", "-m", "openai/fault-stall-2")
    screen.expect("fault-stall-2> ")
    screen.type("Hello there!\n")
    screen.expect("provider says:")
    screen.type("\x03")
    screen.expect(r"stopped \| openai/fault-stall-2 \| .*\d+\.\d s")
    screen.expect("fault-stall-2> ")
    screen.type("half a line")
    screen.expect("half a line")
    screen.insist("\x03", "fault-stall-2> ")
    screen.type("/model gpt-4o\n")
    screen.expect("gpt-4o> ")
    screen.type("Go on\n")
    screen.expect("says: Go on")
    screen.type("/exit\n")

    assert screen.end() == 0
    question, answer, more = asked(provider.requests[-1])
    assert (question, more) == ("user: Hello there!", "user: Go on")
    assert answer.startswith("assistant: provider says:")


def test_ctrl_c_before_the_first_word(terminal):
    """A model that says nothing can be stopped too."""
    screen = terminal("chat", "-m", "openai/fault-hang")
    screen.expect("fault-hang> ")
    screen.type("Hello!\n")
    screen.expect("Waiting for openai/fault-hang")
    screen.type("\x03")
    screen.expect(r"stopped \| ")
    screen.expect("fault-hang> ")
    screen.type("\x04")

    assert screen.end() == 0


def test_a_call_that_fails(terminal, provider):
    """The error is one message, the program goes on, and the question was not asked."""
    provider.faults = {"gpt-4o-mini": Fault.bad_request("no such thing", times=1)}
    screen = terminal("chat", "-m", "gpt-4o-mini")
    screen.expect("> ")
    screen.type("First\n")
    screen.expect("BadRequestError: openai/gpt-4o-mini: no such thing")
    screen.expect("> ")
    screen.type("/route\n")
    screen.expect("openai/gpt-4o-mini +BadRequestError +[0-9.]+ +- +-")
    screen.expect("> ")
    screen.type("Second\n")
    screen.expect("says: Second(.|\n)*> $")
    screen.type("\x04")

    assert screen.end() == 0
    assert asked(provider.requests[-1]) == ["user: Second"]


def test_commands(terminal, provider):
    """`/help` has every command; an unknown one, a model that nobody serves and a path are told apart."""
    # Beside OpenAI's, so that there is not one server of one's own, which would serve every name.
    screen = terminal("chat", "-m", "gpt-4o-mini", OLLAMA_HOST=provider.url)
    screen.expect("> ")
    screen.type("/help\n")
    shown = screen.expect(r"/model NAME(.|\n)*Ctrl-D ends")[0]
    for command in ("/model", "/system", "/clear", "/route", "/help", "/exit"):
        assert f"\n{command} " in f"\n{shown}"
    screen.type("/route\n")
    screen.expect("There is no route yet")
    screen.type("/nope\n")
    screen.expect("There is no /nope")
    screen.type("/model claude-x\n")
    screen.expect("UnknownModelError: no connection serves 'claude-x'")
    screen.type("/etc/hosts is what?\n")
    screen.expect("says: /etc/hosts is what")
    screen.type("two \\\nlines\n")
    screen.expect("says: two \nlines(.|\n)*> $")
    screen.type("\x04")

    assert screen.end() == 0
    assert provider.requests[-1].body["messages"][-1]["content"] == "two \nlines"


@pytest.mark.parametrize(("variables", "colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colors(terminal, variables, colored):
    """The prompt has a colour, unless NO_COLOR says no."""
    screen = terminal("chat", "-m", "gpt-4o-mini", **variables)
    screen.expect("gpt-4o-mini> ")
    screen.type("\x04")

    assert screen.end() == 0
    assert ("\x1b[1;36m" in screen.raw) == colored
