"""What scores answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from genai_integrations import compare
from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments import (
    Evaluator,
    Score,
    estimate,
    exact,
    json_schema,
    llm_judge,
    regex,
)
from genai_integrations.testing.faults import Fault

PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def _score(evaluator, output, expected=None):
    values = {"output": output, "input": "in", "expected": expected, "expected_output": expected}
    return asyncio.run(evaluator.score(values))


@pytest.mark.parametrize(
    ("evaluator", "output", "expected", "value", "reason"),
    [
        (exact(), " 4\n", 4, 1, "the same"),
        (exact(), "four", "4", 0, "expected '4'"),
        (exact(), "Seoul", "seoul", 0, "expected 'seoul'"),
        (exact(ignore_case=True), "Seoul", "seoul", 1, "the same"),
        (exact(), "4", None, None, "the item has no expected value"),
        (regex(r"\d+ kg"), "about 30 kg", None, 1, "found '30 kg'"),
        (regex(r"^\d+$"), "about 30", None, 0, r"no '^\\d+$'"),
        (json_schema(PERSON), '{"age": 3}', None, 1, "it fits"),
        (json_schema(PERSON), '{"age": "3"}', None, 0, "$.age: '3' is not of type 'integer'"),
        (json_schema(PERSON), "{}", None, 0, "$: 'age' is a required property"),
        (json_schema(PERSON), "```{}```", None, 0, "not JSON: Expecting value"),
    ],
)
def test_built_in_evaluators(evaluator, output, expected, value, reason):
    """Each gives 1 or 0 and says why; nothing where there is nothing to compare with."""
    score = _score(evaluator, output, expected)

    assert score.value == value
    assert score.reason.startswith(reason)
    assert score.error is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regex("("), "'\\(' is not a regular expression"),
        (lambda: json_schema({"type": "nonsense"}), "the JSON schema is wrong: 'nonsense'"),
    ],
)
def test_an_evaluator_that_cannot_work_is_refused(make, message):
    """When it is made, not with the first answer."""
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_a_schema_fetches_nothing(provider):
    """A reference to elsewhere is an error of the evaluator, and no request."""
    score = _score(json_schema({"$ref": f"{provider.url}/schema.json"}), "{}")

    assert "Unresolvable" in score.error
    assert provider.requests == []


@pytest.mark.parametrize(
    ("function", "score"),
    [
        (lambda output: len(output) / 2, Score(1.5)),
        (lambda output, expected: output == expected, Score(1.0)),
        (lambda **values: values["expected_output"] == "abc", Score(1.0)),
        (lambda: (0.5, "so so"), Score(0.5, "so so")),
        (lambda: None, Score(None)),
        (lambda: Score(2.0, "mine", cost=1.0), Score(2.0, "mine", cost=1.0)),
        (lambda: 1 / 0, Score(None, error="ZeroDivisionError: division by zero")),
        (
            lambda: "good",
            Score(None, error="ValueError: could not convert string to float: 'good'"),
        ),
    ],
)
def test_a_function_takes_what_it_names_and_gives_what_it_likes(function, score):
    """Numbers, truth values, pairs and scores; what it raises is kept as the score's error."""
    assert _score(Evaluator("mine", function), "abc", "abc") == score


def test_an_asynchronous_function_is_awaited():
    """In the loop that makes the calls."""

    async def later(output):
        await asyncio.sleep(0)
        return len(output)

    assert _score(Evaluator("later", later), "abc") == Score(3.0)


@pytest.fixture
def judged(provider, client):
    """Compares one model on one item, judged by a model that answers as given."""

    def judged(reply):
        provider.replies = {"gpt-4.1": reply}
        judge = llm_judge("gpt-4.1", "It is polite {and short}.", name="polite")
        item = {"input": "Say hello.", "expected": "Hello."}
        return compare("gpt-4o", [item], client=client, evaluators=judge, progress=False)

    return judged


@pytest.mark.parametrize(
    "said", ["```json\n%s\n```", "It is polite. %s", "%s\nThat is all {really}."]
)
def test_a_judge_that_says_more_is_understood(judged, said):
    """A judge that is held to no schema answers in a fence, or after a sentence."""
    (result,) = judged(said % json.dumps({"reason": "r", "score": 0.9})).results

    assert (result.scores["polite"].value, result.scores["polite"].reason) == (0.9, "r")


def test_a_judge_gives_score_and_reason(judged, provider):
    """It is asked for a schema, sees criteria, input, answer and expectation as material, and costs."""
    comparison = judged(json.dumps({"reason": "very polite", "score": 0.9}))

    (result,) = comparison.results
    asked = provider.requests[-1].body
    assert (result.scores["polite"].value, result.scores["polite"].reason) == (0.9, "very polite")
    assert comparison.cost == pytest.approx(result.cost + result.scores["polite"].cost)
    assert result.scores["polite"].cost > 0
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert asked["messages"][0]["content"].endswith("Criteria: It is polite {and short}.")
    assert json.loads(asked["messages"][1]["content"]) == {
        "input": "Say hello.",
        "answer": "provider says: Say hello.",
        "expected": "Hello.",
    }


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (json.dumps({"reason": "r", "score": 7}), "the judge's score 7 is not between 0 and 1"),
        (json.dumps({"reason": "r", "score": None}), "the judge gave no score"),
        ("[]", "the judge gave no score: '[]'"),
        ("Good!", "the judge gave no score: 'Good!'"),
    ],
)
def test_a_judge_that_gives_no_score_is_an_error(judged, reply, error):
    """Never a guess; it has cost all the same, and there is no mean."""
    comparison = judged(reply)

    score = comparison.results[0].scores["polite"]
    assert (score.value, score.error.startswith(error)) == (None, True)
    assert score.cost > 0
    assert comparison.summary()[0].scores == {}


def test_a_judge_that_fails_leaves_the_answer(judged, provider):
    """The score has the error of the judge's call."""
    provider.faults = {"gpt-4.1": Fault.status(503)}

    (result,) = judged("").results

    assert result.text
    assert result.scores["polite"].error.startswith("ServerError: lab/gpt-4.1")


def test_a_judge_is_part_of_the_estimate(client):
    """A call of it for each answer, with its own price."""
    without = estimate("gpt-4o", ["a", "b"], client=client)
    judged = estimate("gpt-4o", ["a", "b"], client=client, evaluators=llm_judge("gpt-4.1", "c"))

    assert (judged.calls, judged.judge_calls) == (2, 2)
    assert judged.cost > without.cost
    assert "2 calls and 2 of judges" in str(judged)


def test_over_the_limit_no_judge_is_asked(provider, client):
    """The answer that broke it is kept, unjudged, for a later run."""
    provider.replies = {"gpt-4o": "word " * 2000, "gpt-4.1": '{"reason": "", "score": 1}'}

    comparison = compare(
        "gpt-4o",
        "a",
        client=client,
        evaluators=llm_judge("gpt-4.1", "c"),
        max_cost=0.015,
        progress=False,
    )

    assert len(provider.requests) == 1
    assert comparison.stopped
    assert comparison.resume(max_cost=1).results[0].scores["llm_judge"].value == 1
    assert len(provider.requests) == 2
