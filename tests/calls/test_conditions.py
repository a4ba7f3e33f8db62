"""Rules as data: what holds when, and what is refused with a word on where it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from genai_integrations.calls.conditions import OPERATORS, conditions
from genai_integrations.errors import ConfigurationError

FACTS = {
    "model": "gpt-4o",
    "user": "ann@example.com",
    "input_tokens": 9000,
    "language": "ko",
    "needs": frozenset(("vision", "tools")),
    "stream": False,
    "metadata.tier": "free",
    "metadata.level": 3,
    "metadata.beta": True,
    "metadata.tags": ["a", "b"],
    "params.temperature": 0.5,
}

HOLDS = [
    {},
    {"language": "ko"},
    {"metadata.tier": "free", "input_tokens": {"$gt": 8000}},
    {"input_tokens": {"$gt": 8000, "$lte": 9000}},
    {"input_tokens": {"$gte": 9000, "$lt": 9000.5}},
    {"needs": "vision"},
    {"needs": {"$in": ["pdf", "tools"]}},
    {"needs": {"$ne": "audio"}},
    {"needs": {"$nin": ["audio", "pdf"]}},
    {"user": {"$regex": "@example[.]com$"}},
    {"metadata.tags": "b"},
    {"metadata.nothing": None},
    {"metadata.nothing": {"$ne": "x"}},
    {"metadata.nothing": {"$nin": ["x"]}},
    {"metadata.beta": True},
    {"stream": False},
    {"model": {"$in": ["gpt-4o", "o3"]}},
    {"$and": [{"language": "ko"}, {"params.temperature": {"$lt": 1}}]},
    {"$or": [{"language": "ja"}, {"needs": "tools"}]},
    {"$or": [{"$and": [{"language": "ko"}, {"stream": False}]}, {"language": "ja"}], "user": {"$ne": "bob"}},
    {"metadata.tier": {"$gt": "enterprise"}},
]  # fmt: skip

FAILS = [
    {"language": "ja"},
    {"metadata.tier": "free", "input_tokens": {"$gt": 9000}},
    {"needs": "audio"},
    {"needs": {"$ne": "vision"}},
    {"needs": {"$nin": ["vision"]}},
    {"needs": {"$in": []}},
    {"metadata.level": "3"},
    {"metadata.level": True},
    {"metadata.beta": 1},
    {"metadata.tier": {"$gt": 1}},
    {"metadata.beta": {"$gte": 1}},
    {"metadata.level": {"$regex": "3"}},
    {"metadata.nothing": {"$lt": 5}},
    {"metadata.nothing": {"$regex": ""}},
    {"user": None},
    {"$or": [{"language": "ja"}, {"language": "zh"}]},
    {"$and": [{"language": "ko"}, {"stream": True}]},
    {"$or": [{"language": "ko"}], "stream": True},
]


def holds(condition, facts=FACTS):
    """Whether a condition holds for a request."""
    (rule,) = conditions("conditions", [{"if": condition, "then": "other"}])
    return rule.condition.holds(facts.get)


@pytest.mark.parametrize("condition", HOLDS, ids=str)
def test_what_holds(condition):
    """As MongoDB's operators mean it; of several needs or tags one is enough."""
    assert holds(condition)


@pytest.mark.parametrize("condition", FAILS, ids=str)
def test_what_does_not_hold(condition):
    """Values of different kinds are neither equal nor in an order, and what is missing is not compared."""
    assert not holds(condition)


