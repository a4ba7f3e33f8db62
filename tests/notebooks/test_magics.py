"""`%genai` and `%%genai` in a real kernel, against a scripted provider."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from unittest.mock import Mock

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.notebook import streaming
from genai_integrations.testing.faults import Fault


def _cell(line, text="Hello!"):
    return f"%%genai {line}\n{text}"


def test_a_line_asks_and_its_answer_is_the_result(kernel):
    """`%genai MODEL: question` shows the answer with tokens, cost and route, and `_` has it."""
    cell = kernel.run("%genai gpt-4o-mini: Hello!")

    assert "usa says: Hello!" in cell.text
    assert "1 + 3 tokens · $0.000002 · " in cell.text
    assert cell.text.endswith("usa/gpt-4o-mini")
    assert (cell.places, cell.result) == (1, "")
    assert kernel.run("_[0].text, _[0].usage['total_tokens']").result == "('usa says: Hello!', 4)"


def test_a_kept_answer_says_so(kernel, provider):
    """`%%genai` asks through the client's cache, and a replayed cell asks nobody."""
    kernel.run(
        f"client = GenAIClient(connections=[Connection.of('usa', 'openai', 'k', '{provider.url}/v1')],"
        " cache='memory')"
    )
    cells = [kernel.run(_cell("gpt-4o-mini")) for _ in range(2)]

    assert cells[0].text.endswith("usa/gpt-4o-mini")
    assert cells[1].text.endswith("usa/gpt-4o-mini cached")
    assert "$0.00 · " in cells[1].text
    assert len(provider.requests) == 1


def test_a_kept_answer_to_the_same_in_other_words_says_so(kernel, provider):
    """`%%genai` asks by meaning, too, where the client does."""
    kernel.run(
        f"client = GenAIClient(connections=[Connection.of('usa', 'openai', 'k', '{provider.url}/v1')],"
        " semantic_cache=True)"
    )
    kernel.run(_cell("gpt-4o-mini", "Python이란 무엇인가?"))
    cell = kernel.run(_cell("gpt-4o-mini", "파이썬이 뭐야?"))

    assert cell.text.endswith("usa/gpt-4o-mini cached")
    assert len(provider.requests) == 1


def test_a_cell_is_recorded_and_replayed(kernel, provider, tmp_path):
    """What the first client wrote down, the second gives without the server."""
    tape = tmp_path / "cells.jsonl"
    kernel.run(
        f"client = GenAIClient(connections=[Connection.of('usa', 'openai', 'k', '{provider.url}/v1')],"
        f" record='{tape}')"
    )
    kernel.run(_cell("gpt-4o-mini"))
    kernel.run(f"client = GenAIClient(replay='{tape}')")

    assert "usa says: Hello!" in kernel.run(_cell("gpt-4o-mini")).text
    assert len(provider.requests) == 1


def test_the_answers_show_again_where_they_are_asked_for(kernel):
    """The cell that asked shows them once; another cell shows them anew."""
    kernel.run(_cell("gpt-4o-mini --out kept"))

    assert "usa says: Hello!" in kernel.run("kept").text


def test_answers_stand_side_by_side_while_they_come(kernel, provider):
    """A slow answer is seen growing beside one that is whole."""
    gate = threading.Event()
    provider.faults["gpt-4o"] = Fault.drip(gate, after=2)
    provider.replies["gpt-4o"] = ["one ", "two ", "three"]

    def half_there(cell):
        return (
            bool(cell.shown)
            and "usa/gpt-4o-mini" in cell.shown[-1]["text/plain"]
            and "two" in cell.html
        )

    seen = []

    def open_gate(_kernel):
        seen.append(True)
        gate.set()

    cell = kernel.run(_cell("gpt-4o gpt-4o-mini"), until=half_there, do=open_gate)

    assert seen
    assert cell.html.count('class="genai-panel"') == 2
    assert "one two three" in cell.html
    assert "genai-dots" in cell.shown[0]["text/html"]
    assert 'class="genai-dots"' not in cell.html


def test_a_fast_answer_is_drawn_whole(kernel, provider):
    """Pieces that come faster than anybody reads are drawn together."""
    provider.replies["gpt-4o"] = ["word "] * 2000

    cell = kernel.run(_cell("gpt-4o"))

    assert cell.text.count("word ") == 2000


def test_drawing_is_bounded():
    """However fast pieces come, at least a period lies between two drawings."""
    always, future, drawn = Mock(), Future(), []
    always.wait.return_value = True

    def show():
        drawn.append(time.monotonic())
        if len(drawn) == 3:
            future.set_result(None)

    streaming._watch(future, always, show)

    assert all(
        later - sooner >= 0.9 * streaming._PERIOD for sooner, later in itertools.pairwise(drawn)
    )


