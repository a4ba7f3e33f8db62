"""One script through the client, `ChatGenAI` and `GenAI`: the same comes out."""

from __future__ import annotations

import pytest

from genai_integrations import errors
from genai_integrations.testing.faults import Fault

TEXT = "one two three four"
ASKING = {
    "whole": lambda way: way.ask(TEXT),
    "streamed": lambda way: way.stream(TEXT),
    "async": lambda way: way.aask(TEXT),
    "async streamed": lambda way: way.astream(TEXT),
}

each_asking = pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)


def one_of(found):
    """What all ways found; a difference fails with all of it."""
    first, *others = found.values()

    assert all(other == first for other in others), found
    return first


@each_asking
def test_text_usage_cost_and_route(each_way, ask):
    """Whole or streamed, sync or async."""
    told = one_of(each_way(ask))

    assert told.text == f"seoul says: {TEXT}"
    assert told.usage == (4, 6, 10)
    assert told.cost > 0
    assert told.outcomes == [("seoul/gpt-4o", "ok")]


@each_asking
def test_fallback(each_way, regions, ask):
    """The same target answers in the end, and both attempts are told."""
    regions[0].faults["*"] = Fault.status(500)
    told = one_of(each_way(ask))

    assert told.text == f"usa says: {TEXT}"
    assert told.served == "usa/gpt-4o"
    assert told.outcomes == [("seoul/gpt-4o", "ServerError"), ("usa/gpt-4o", "ok")]


def test_tools(each_way):
    """A forced call, with its arguments."""
    assert one_of(each_way(lambda way: way.tools("1 + 1"))) == [("add", {"a": 1, "b": 1})]


def test_structured(each_way, regions):
    """An object of the class."""
    menu = one_of(each_way(lambda way: way.structured("A menu.")))

    assert (menu.title, menu.dishes) == ("text", 1)


def test_parameters(each_way, regions):
    """What is given to a call arrives."""
    one_of(each_way(lambda way: way.ask(TEXT, temperature=0.5, max_tokens=3)))

    bodies = [row.body for row in regions[0].requests]
    assert [(body["temperature"], body["max_tokens"]) for body in bodies] == [(0.5, 3)] * 3
    assert bodies[0]["messages"] == bodies[1]["messages"] == bodies[2]["messages"]


@each_asking
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.bad_request(), errors.BadRequestError),
        (Fault.status(400, code="context_length_exceeded"), errors.ContextWindowExceededError),
        (Fault.unauthorized(), errors.AuthenticationError),
        (Fault.rate_limited(), errors.RateLimitError),
        (Fault.status(500), errors.ServerError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_errors(each_way, regions, ask, fault, kind):
    """The same class, status and provider; an adapter may make it its framework's error too."""
    regions[0].faults["*"] = fault
    found = each_way(ask, fallbacks=[])

    for error in found.values():
        assert isinstance(error, kind), found
    facts = {(error.status, error.connection, error.model) for error in found.values()}
    assert len(facts) == 1


@pytest.mark.parametrize("ask", [ASKING["streamed"], ASKING["async streamed"]])
def test_a_broken_stream(each_way, regions, ask):
    """The same error with the same part of the text."""
    regions[0].faults["*"] = Fault.cut(after=3)
    found = each_way(ask)

    assert all(isinstance(error, errors.StreamInterruptedError) for error in found.values()), found
    assert len({error.partial_text for error in found.values()}) == 1


@each_asking
def test_all_targets_fail(each_way, regions, ask):
    """The error that holds all attempts."""
    for region in regions:
        region.faults["*"] = Fault.status(500)
    found = each_way(ask)

    assert all(isinstance(error, errors.AllTargetsFailedError) for error in found.values()), found


@each_asking
def test_an_unknown_model(each_way, ask):
    """Nobody is asked."""
    found = each_way(ask, model="nobodys/model")

    assert all(isinstance(error, errors.UnknownModelError) for error in found.values()), found


@each_asking
def test_keys_cannot_be_redirected(each_way, regions, ask):
    """By none of the ways."""
    found = each_way(lambda way: way.ask(TEXT, api_base="http://127.0.0.1:9"))

    assert all(isinstance(error, errors.ConfigurationError) for error in found.values()), found
    assert not regions[0].requests
