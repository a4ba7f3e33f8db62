"""The Langfuse stand-in computes of a span what Langfuse's pages showed of it."""

from __future__ import annotations

import json

import pytest

from genai_integrations.testing.langfuse import LangfuseStandIn

_OWN = "langfuse.observation."


@pytest.fixture
def show():
    """What a stand-in shows of a generation with these of Langfuse's attributes."""

    def show(code=0, model="gpt-4o", **attributes):
        server = LangfuseStandIn()
        given = {"type": "generation", "model.name": model, **attributes}
        server.spans.append(
            span({f"{_OWN}{key}": value for key, value in given.items()}, code=code)
        )
        (row,) = server.observations
        return row

    return show


def span(attributes, *, code=0, span_id="s1", trace_id="t1"):
    """A span of two seconds."""
    return {
        "name": "call",
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": None,
        "start": 1_700_000_000_000_000_000,
        "end": 1_700_000_002_000_000_000,
        "status": {"code": code, "message": ""},
        "attributes": attributes,
        "events": [],
        "scope": "",
        "resource": {},
    }


def test_tokens_are_summed_by_the_beginning_of_their_kind(show):
    """Whatever the total says, and an overlap counts twice."""
    usage = {"input": 10, "input_cached_tokens": 4, "output": 3, "other": 9, "total": 13}

    row = show(usage_details=json.dumps(usage))

    assert (row["inputUsage"], row["outputUsage"], row["totalUsage"]) == (14, 3, 13)


def test_what_is_not_priced_is_priced_by_the_table(show):
    """A kind that the table does not know costs nothing; a name that it does not know, neither."""
    usage = json.dumps({"input": 1000, "input_cached_tokens": 400, "output": 100, "odd": 7})

    row = show(usage_details=usage)

    assert row["modelId"] == "gpt-4o"
    assert row["costDetails"] == pytest.approx(
        {"input": 0.0025, "input_cached_tokens": 0.0005, "output": 0.001, "odd": 0, "total": 0.004}
    )
    unknown = show(usage_details=usage, model="our-deployment")
    assert (unknown["modelId"], unknown["totalCost"]) == (None, 0)
    cached = json.dumps({"input_cache_creation": 1000, "input_cached_tokens": 1000})
    claude = show(usage_details=cached, model="claude-sonnet-4-5")
    assert claude["totalCost"] == pytest.approx(0.00375 + 0.0003)


def test_what_is_priced_stays_as_it_is(show):
    """Also zero, and a total that is missing is the sum."""
    usage = json.dumps({"input": 1000})

    assert show(usage_details=usage, cost_details='{"total": 0}')["totalCost"] == 0
    assert show(usage_details=usage, cost_details='{"input": 1, "output": 2}')["totalCost"] == 3


def test_what_is_not_counted_is_counted_by_langfuse_of_failed_calls_too(show):
    """So that an error of which nothing is told is not free."""
    failed = {"level": "ERROR", "input": "How are you?", "code": 2}

    assert show(**failed)["usageDetails"] == {"input": 4}
    assert show(**failed)["totalCost"] == pytest.approx(0.00001)
    told = show(**failed, cost_details='{"total": 0}')
    assert (told["level"], told["usageDetails"], told["totalCost"]) == ("ERROR", {}, 0)


def test_spans_of_openinference_count_by_their_own_words():
    """Tokens and the model, where Langfuse's attributes are not there; other spans have no price."""
    server = LangfuseStandIn()
    server.spans += [
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o-mini",
                "llm.token_count.prompt": 1000,
                "llm.token_count.completion": 0,
                "llm.invocation_parameters": '{"num_output": 5}',
            }
        ),
        span({"openinference.span.kind": "CHAIN", "input": "How are you?"}, code=2),
    ]

    model, chain = server.observations

    assert (model["type"], model["providedModelName"]) == ("GENERATION", "gpt-4o-mini")
    assert model["totalCost"] == pytest.approx(0.00015)
    assert model["modelParameters"] == {"num_output": 5}
    assert (chain["type"], chain["level"], chain["totalCost"]) == ("SPAN", "ERROR", 0)


def test_times_are_in_seconds(show):
    """From the beginning to the end, and to the first token."""
    row = show(completion_start_time='"2023-11-14T22:13:20.500000Z"')

    assert (row["latency"], row["timeToFirstToken"]) == (2.0, pytest.approx(0.5))
    assert (row["startTime"], row["endTime"]) == (
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:22.000Z",
    )


def test_a_run_shows_the_scores_of_its_items_root_observations():
    """A score of the trace alone, of another observation or of another run is not there."""
    server = LangfuseStandIn()
    server.spans += [
        span(
            {
                "langfuse.experiment.name": run,
                "langfuse.experiment.item.root_observation_id": root,
            },
            span_id=own,
            trace_id=f"trace-{run}",
        )
        for run, root, own in (("one", "a", "a"), ("one", "a", "b"), ("two", "c", "c"))
    ]
    server.scores += [
        {"name": name, "value": 1, "traceId": trace, "observationId": own}
        for name, trace, own in (
            ("shown", "trace-one", "a"),
            ("below", "trace-one", "b"),
            ("whole", "trace-one", None),
            ("other", "trace-two", "c"),
        )
    ]

    assert [row["name"] for row in server.run_scores("one")] == ["shown"]
