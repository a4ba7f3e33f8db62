"""`genai compare`, against a scripted provider and a Langfuse stand-in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from genai_integrations.testing.faults import Fault

PAIR = ("-m", "gpt-4o", "-m", "gpt-4o-mini")


@pytest.fixture
def compare(genai, provider, monkeypatch):
    """Run it on inputs; both models are served by the scripted provider."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    provider.replies = {"gpt-4o-mini": "four"}

    def compare(*arguments, models=PAIR):
        result = genai("compare", *models, *arguments)
        assert "canary" not in result.output
        return result

    return compare


@pytest.fixture
def questions(tmp_path):
    """A file with a text and an object."""
    file = tmp_path / "questions.txt"
    file.write_text('Hello!\n\n{"input": "2 + 2?", "expected": "four"}\n', "utf-8")
    return str(file)


def table(text):
    """The cells of lines that are columns."""
    return [re.split(r"  +", line.strip()) for line in text.strip().splitlines()]


def test_side_by_side(compare, questions):
    """The answers stand beside one another, below them a row for each model and what they differ in."""
    shown = compare(questions, "--exact")

    answers, summary = shown.stdout.split("\n\nmodel", 1)
    assert shown.exit_code == 0
    assert [row for row in table(answers) if row != [""]] == [
        ["input", "gpt-4o", "gpt-4o-mini"],
        ["Hello!", "provider says: Hello! (exact -)", "four (exact -)"],
        ["2 + 2?", "provider says: 2 + 2? (exact 0.00)", "four (exact 1.00)"],
    ]
    header, first, second, verdict = table(f"model{summary}")
    assert header == ["model", "n", "errors", "p50", "p95", "cost", "exact"]
    assert (first[0], first[1:3], first[-1]) == ("gpt-4o", ["2", "0"], "0.00")
    assert (second[0], second[-1]) == ("gpt-4o-mini", "1.00")
    assert verdict[0].startswith("exact: no difference between gpt-4o and gpt-4o-mini that 1 item")


def test_as_json(compare, questions):
    """For programs: everything, with each route, and the models in the order given."""
    found = json.loads(compare(questions, "--json").stdout)

    assert found["models"] == ["gpt-4o", "gpt-4o-mini"]
    assert [row["text"] for row in found["results"]][1] == "four"
    assert found["results"][0]["route"]["served"] == "openai/gpt-4o"


def test_a_json_file(compare, tmp_path, provider):
    """A file that ends in `.json` is one list, whose messages are sent as they are."""
    file = tmp_path / "items.json"
    file.write_text(json.dumps([[{"role": "user", "content": "One\nTwo"}], "Three"]), "utf-8")

    assert compare(str(file), models=("-m", "gpt-4o")).exit_code == 0
    sent = {request.body["messages"][0]["content"] for request in provider.requests}
    assert sent == {"One\nTwo", "Three"}


def test_a_file_as_windows_writes_it(compare, tmp_path, provider):
    """The mark at its beginning is no part of the first input; and a line ends where it ends, not within a text."""
    file = tmp_path / "items.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + '{"input": "One\u2028Two"}\r\nThree\u0085Four\r\n'.encode())

    assert compare(str(file), models=("-m", "gpt-4o")).exit_code == 0
    sent = {request.body["messages"][0]["content"] for request in provider.requests}
    assert sent == {"One\u2028Two", "Three\u0085Four"}


def test_stdin(genai, provider, monkeypatch):
    """`-` reads the inputs from a pipe, which goes on in another with nothing but data."""
    command = [
        sys.executable,
        "-m",
        "genai_integrations.cli",
        "compare",
        "-m",
        "gpt-4o",
        "-",
        "--json",
    ]
    own = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{provider.url}/v1"}
    shown = subprocess.run(
        command,
        input="안녕하세요?\n",
        capture_output=True,
        text=True,
        env={**os.environ, **own},
        check=True,
    )

    assert shown.stderr == ""
    assert json.loads(shown.stdout)["items"][0]["input"] == "안녕하세요?"


