"""`compare`: what is sent, what is kept, and how it ends."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from genai_integrations import GenAIClient, compare, use_client
from genai_integrations.errors import (
    BudgetExceededError,
    ConfigurationError,
    PromptVariableError,
    UnknownModelError,
)
from genai_integrations.experiments import (
    Evaluator,
    Item,
    Score,
    acompare,
    estimate,
    exact,
)
from genai_integrations.prompts.template import Prompt, Text
from genai_integrations.testing.faults import Fault

MODELS = ["gpt-4o", "gpt-4o-mini"]
PROMPT = Prompt("greet", 3, (), {}, Text.parse("Greet {{name}}."))


def _said(provider):
    """What was asked, in order of arrival: the model and the last message."""
    return [
        (request.body["model"], request.body["messages"][-1]["content"])
        for request in provider.requests
    ]


def test_every_model_gets_every_input_with_every_prompt(provider, client):
    """Models times prompts times inputs times repeats, each once, with the parameters given."""
    comparison = compare(
        MODELS,
        ["cats", "dogs"],
        {"short": "One word on {{input}}.", "long": "A page on {{topic}}."},
        client=client,
        params={"temperature": 0, "stream": True},
        repeats=2,
        progress=False,
    )

    assert sorted(_said(provider)) == sorted(
        (model, text.format(topic))
        for model in MODELS
        for text in ("One word on {}.", "A page on {}.")
        for topic in ("cats", "dogs")
        for _ in range(2)
    )
    assert {request.body["temperature"] for request in provider.requests} == {0}
    assert {(row.model, row.prompt, row.item, row.repeat) for row in comparison.results} == {
        (model, prompt, item, repeat)
        for model in MODELS
        for prompt in ("short", "long")
        for item in ("1", "2")
        for repeat in (1, 2)
    }
    assert not comparison.missing


@pytest.mark.parametrize("stream", [False, True])
def test_a_result_has_everything_there_is_to_know(client, stream):
    """Text, times, tokens, cost and route; the time to the first token of a stream."""
    comparison = compare(
        "gpt-4o", "one two", client=client, params={"stream": stream}, progress=False
    )

    (result,) = comparison.results
    assert result.text == "provider says: one two"
    assert result.error is None
    assert result.latency_ms >= (result.first_token_ms or 0) >= 0
    assert (result.first_token_ms is not None) is stream
    assert result.prompt_tokens > 0
    assert result.completion_tokens > 0
    assert result.cost == comparison.cost > 0
    assert result.route["served"] == "lab/gpt-4o"
    assert json.loads(comparison.to_json())["results"][0]["text"] == result.text


def test_errors_are_kept_beside_results(provider, client):
    """A failed call is a result with an error, is not scored, and stops nothing."""
    provider.faults = {"gpt-4o": [None, Fault.status(503)]}

    comparison = compare(
        MODELS,
        ["a", "b"],
        client=client,
        evaluators=Evaluator("any", lambda: 1),
        max_concurrency=1,
        progress=False,
    )

    failed = [row for row in comparison.results if row.error]
    assert [(row.model, row.item, row.text, dict(row.scores)) for row in failed] == [
        ("gpt-4o", "2", None, {})
    ]
    assert failed[0].error.startswith("ServerError: lab/gpt-4o: ")
    assert failed[0].route["attempts"][0]["status"] == 503
    assert [row.errors for row in comparison.summary()] == [1, 0]
    assert not comparison.missing


def test_failed_calls_are_made_again_on_request(provider, client):
    """`resume` leaves errors as they are, unless told to try them again."""
    provider.faults = {"*": Fault.status(503, times=1)}
    comparison = compare("gpt-4o", ["a", "b"], client=client, max_concurrency=1, progress=False)

    comparison.resume()
    assert len(provider.requests) == 2
    comparison.resume(retry_errors=True)

    assert len(provider.requests) == 3
    assert [row.error for row in comparison.results] == [None, None]


async def test_it_works_in_a_running_event_loop(client):
    """As in a notebook, where one runs all the time; and `acompare` uses that very loop."""
    loops = []

    async def evaluator():
        loops.append(asyncio.get_running_loop())

    options = {"client": client, "evaluators": evaluator, "progress": False}
    compare("gpt-4o", "a", **options)
    await acompare("gpt-4o", "a", **options)
    await client.aclose()

    assert loops[0] is not loops[1]
    assert loops[1] is asyncio.get_running_loop()


def test_sync_and_async_compare_take_the_same():
    """Name by name, with kinds, defaults and annotations; what `estimate` takes, they take too."""
    one, twin = inspect.signature(compare), inspect.signature(acompare)

    assert one == twin
    assert inspect.signature(estimate).parameters.items() <= one.parameters.items()


def test_an_interrupt_keeps_what_is_done_and_resume_makes_the_rest(provider, client, capsys):
    """Ctrl-C leaves the calls under way at once; only they and those behind them are made later."""
    stuck, asked = threading.Event(), []

    def reply(body):
        asked.append(body["messages"][-1]["content"])
        if len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            stuck.wait(60)
        return "done"

    provider.replies = {"*": reply}
    inputs = list("abcde")

    comparison = compare("gpt-4o", inputs, client=client, max_concurrency=1, progress=False)
    stuck.set()

    assert [row.item for row in comparison.results] == ["1", "2"]
    assert (comparison.stopped, comparison.missing) == ("interrupted", 3)
    assert "interrupted: 3 of 5 calls are missing; resume(), or" in capsys.readouterr().err
    assert "3 calls are missing" in comparison._repr_mimebundle_()["text/html"]
    assert comparison.resume() is comparison
    assert [row.text for row in comparison.results] == ["done"] * 5
    assert (comparison.stopped, comparison.missing) == ("", 0)
    assert asked == ["a", "b", "c", "c", "d", "e"]


def test_an_interrupt_while_scoring_keeps_the_answer(provider, client):
    """What is paid for is not paid for again: only the score is missing."""
    stuck, scored = threading.Event(), []

    def slow():
        scored.append(1)
        if len(scored) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            stuck.wait(60)
        return 1

    comparison = compare("gpt-4o", "a", client=client, evaluators=slow, progress=False)
    stuck.set()

    assert comparison.results[0].text
    assert comparison.missing == 1
    comparison.resume()
    assert comparison.results[0].scores == {"slow": Score(1.0)}
    assert len(provider.requests) == 1


async def test_a_cancelled_comparison_is_in_its_file(provider, client, tmp_path):
    """`acompare` ends as any task does; what was done is in `save_to`."""
    file = tmp_path / "results.jsonl"
    asked = threading.Event()

    def reply(body):
        if body["messages"][-1]["content"] == "b":
            asked.set()
        return "done"

    provider.replies = {"*": reply}
    provider.faults = {"*": [None, Fault.hang()]}
    options = {"client": client, "max_concurrency": 1, "save_to": file, "progress": False}
    task = asyncio.create_task(acompare("gpt-4o", ["a", "b"], **options))
    await asyncio.to_thread(asked.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    provider.faults = {}
    comparison = await acompare("gpt-4o", ["a", "b"], **options)
    await client.aclose()

    assert [row.text for row in comparison.results] == ["done", "done"]
    assert _said(provider) == [("gpt-4o", "a"), ("gpt-4o", "b"), ("gpt-4o", "b")]


def test_a_file_makes_the_same_question_unnecessary(provider, client, tmp_path):
    """Only what is new is asked: another input, another model, another parameter, a further repeat."""
    file = tmp_path / "results.jsonl"
    common = {"client": client, "save_to": file, "progress": False}

    compare("gpt-4o", ["a", "a", "b"], **common)
    again = compare("gpt-4o", ["x", "b", "a"], **common)
    compare(MODELS, ["a"], **common)
    compare("gpt-4o", ["b"], params={"seed": 1}, **common)
    compare("gpt-4o", ["b"], repeats=2, **common)

    assert _said(provider) == [
        *[("gpt-4o", text) for text in "aab"],
        ("gpt-4o", "x"),
        ("gpt-4o-mini", "a"),
        ("gpt-4o", "b"),
        ("gpt-4o", "b"),
    ]
    assert [(row.item, row.text[-1]) for row in again.results] == [
        ("1", "x"),
        ("2", "b"),
        ("3", "a"),
    ]


def test_a_new_evaluator_scores_what_is_there(provider, client, tmp_path):
    """Answers in the file are scored without being asked for again, and keep their other scores."""
    common = {"client": client, "save_to": tmp_path / "results.jsonl", "progress": False}
    compare("gpt-4o", "a", evaluators=[Evaluator("one", lambda: 1)], **common)

    evaluators = [Evaluator("one", lambda: 0), Evaluator("length", len_of)]
    comparison = compare("gpt-4o", "a", evaluators=evaluators, **common)

    assert len(provider.requests) == 1
    assert {name: score.value for name, score in comparison.results[0].scores.items()} == {
        "one": 1,
        "length": len("provider says: a"),
    }


def len_of(output):
    return len(output)


def test_a_line_cut_short_by_a_crash_is_asked_again(provider, client, tmp_path):
    """The file goes on after its last whole line."""
    file = tmp_path / "results.jsonl"
    common = {"client": client, "save_to": file, "max_concurrency": 1, "progress": False}
    compare("gpt-4o", ["a", "b"], **common)
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])

    compare("gpt-4o", ["a", "b"], **common)

    assert _said(provider)[2:] == [("gpt-4o", "b")]
    assert [json.loads(line)["item"] for line in file.read_text("utf-8").splitlines()] == ["1", "2"]


@pytest.mark.parametrize("content", ["notes\n", "notes", '{"a": 1}\n', "[]\n"])
def test_a_file_of_something_else_is_left_alone(client, tmp_path, content):
    """It is refused by its first line, and is as it was."""
    file = tmp_path / "notes.txt"
    file.write_text(content)

    with pytest.raises(ConfigurationError, match=r"line 1 of .* is not a result"):
        compare("gpt-4o", "a", client=client, save_to=file)

    assert file.read_text() == content


def test_an_estimate_says_what_it_assumes(client):
    """Where nothing was seen, an answer's length is a guess by the task, within what was asked for."""
    plain = estimate(MODELS, ["Tell me a story."] * 2, client=client)
    limited = estimate("gpt-4o", "Tell me a story.", client=client, params={"max_tokens": 10})
    short = estimate("gpt-4o", "Is 7 a prime? Answer yes or no.", client=client)

    assert (plain.calls, plain.answer_tokens, plain.basis) == (4, 256, "a guess")
    assert str(limited) == "1 call, about $0.000130 (12 tokens sent, 10 for each answer: a guess)"
    assert short.answer_tokens == 4


