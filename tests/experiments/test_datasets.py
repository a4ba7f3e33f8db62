"""Langfuse's datasets as inputs, and comparisons as their runs."""

from __future__ import annotations

import pytest

from genai_integrations import GenAIClient, compare
from genai_integrations.errors import ConfigurationError, DatasetError
from genai_integrations.experiments import acompare, dataset, exact
from genai_integrations.testing.faults import Fault

ITEMS = [
    {"id": "fr", "input": {"country": "France"}, "expectedOutput": "Paris"},
    {"id": "kr", "input": {"country": "Korea"}, "expectedOutput": "서울"},
    {"id": "old", "input": {"country": "Prussia"}, "status": "ARCHIVED"},
]
PROMPT = "The capital of {{country}}?"


@pytest.fixture
def capitals(langfuse):
    """The id of a dataset of two items and an archived one."""
    return langfuse.create_dataset("geo/capitals", ITEMS)


@pytest.fixture
def tracer(tracing, langfuse, lab, provider):
    """A client that traces, whose models know one capital."""
    provider.replies = {"*": "Paris"}
    pair = (langfuse.public_key, langfuse.secret_key, langfuse.host)
    with GenAIClient(*pair, connections=[lab], router_args={"num_retries": 0}) as client:
        yield client
        client.flush()


def _by_id(spans):
    return {span["span_id"]: span for span in spans}


def test_a_dataset_is_a_list_of_inputs(tracer, capitals):
    """Its inputs are variables, its expected outputs what is right; archived items are left out."""
    comparison = compare(
        "gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, evaluators=exact()
    )

    assert [(row.item, row.scores["exact"].value) for row in comparison.results] == [
        ("fr", 1.0),
        ("kr", 0.0),
    ]


def test_a_dataset_of_many_pages_is_read_in_order(tracer, langfuse):
    """As the items were made, whatever order the pages have."""
    langfuse.create_dataset("many", [{"id": f"i{at:03}", "input": "q"} for at in range(120)])

    comparison = compare("gpt-4o", dataset("many"), client=tracer)

    assert [row.item for row in comparison.results] == [f"i{at:03}" for at in range(120)]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_comparison_is_a_run_for_each_candidate(tracer, langfuse, capitals, mode):
    """Each call's trace names the run, the dataset and the item; the generation is inside it."""
    models = ["gpt-4o", "gpt-4o-mini"]
    options = {"client": tracer, "evaluators": exact(), "run_name": "nightly"}
    if mode == "sync":
        comparison = compare(models, dataset("geo/capitals"), PROMPT, **options)
    else:
        comparison = await acompare(models, dataset("geo/capitals"), PROMPT, **options)
        await tracer.aclose()

    roots = [span for span in langfuse.spans if span["name"] == "experiment-item-run"]
    found = {
        span["trace_id"]: (
            span["attributes"]["langfuse.experiment.name"],
            span["attributes"]["langfuse.experiment.item.id"],
            span["attributes"]["langfuse.experiment.item.expected_output"],
            span["attributes"]["langfuse.observation.output"],
        )
        for span in roots
    }
    expected = {"fr": "Paris", "kr": "서울"}
    assert found == {
        row.trace_id: (f"nightly: {row.model}", row.item, expected[row.item], "Paris")
        for row in comparison.results
    }
    generations = [span for span in langfuse.spans if span["name"] == "genai-completion"]
    assert len(generations) == 4
    for span in generations:
        root = _by_id(roots)[span["parent_span_id"]]
        for name in ("id", "name", "dataset.id", "item.id", "item.root_observation_id"):
            key = f"langfuse.experiment.{name}"
            assert span["attributes"][key] == root["attributes"][key]
        assert span["attributes"]["langfuse.experiment.dataset.id"] == capitals
        assert root["attributes"]["langfuse.experiment.item.root_observation_id"] == root["span_id"]
    assert len({span["attributes"]["langfuse.experiment.id"] for span in roots}) == 2