def test_prompts(compare, questions):
    """Prompts given as texts are compared with each other."""
    shown = compare(
        *(questions, "--prompt", "Say: {{input}}", "-p", "Shout: {{input}}", "--json"),
        models=("-m", "gpt-4o"),
    )

    assert [row["text"] for row in json.loads(shown.stdout)["results"][:2]] == [
        "provider says: Say: Hello!",
        "provider says: Shout: Hello!",
    ]


def test_a_judge(compare, questions, provider):
    """A judge's verdict is a score like others."""
    provider.replies |= {"gpt-4.1": '{"reason": "short", "score": 0.5}'}
    shown = compare(questions, "--judge", "gpt-4.1", "--criteria", "Be brief.", "--regex", "four")

    header = next(row for row in table(shown.stdout) if row[0] == "model")
    assert header[-2:] == ["regex", "llm_judge"]
    assert "0.50" in shown.stdout


def test_parameters_and_repeats(compare, questions, provider):
    """Every call has the parameters, as often as was asked for."""
    compare(questions, "--params", '{"temperature": 0}', "--repeats", "2", models=("-m", "gpt-4o"))

    assert [request.body["temperature"] for request in provider.requests] == [0, 0, 0, 0]


def test_a_call_that_fails(compare, questions, provider):
    """Its error stands where the answer would, the others are there, and it ends with 1."""
    provider.faults = {"gpt-4o": Fault.bad_request("no such thing")}

    shown = compare(questions)

    assert shown.exit_code == 1
    assert "no such" in shown.stdout
    assert "four" in shown.stdout


def test_save(compare, questions, tmp_path, provider):
    """What is in the file already is not asked again."""
    file = str(tmp_path / "results.jsonl")

    compare(questions, "--save-to", file)
    again = compare(questions, "--save-to", file)

    assert again.exit_code == 0
    assert len(provider.requests) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "give the inputs: a file, - for stdin, or --dataset NAME"),
        (("{file}", "--dataset", "x"), "give the inputs: a file"),
        (
            ("nowhere.txt",),
            "nowhere.txt cannot be read: No such file or directory; inputs are a file with one a line, or - for stdin",
        ),
        (("{file}", "--judge", "gpt-4o"), "a judge needs both"),
        (("{file}", "--regex", "("), "is not a regular expression"),
        (("{file}", "--params", "temperature=0"), "--params takes a JSON object"),
        (("{file}", "--max-cost", "0.0000001"), "so nothing was sent"),
        (("{file}", "--prompt", "no variable"), "has no {{variable}} for the input"),
    ],
)
def test_what_cannot_work(compare, questions, provider, arguments, error):
    """The error says what is wrong, and nothing is sent."""
    result = compare(*(each.replace("{file}", questions) for each in arguments))

    assert result.exit_code == 1
    assert error in str(result.exception)
    assert not provider.requests


@pytest.mark.parametrize(("name", "text"), [("x.txt", "{bad"), ("x.json", "[1,")])
def test_inputs_that_are_no_json(compare, tmp_path, name, text):
    """The file is named."""
    (tmp_path / name).write_text(text, "utf-8")

    assert f"{name} has invalid JSON" in str(compare(str(tmp_path / name)).exception)


@pytest.mark.slow
def test_interrupted(provider, questions, tmp_path):
    """Ctrl-C shows what is there and ends with 130; stdout stays JSON."""
    provider.faults = {"gpt-4o": Fault.hang()}
    own = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{provider.url}/v1"}
    command = [
        sys.executable,
        "-m",
        "genai_integrations.cli",
        "compare",
        *PAIR,
        questions,
        "--json",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **own}
    ) as process:
        provider.wait_for_requests(4, 60)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert json.loads(out)["stopped"] == "interrupted"