def test_an_estimate_by_the_right_answers(client):
    """What counts as right says how long an answer is."""
    items = [{"input": f"{n} + {n} =", "expected": str(2 * n)} for n in range(1, 13)]

    found = estimate("gpt-4o", items, client=client)

    assert (found.answer_tokens, found.basis) == (4, "as long as the right ones")
    # 12 times 12 tokens at 2.5 and 4 at 10 dollars for a million.
    assert found.cost == pytest.approx(12 * (12 * 2.5e-6 + 4 * 10e-6), rel=0.05)


def test_an_estimate_learns(provider, client, tmp_path):
    """From the answers of the client, and from the results of an earlier run in a file."""
    provider.replies = {"*": "word " * 40}
    file = tmp_path / "results.jsonl"
    compare("gpt-4o", list("abc"), client=client, progress=False, save_to=file)

    same_client = estimate("gpt-4o", list("defg"), client=client)
    with GenAIClient(connections=client.connections) as another:
        from_file = estimate("gpt-4o", list("abcdefg"), client=another, save_to=file)

    assert (same_client.answer_tokens, same_client.basis) == (40, "as seen before")
    assert (from_file.calls, from_file.answer_tokens, from_file.basis) == (4, 40, "as seen before")


def test_another_model_learns_by_the_task(provider, client):
    """Answers of one model to a task say how long those of another are."""
    provider.replies = {"*": "word " * 40}
    prompt = [{"role": "system", "content": "Tell a tale of 40 words."}, {"role": "user", "content": "{{about}}"}]  # fmt: skip
    compare("gpt-4o", list("abc"), {"tale": prompt}, client=client, progress=False)

    known = estimate("gpt-4o-mini", "d", {"tale": prompt}, client=client)
    other = estimate("gpt-4o-mini", "d", client=client)

    assert (known.answer_tokens, known.basis) == (40, "as seen before")
    assert (other.answer_tokens, other.basis) == (256, "a guess")