def test_a_run_has_the_id_that_the_sdk_itself_gives_it(tracer, langfuse, capitals):
    """So a comparison and `run_experiment` under one name are one run."""
    compare("gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, run_name="매일")
    sdk = tracer._langfuse.get()
    sdk.get_dataset("geo/capitals").run_experiment(
        name="other", run_name="매일", task=lambda **_: "Paris"
    )

    ids = {
        span["attributes"]["langfuse.experiment.id"]
        for span in langfuse.spans
        if span["name"] == "experiment-item-run"
    }
    assert len(ids) == 1


def test_scores_reach_the_traces(tracer, langfuse, capitals):
    """One by one where the server does not take the SDK's list, as version 4.16 does not."""
    comparison = compare(
        "gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, evaluators=exact(), run_name="n"
    )

    assert [
        {name: row[name] for name in ("traceId", "name", "value", "comment")}
        for row in sorted(langfuse.scores, key=lambda row: -row["value"])
    ] == [
        {"traceId": first.trace_id, "name": "exact", "value": value, "comment": comment}
        for first, value, comment in zip(
            comparison.results, (1.0, 0.0), ("the same", "expected '서울'"), strict=True
        )
    ]


def test_scores_belong_to_the_items_own_span(tracer, langfuse, capitals):
    """Langfuse's page of an experiment shows the scores of the root span of an item, and no others."""
    compare(
        "gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, evaluators=exact(), run_name="n"
    )

    roots = {
        (span["trace_id"], span["span_id"])
        for span in langfuse.spans
        if span["name"] == "experiment-item-run"
    }
    assert {(row["traceId"], row["observationId"]) for row in langfuse.scores} == roots
    assert len(roots) == 2
    assert sorted(row["value"] for row in langfuse.run_scores("n")) == [0.0, 1.0]


def test_a_failed_call_is_an_error_in_its_run(tracer, langfuse, capitals, provider):
    """With what went wrong, and without a score."""
    provider.faults = {"*": Fault.status(503)}
    compare(
        "gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, run_name="n", evaluators=exact()
    )

    roots = [span for span in langfuse.spans if span["name"] == "experiment-item-run"]
    assert {span["attributes"]["langfuse.observation.level"] for span in roots} == {"ERROR"}
    assert all(
        span["attributes"]["langfuse.observation.status_message"].startswith("ServerError")
        for span in roots
    )
    assert langfuse.scores == []


@pytest.mark.usefixtures("hasty_sdk")
def test_a_langfuse_that_goes_away_costs_no_result(tracer, langfuse, capitals, provider, caplog):
    """The run is lost, the answers are not."""

    def reply(_):
        langfuse.down = True
        return "Paris"

    provider.replies = {"*": reply}
    comparison = compare(
        "gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, run_name="n", evaluators=exact()
    )
    langfuse.down = False

    assert [row.text for row in comparison.results] == ["Paris", "Paris"]
    assert "scores did not reach Langfuse" in caplog.text


def test_without_tracing_there_is_no_run(langfuse, capitals, lab):
    """It is said before anything is sent."""
    with (
        GenAIClient(
            langfuse.public_key,
            langfuse.secret_key,
            langfuse.host,
            connections=[lab],
            tracing=False,
        ) as client,
        pytest.raises(ConfigurationError, match="run_name needs tracing"),
    ):
        compare("gpt-4o", dataset("geo/capitals"), PROMPT, client=client, run_name="n")


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        ({}, "nothing", "has no dataset 'nothing'"),
        ({"secret_key": "sk-new"}, "geo/capitals", "refuses the key pair"),
        (
            {"down": True},
            "geo/capitals",
            "cannot be loaded from Langfuse at .*: check LANGFUSE_HOST",
        ),
    ],
)
@pytest.mark.usefixtures("hasty_sdk")
def test_a_dataset_that_cannot_be_had_is_said(tracer, langfuse, capitals, change, name, message):
    """In one line, without the SDK's own frames, which know the secret key."""
    for attribute, value in change.items():
        setattr(langfuse, attribute, value)
    with pytest.raises(DatasetError, match=message) as raised:
        compare("gpt-4o", dataset(name), client=tracer)

    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.usefixtures("hasty_sdk")
def test_a_project_that_cannot_be_asked_for_writes_no_run(tracer, langfuse, capitals, provider):
    """The run's id depends on it."""
    real = langfuse._projects
    langfuse._projects = lambda _: (500, {"message": "broken"})
    with pytest.raises(DatasetError, match="no dataset run can be written"):
        compare("gpt-4o", dataset("geo/capitals"), PROMPT, client=tracer, run_name="n")
    langfuse._projects = real

    assert provider.requests == []