@pytest.mark.parametrize(
    "fault", [Fault.hang(), Fault.stall(after=2)], ids=["unanswered", "halfway"]
)
def test_an_interrupt_closes_the_calls(kernel, provider, fault):
    """The provider sees the connection close, what came is shown, and the cell ends as interrupted."""
    provider.faults["gpt-4o"] = fault
    provider.replies["gpt-4o"] = ["one ", "two ", "three"]

    def asked(cell):
        words = "two" if fault.kind == "stall" else ""
        whole = bool(cell.shown) and "usa/gpt-4o-mini" in cell.text and words in cell.text
        return whole and len(provider.requests) == 2

    cell = kernel.run(
        _cell("gpt-4o gpt-4o-mini --out kept"), until=asked, do=lambda each: each.interrupt()
    )
    (request,) = [row for row in provider.requests if row.model == "gpt-4o"]

    assert request.disconnected.wait(10)
    assert cell.error == "KeyboardInterrupt"
    assert cell.html.count("interrupted") == 1
    assert "usa says: Hello!" in cell.html
    assert kernel.run("[row.interrupted for row in kept]").result == "[True, False]"


def test_an_error_is_one_line_beside_the_other_answers(kernel, provider):
    """A model that fails does not take the others along, and says why in its own place."""
    provider.faults["gpt-4o"] = Fault.status(500)
    provider.models = ["gpt-4o", "gpt-4o-mini"]

    cell = kernel.run(_cell("gpt-4o gpt-4o-mini no-such-model"))
    errors = [line for line in cell.text.splitlines() if "Error: " in line]

    assert not cell.error
    assert [line.partition(":")[0] for line in errors] == ["ServerError", "NotFoundError"]
    assert "usa says: Hello!" in cell.text


def test_a_broken_stream_shows_what_came(kernel, provider):
    """The part of an answer that arrived stands above the error."""
    provider.faults["gpt-4o"] = Fault.cut(after=2)
    provider.replies["gpt-4o"] = ["one ", "two ", "three"]

    cell = kernel.run(_cell("gpt-4o"))

    assert "one two" in cell.text
    assert "StreamInterruptedError" in cell.text


def test_model_text_is_text(kernel, provider):
    """Markup and formulas in an answer are shown as they are, Korean too."""
    provider.replies["gpt-4o"] = "<script>alert(1)</script> $x$ 안녕하세요"

    html = kernel.run(_cell("gpt-4o")).html

    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x$ 안녕하세요" in html
    assert "<script" not in html
    assert "mathjax_ignore" in html


def test_options_reach_the_provider(kernel, provider):
    """A system message, the temperature and the limit are sent."""
    kernel.run(_cell('gpt-4o --system "Be: brief" --temperature 0.5 --max-tokens 7'))
    body = provider.requests[0].body

    assert body["messages"][0] == {"role": "system", "content": "Be: brief"}
    assert (body["temperature"], body["max_tokens"]) == (0.5, 7)


def test_options_work_in_a_line(kernel, provider):
    """The question begins at the first colon that has space after it and is not in quotes."""
    kernel.run('%genai gpt-4o usa/gpt-4o --system "Be: brief": Why: because?')
    questions = [row.body["messages"] for row in provider.requests]

    assert (
        questions
        == [
            [
                {"role": "system", "content": "Be: brief"},
                {"role": "user", "content": "Why: because?"},
            ]
        ]
        * 2
    )


def test_a_question_mark_at_the_end_is_the_questions(kernel):
    """IPython shows help for a line that ends with `?`, but not for a question."""
    cell = kernel.run("answers = %genai gpt-4o: What is Python?")

    assert "usa says: What is Python?" in cell.text
    assert kernel.run("answers[0].text").result == "'usa says: What is Python?'"


def test_braces_are_what_they_are_in_any_magic(kernel, provider):
    """Names in the line are replaced by the notebook's variables; the cell's text is left alone."""
    kernel.run("topic = 'owls'")
    kernel.run("%genai gpt-4o: About {topic} and $topic")
    kernel.run(_cell('gpt-4o --system "About {topic}"', "About {topic} and $topic"))
    first, second = (row.body["messages"] for row in provider.requests)

    assert first[0]["content"] == "About owls and owls"
    assert [row["content"] for row in second] == ["About owls", "About {topic} and $topic"]