def test_many_calls_are_counted_by_some(client):
    """Of a thousand inputs a hundred are counted, and stand for the others."""
    few = estimate("gpt-4o", ["a story"] * 10, client=client)
    many = estimate("gpt-4o", ["a story"] * 1000, client=client)

    assert many.calls == 1000
    assert many.cost == pytest.approx(100 * few.cost)


def test_a_model_without_a_price_is_named(client):
    """In the estimate; and with a limit, a warning says that the limit does not see it."""
    assert "no price is known for lab/mine" in str(estimate("lab/mine", "a", client=client))
    with pytest.warns(UserWarning, match="no price is known for lab/mine"):
        compare("lab/mine", "a", client=client, max_cost=1, progress=False)


def test_too_expensive_is_refused_before_anything_is_sent(provider, client):
    """The message has the estimate and the limit."""
    with pytest.raises(BudgetExceededError, match=r"2 calls, about \$0\.005.*max_cost=0\.001"):
        compare("gpt-4o", ["a", "b"], client=client, max_cost=0.001)

    assert provider.requests == []


def test_no_call_begins_once_the_limit_is_passed(provider, client, capsys):
    """The real cost stops it; a higher limit goes on where it stopped."""
    provider.replies = {"*": "word " * 2000}
    common = {"client": client, "max_concurrency": 1, "progress": False}

    comparison = compare("gpt-4o", list("abcd"), max_cost=0.03, **common)

    assert len(provider.requests) == 2
    assert comparison.stopped.startswith("stopped at $0.04")
    assert "2 of 4 calls are missing" in capsys.readouterr().err
    with pytest.raises(BudgetExceededError, match=r"\$0\.04\d+ is spent already"):
        comparison.resume()
    comparison.resume(max_cost=1)
    assert (len(provider.requests), comparison.stopped) == (4, "")