REFUSED = [
    ([{"if": {"lang": "ko"}, "then": "a"}], "['conditions'][0]['if']['lang'] is not a field of a request: did you mean 'language'?"),
    ([{"if": {"metadata": "x"}, "then": "a"}], "['if']['metadata'] is not a field"),
    ([{"if": {"metadata.": "x"}, "then": "a"}], "['if']['metadata.'] is not a field"),
    ([{"if": {}, "then": "a"}, {"if": {}, "then": "b"}], "['conditions'][1] is never reached"),
    ([{"if": {"input_tokens": {"$gtt": 1}}, "then": "a"}], "['input_tokens']['$gtt'] is not an operator: did you mean '$gt'?"),
    ([{"if": {"input_tokens": {}}, "then": "a"}], "has no operator"),
    ([{"if": {"input_tokens": {"$gt": "many"}}, "then": "a"}], "['$gt'] must be a number, not 'many'"),
    ([{"if": {"input_tokens": {"$gt": None}}, "then": "a"}], "must be a number or a string"),
    ([{"if": {"input_tokens": {"$gt": math.nan}}, "then": "a"}], "['$gt'] must be a number that is finite, not nan"),
    ([{"if": {"input_tokens": math.inf}, "then": "a"}], "['input_tokens'] must be a number that is finite, not inf"),
    ([{"if": {"metadata.share": {"$nin": [1, -math.inf]}}, "then": "a"}], "['$nin'][1] must be a number that is finite"),
    ([{"if": {"params.temperature": {"$lte": math.nan}}, "then": "a"}], "must be a number that is finite"),
    ([{"if": {"input_tokens": {"$gt": True}}, "then": "a"}], "must be a number or a string, not True"),
    ([{"if": {"input_tokens": {"$regex": "9"}}, "then": "a"}], "is for strings"),
    ([{"if": {"language": "en"}, "then": "a"}], "must be one of arabic, "),
    ([{"if": {"needs": {"$in": ["vision", "sight"]}}, "then": "a"}], "['$in'][1] must be one of audio, "),
    ([{"if": {"stream": "yes"}, "then": "a"}], "must be True or False"),
    ([{"if": {"user": {"$in": "ann"}}, "then": "a"}], "must be a list"),
    ([{"if": {"user": ["ann"]}, "then": "a"}], 'for one of several write {"$in": [...]}'),
    ([{"if": {"user": {"$regex": "("}}, "then": "a"}], "is not a regular expression"),
    ([{"if": {"$or": []}, "then": "a"}], "['$or'] must be a list of conditions"),
    ([{"if": {"$or": {"user": "ann"}}, "then": "a"}], "['$or'] must be a list of conditions"),
    ([{"if": {"$and": [{"$xor": []}]}, "then": "a"}], "['$and'][0]['$xor'] is not a field"),
    ([{"if": "ko", "then": "a"}], "['if'] must be a mapping"),
    ([{"if": {1: "ko"}, "then": "a"}], "['if'][1] is not a field"),
    ([{"then": "a"}], "['conditions'][0] must be a mapping like"),
    ([{"if": {}, "then": "a", "else": "b"}], "['conditions'][0] must be a mapping like"),
    ([{"if": {}, "then": ["a"]}], "['then'] must be a model's name"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_cannot_be_evaluated_is_refused(given, told):
    """In one line, with the place of what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        conditions("conditions", given)

    message = str(caught.value)
    assert message.startswith("router_args['conditions']")
    assert told in message
    assert "\n" not in message


def test_what_is_nested_without_end_is_refused():
    """Before Python's own stack ends."""
    deep = {"language": "ko"}
    for _ in range(2000):
        deep = {"$and": [deep]}

    with pytest.raises(ConfigurationError, match="nested too deeply"):
        conditions("conditions", [{"if": deep, "then": "a"}])


def test_a_condition_is_told_in_words():
    """For `route.why`."""
    rule = {"metadata.tier": "free", "$or": [{"language": "ko"}, {"input_tokens": {"$gt": 8000}}]}
    (found,) = conditions("conditions", [{"if": rule, "then": "a"}])

    assert str(found.condition) == (
        "metadata.tier is 'free' and (language is 'ko' or input_tokens > 8000)"
    )


scalars = some.none() | some.booleans() | some.integers(-3, 3) | some.sampled_from(["", "a", "b"])
comparisons = some.one_of(
    some.tuples(some.sampled_from(["$eq", "$ne"]), scalars),
    some.tuples(some.sampled_from(["$in", "$nin"]), some.lists(scalars, max_size=3)),
    some.tuples(
        some.sampled_from(["$gt", "$gte", "$lt", "$lte"]),
        some.integers(-3, 3) | some.sampled_from(["", "a", "b"]),
    ),
).map(lambda pair: {"metadata.x": {pair[0]: pair[1]}})
trees = some.recursive(
    comparisons,
    lambda inner: some.tuples(
        some.sampled_from(["$and", "$or"]), some.lists(inner, min_size=1, max_size=3)
    ).map(lambda pair: {pair[0]: pair[1]}),
    max_leaves=8,
)
OPPOSITE = {"$eq": "$ne", "$ne": "$eq", "$in": "$nin", "$nin": "$in"}


@given(trees, scalars)
def test_every_condition_that_is_taken_can_be_evaluated(condition, value):
    """To True or False, whatever the request has; evaluating it twice gives the same."""
    found = holds(condition, {"metadata.x": value})

    assert found is holds(condition, {"metadata.x": value})
    assert isinstance(found, bool)


@given(comparisons, scalars)
def test_denials_are_the_opposite_of_what_they_deny(condition, value):
    """`$ne` of `$eq` and `$nin` of `$in`, for missing values too."""
    ((name, operand),) = condition["metadata.x"].items()
    facts = {"metadata.x": value}
    if name in OPPOSITE:
        assert holds(condition, facts) is not holds(
            {"metadata.x": {OPPOSITE[name]: operand}}, facts
        )


@given(trees, trees, scalars)
def test_and_and_or_are_those_of_logic(one, other, value):
    """Of two conditions, in either order."""
    facts = {"metadata.x": value}
    first, second = holds(one, facts), holds(other, facts)

    assert (
        holds({"$and": [one, other]}, facts)
        is holds({"$and": [other, one]}, facts)
        is (first and second)
    )
    assert (
        holds({"$or": [one, other]}, facts)
        is holds({"$or": [other, one]}, facts)
        is (first or second)
    )


@given(some.integers(), some.integers())
def test_orders_agree(value, operand):
    """Exactly one of less, equal and greater holds between numbers."""
    facts = {"metadata.x": value}
    found = [holds({"metadata.x": {name: operand}}, facts) for name in ("$lt", "$eq", "$gt")]

    assert found.count(True) == 1
    assert holds({"metadata.x": {"$lte": operand}}, facts) is (found[0] or found[1])


def test_every_operator_is_one_of_the_field():
    """MongoDB's names, which Portkey has too; `$and` and `$or` join."""
    assert set(OPERATORS) == {
        "$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$regex"
    }  # fmt: skip
