"""What can be read from a comparison."""

from __future__ import annotations

import builtins
import json

import pytest

from genai_integrations import compare
from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments import Evaluator, Item
from genai_integrations.experiments.results import Candidate, Result
from genai_integrations.experiments.wins import wins_of
from genai_integrations.testing.faults import Fault


def _graded(scores):
    """An evaluator that gives each model and item the score it is told."""
    return Evaluator("grade", lambda output, item: scores[output.split()[0]][item.id])


@pytest.fixture
def graded(provider, client):
    """Compares models a and b on as many items as each has scores."""
    provider.replies = {"gpt-4o": "a", "gpt-4o-mini": "b"}

    def graded(a, b, **options):
        items = [Item("q", id=f"i{at}") for at in range(len(a))]
        scores = {
            name: {item.id: value for item, value in zip(items, row, strict=True)}
            for name, row in (("a", a), ("b", b))
        }
        return compare(
            ["gpt-4o", "gpt-4o-mini"],
            items,
            client=client,
            evaluators=_graded(scores),
            progress=False,
            **options,
        )

    return graded


def test_the_summary_has_a_row_for_each_candidate(sums):
    """Calls, errors, latency, cost, and the mean score with its interval."""
    good, poor = sums.summary()

    assert (good.model, good.prompt, good.n, good.errors) == ("gpt-4o", None, 12, 0)
    assert 0 < good.p50_ms <= good.p95_ms
    assert good.cost > poor.cost > 0
    assert (good.scores["exact"].value, poor.scores["exact"].value) == (1.0, 0.5)
    assert good.scores["exact"].low < 1


def test_repeats_count_as_one_item(provider, client):
    """Their mean does: asking twice makes nobody surer of the items."""
    provider.replies = {"*": "x"}
    common = {"client": client, "evaluators": Evaluator("one", lambda: 1), "progress": False}
    once = compare("gpt-4o", list("abc"), **common)
    often = compare("gpt-4o", list("abc"), repeats=5, **common)

    assert often.summary()[0].n == 15
    assert often.summary()[0].scores == once.summary()[0].scores


def test_the_quality_of_models_is_their_mean_score(sums):
    """As `router_args["auto"]` takes it; cost and latency are no quality."""
    assert sums.quality() == sums.quality("exact") == {"gpt-4o": 1.0, "gpt-4o-mini": 0.5}
    with pytest.raises(ConfigurationError, match="cost is not an evaluator: there are exact"):
        sums.quality("cost")


def test_the_better_one_is_named(sums):
    """With the difference, its interval, and the count of items; whichever is named first."""
    wins, losses = sums.wins(), sums.wins("exact", "gpt-4o-mini", "gpt-4o")

    assert (wins.wins, wins.losses, wins.ties) == (6, 0, 6)
    assert (losses.wins, losses.losses, losses.ties) == (0, 6, 6)
    for found in (wins, losses):
        assert found.verdict == (
            f"exact: gpt-4o better than gpt-4o-mini by 0.50 [{abs(wins.difference.low):.2f}, "
            f"{abs(wins.difference.high):.2f}] on 12 items"
        )
    assert str(wins) == f"{wins.verdict}; 6 wins, 0 losses, 6 ties"
    assert wins._repr_mimebundle_()["text/plain"] == str(wins)


def test_noise_is_called_noise(graded):
    """A difference that chance gives as easily is none that these items can show."""
    found = graded([0.5, 0.7, 0.6, 0.4], [0.6, 0.5, 0.5, 0.5]).wins()

    assert found.verdict.startswith(
        "grade: no difference between gpt-4o and gpt-4o-mini that 4 items can show: 0.02 [-0.1"
    )


@pytest.mark.parametrize(
    ("metric", "slower_by", "verdict"),
    [
        ("latency_ms", 4, "no difference between a and b that 8 items can show: 4 ms [4 ms, 4 ms]"),
        ("first_token_ms", 9.9, "no difference between a and b that 8 items can show: 10 ms "),
        ("latency_ms", 12, "b better than a by 12 ms [12 ms, 12 ms] on 8 items"),
    ],
)
def test_what_calls_wait_for_each_other_is_nobodys(metric, slower_by, verdict):
    """Many calls run in one process at once: a few milliseconds are its own, however often they come."""
    times = {"a": 300 + slower_by, "b": 300}
    results = [
        Result(model, None, str(item), text="x", **{metric: milliseconds + item})
        for model, milliseconds in times.items()
        for item in range(8)
    ]
    found = wins_of(results, metric, Candidate("a", None), Candidate("b", None))
    assert found.verdict.startswith(f"{metric}: {verdict}")
    assert (found.wins, found.losses) == (0, 8)


def test_items_without_both_values_are_left_out_and_counted(graded):
    """Else a model that fails on hard items would look better."""
    found = graded([1, 1, None, None], [0, None, 1, None]).wins()

    assert (dict(found.items), found.left_out) == ({"i0": 1.0}, 3)
    assert found.verdict.endswith("(3 items left out for lack of a value)")
    assert graded([None], [None]).wins().verdict == (
        "grade: no item has a value of both gpt-4o and gpt-4o-mini (1 item left out for lack of a value)"
    )


def test_less_is_better_of_cost_and_latency(sums):
    """The cheaper one wins."""
    found = sums.wins("cost")

    assert (found.wins, found.losses) == (0, 12)
    assert found.verdict.startswith("cost: gpt-4o-mini better than gpt-4o by $0.0000")
    assert sums.wins("latency_ms").wins + sums.wins("latency_ms").losses <= 12
    assert " ms" in sums.wins("latency_ms").verdict