def test_the_client_of_the_block_is_asked(client, provider):
    """Without `client=`, `use_client` decides."""
    with use_client(client):
        compare("gpt-4o", "a", progress=False)

    assert len(provider.requests) == 1


def test_progress_is_shown_on_request_only(client, capsys):
    """The estimate and a bar on stderr with what is spent; nothing in a pipe, unless asked for."""
    compare("gpt-4o", "a", client=client)
    assert capsys.readouterr() == ("", "")

    compare("gpt-4o", ["a", "b"], client=client, progress=True)

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("2 calls, about $0.0001")
    assert "2/2" in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "models must be a list of names"),
        ({"models": ["gpt-4o", "gpt-4o"]}, "models must be a list of names"),
        ({"inputs": []}, "inputs are empty"),
        ({"inputs": [3]}, "an input is a text"),
        ({"inputs": [Item("a", id="1"), Item("b", id="1")]}, "same id"),
        ({"inputs": [{"topic": "a"}]}, "input '1' has the variables 'topic'"),
        ({"prompts": []}, "prompts are empty"),
        ({"prompts": ["a {{x}}", "name@1"], "models": "gpt-4o"}, "set LANGFUSE_PUBLIC_KEY"),
        ({"prompts": [PROMPT, PROMPT]}, "two prompts have the same label"),
        ({"prompts": ["no variable"]}, "has no {{variable}}"),
        ({"prompts": [3]}, "prompt 'prompt 1' is of type int"),
        ({"repeats": 0}, "repeats must be"),
        ({"max_concurrency": 0}, "max_concurrency must be"),
        ({"evaluators": [exact(), exact()]}, "the same name"),
        ({"evaluators": [lambda: 1]}, "needs a name"),
        ({"evaluators": ["exact"]}, "an evaluator is a function"),
        ({"save_to": "/no/such/folder/results.jsonl"}, "is not a file in an existing folder"),
        ({"run_name": "nightly"}, "run_name needs a Langfuse dataset"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(provider, client, arguments, message):
    """Each with what to do."""
    whole = {"models": "gpt-4o", "inputs": ["a"], "client": client, **arguments}
    with pytest.raises(ConfigurationError, match=message.replace("{", r"\{")):
        compare(**whole)

    assert provider.requests == []


def test_a_model_that_nobody_serves_is_said_at_once(provider, lab):
    """Not once for each item."""
    with (
        GenAIClient(connections=[lab, replace(lab, name="other")]) as client,
        pytest.raises(UnknownModelError, match="no connection serves 'claude-sonnet-4-5'"),
    ):
        compare(["gpt-4o", "claude-sonnet-4-5"], "a", client=client)

    assert provider.requests == []


def test_a_missing_variable_is_said_at_once(provider, client):
    """With the prompt's and the variable's name."""
    with pytest.raises(PromptVariableError, match="'prompt 1' needs 'b'"):
        compare("gpt-4o", [{"a": "1"}], "{{a}} {{b}}", client=client)

    assert provider.requests == []


def test_what_is_no_error_of_a_call_comes_out_as_it_is(client, tmp_path):
    """Not kept as a result, and not in a group: here the file's folder goes away."""
    folder = tmp_path / "gone"
    folder.mkdir()

    with pytest.raises(FileNotFoundError):
        compare(
            "gpt-4o",
            ["a", "b"],
            client=client,
            evaluators=Evaluator("remove", folder.rmdir),
            max_concurrency=1,
            save_to=folder / "results.jsonl",
        )


def test_importing_it_loads_nothing_heavy():
    """No LiteLLM, Langfuse, pandas or matplotlib before they are used."""
    heavy = ("litellm", "langfuse", "pandas", "matplotlib", "tqdm", "jsonschema", "IPython")
    code = (
        "import sys; from genai_integrations import compare; from genai_integrations.experiments import exact; "
        f"sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