def test_a_prompt_in_a_variable(kernel, provider):
    """`--prompt` names a template; the cell fills in the variable that is left."""
    kernel.run('template = "To {{language}}: {{text}}"')
    kernel.run(_cell('gpt-4o --prompt template --var language="Brazilian Portuguese"', "{hello}"))

    assert provider.requests[0].body["messages"] == [
        {"role": "user", "content": "To Brazilian Portuguese: {hello}"}
    ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("variable_template", "To Korean: Hello!"),
        ("variable_template@2", "Only Korean: Hello!"),
        ("variable_template@strict", "Only Korean: Hello!"),
    ],
)
def test_a_prompt_from_langfuse(kernel, provider, langfuse, name, sent):
    """A name that is no variable is a prompt in Langfuse: the one in production, a version, or a label's."""
    langfuse.create_prompt("variable_template", "To {{language}}: {{text}}")
    langfuse.create_prompt("variable_template", "Only {{language}}: {{text}}", labels=["strict"])
    kernel.run(
        f"other = GenAIClient('{langfuse.public_key}', '{langfuse.secret_key}', '{langfuse.host}',"
        f" tracing=False, connections=[Connection.of('mine', 'openai', 'sk-mine', '{provider.url}/v1')])"
    )
    cell = kernel.run(_cell(f"gpt-4o --client other --prompt {name} --var language=Korean"))

    assert f"usa says: {sent}" in cell.text
    assert cell.text.endswith("mine/gpt-4o")


def test_inside_a_running_event_loop(kernel):
    """A cell that awaits, and so runs in the kernel's own loop, can ask."""
    kernel.run("import asyncio")
    cell = kernel.run(
        "await asyncio.sleep(0)\nassert asyncio.get_running_loop().is_running()\n"
        "answers = get_ipython().run_line_magic('genai', 'gpt-4o: Hello!')"
    )

    assert not cell.error
    assert "usa says: Hello!" in cell.text


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("%genai gpt-4o", "UsageError: write `%genai MODEL: question`"),
        (_cell("gpt-4o --promt x"), "unrecognized arguments: --promt x"),
        (_cell("gpt-4o", "\n"), "there is nothing to ask"),
        (_cell('gpt-4o --system "Be'), "No closing quotation"),
        (_cell("gpt-4o --client nobody"), "there is no GenAIClient in the variable 'nobody'"),
        (_cell("gpt-4o --out not-a-name"), "--out takes the name of a variable"),
        (_cell("gpt-4o --var language"), "--var takes NAME=VALUE"),
        (_cell("gpt-4o --var language=Korean"), "name one with --prompt"),
        (_cell("gpt-4o --prompt client"), "holds GenAIClient and no prompt"),
    ],
)
def test_a_slip_is_told_in_one_line(kernel, provider, code, complaint):
    """Wrong use says what to write, without a traceback, and sends nothing."""
    cell = kernel.run(code)

    assert complaint in cell.printed
    assert len(cell.printed.strip().splitlines()) == 1
    assert provider.requests == []


def test_a_terminal_shows_the_answers_once(provider, jupyter_environment, tmp_path):
    """IPython without a browser prints what there is in the end."""
    script = tmp_path / "session.ipy"
    script.write_text(
        "from genai_integrations import Connection, GenAIClient\n"
        f"client = GenAIClient(connections=[Connection.of('usa', 'openai', 'k', '{provider.url}/v1')])\n"
        "%load_ext genai_integrations\n"
        "answers = %genai gpt-4o: Hello!\n"
        "display(answers)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", str(script)],
        env=jupyter_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.count("usa says: Hello!") == 1, done.stderr


def test_no_class_of_ours_needs_ipython(provider):
    """What shows itself in a notebook works where IPython is not installed."""
    with GenAIClient(
        connections=[Connection.of("usa", "openai", "k", f"{provider.url}/v1")]
    ) as client:
        reply = client.completion("gpt-4o", [{"role": "user", "content": "Hello!"}])

    assert "usa says: Hello!" in reply._repr_mimebundle_()["text/html"]


def test_a_cell_may_have_a_cap(kernel):
    """All its models share the dollars; a call that might cost more is not made, and says what to do."""
    line = "gpt-4o-mini gpt-4o --max-tokens 100 --max-usd"
    assert "max_cost" not in kernel.run(_cell(f"{line} 0.01")).text
    short = kernel.run(_cell(f"{line} 0.0002"))
    assert short.text.count("lower max_tokens, or raise max_cost") == 1
    assert "usa says: Hello!" in short.text
    assert "must be US dollars" in kernel.run(_cell("gpt-4o-mini --max-usd -1")).printed