def test_candidates_are_meant_by_model_prompt_or_both(client):
    """Whatever is clear."""
    prompts = {"short": "a {{x}}", "long": "b {{x}}"}
    comparison = compare(
        ["gpt-4o", "gpt-4o-mini"], "q", prompts, client=client, evaluators=Evaluator("e", lambda: 1)
    )

    found = comparison.wins("e", ("gpt-4o", "short"), "gpt-4o-mini, long")
    assert (str(found.a), str(found.b)) == ("gpt-4o, short", "gpt-4o-mini, long")
    for a, b, message in [
        ("gpt-4o", "long", "'gpt-4o' means several of the candidates"),
        (("gpt-4o", "x"), "long", "'gpt-4o, x' means none of the candidates"),
        (None, None, "name two candidates, a and b: gpt-4o, short; gpt-4o, long"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            comparison.wins("e", a, b)


@pytest.mark.parametrize(
    ("prompts", "names"),
    [
        (None, ["gpt-4o"]),
        ("{{x}}", ["gpt-4o"]),
        ({"short": "a {{x}}", "long": "b {{x}}"}, ["short", "long"]),
    ],
)
def test_names_say_only_what_tells_apart(client, prompts, names):
    """The model if there is one prompt, the prompt if there is one model."""
    assert list(map(str, compare("gpt-4o", "q", prompts, client=client).candidates)) == names


@pytest.mark.parametrize(
    ("metric", "message"), [("nonsense", "no metric is named 'nonsense'"), (None, "name a metric")]
)
def test_an_unknown_metric_is_refused_with_those_there_are(client, metric, message):
    """The evaluators', then what is always measured."""
    comparison = compare(["gpt-4o", "gpt-4o-mini"], "q", client=client)

    with pytest.raises(ConfigurationError, match=f"{message}: there are latency_ms, "):
        comparison.wins(metric)


def test_the_table_has_the_answers_side_by_side(sums):
    """Wrapped to their columns, Korean letters two wide; the rest of a long answer is marked."""
    lines = sums.table(width=10, lines=3).splitlines()

    assert lines[0].split() == ["input", "gpt-4o", "gpt-4o-mini"]
    assert lines[1:4] == [
        "1 + 1 =    2 (exact   2 (exact",
        "           1.00)      1.00)",
        "",
    ]
    assert lines[4].split()[3:] == ["=", "4", "(exact", "많아요"]
    assert lines[6].strip() == "…"


def test_inputs_that_are_no_text_are_shown_as_one(client):
    """Variables with their values, conversations with what was said."""
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    variables = compare("gpt-4o", [{"a": 1, "b": "x"}], "{{a}} {{b}}", client=client)
    conversation = compare("gpt-4o", [history], client=client)

    assert "a=1, b=x" in variables.table()
    assert "Hi / Hello" in conversation.table()


def test_html_shows_all_and_trusts_nothing(sums):
    """Summary, verdict and answers; what a model or a user wrote stays text."""
    shown = sums._repr_mimebundle_()

    assert "많아요 &lt;script&gt;alert(1)&lt;/script&gt;" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    assert "exact: gpt-4o better than gpt-4o-mini" in shown["text/html"]
    assert "1.00 [0.76, 1.00]" in shown["text/plain"]
    assert "12 items: 24 of 24 results" in shown["text/plain"]


def test_html_shows_errors_and_stops_after_twenty_items(provider, client):
    """A notebook with thousands of answers would be of no use."""
    provider.faults = {"*": Fault.status(503, times=1)}
    comparison = compare("gpt-4o", [f"q{at}" for at in range(25)], client=client, max_concurrency=1)

    html = comparison._repr_mimebundle_()["text/html"]
    assert "ServerError" in html
    assert "q19" in html
    assert "q20" not in html
    assert "5 more items" in html


def test_all_of_it_as_json(sums):
    """Inputs, results, summary; nothing that JSON does not know."""
    whole = json.loads(sums.to_json())

    assert whole["models"] == ["gpt-4o", "gpt-4o-mini"]
    assert whole["items"][0] == {"id": "1", "input": "1 + 1 =", "expected": "2"}
    assert whole["results"][0]["scores"]["exact"]["value"] == 1
    assert whole["summary"][1]["scores"]["exact"]["n"] == 12
    assert (whole["missing"], whole["stopped"]) == (0, "")


def test_a_data_frame_has_a_row_for_each_result(sums):
    """With input, expectation, and a column for each score and reason."""
    pytest.importorskip("pandas")
    frame = sums.to_pandas()

    assert len(frame) == 24
    assert frame.groupby("model")["score_exact"].mean().to_dict() == {
        "gpt-4o": 1.0,
        "gpt-4o-mini": 0.5,
    }
    assert frame.loc[0, ["input", "expected", "reason_exact"]].tolist() == [
        "1 + 1 =",
        "2",
        "the same",
    ]
    assert set(frame["served"]) == {"lab/gpt-4o", "lab/gpt-4o-mini"}


@pytest.mark.parametrize(
    ("library", "use"),
    [
        ("pandas", lambda comparison: comparison.to_pandas()),
        ("matplotlib", lambda comparison: comparison.plot),
        ("tqdm", lambda comparison: comparison.resume(progress=True)),
    ],
)
def test_a_missing_library_is_named_with_its_extra(client, monkeypatch, library, use):
    """The command that installs it is in the message."""
    comparison = compare("gpt-4o", "q", client=client)
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == library or name.endswith("experiments.charts"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install .*\[compare\]'"):
        use(comparison)
