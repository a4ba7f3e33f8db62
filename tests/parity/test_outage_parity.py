"""A rehearsed outage through the client, `ChatGenAI` and `GenAI`, and what tests can say of the route."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from genai_integrations import GenAIError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing import assert_route

QUESTION = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("ask", ["ask", "stream", "aask", "astream"])
def test_each_way_meets_it(each_way, ask):
    """The other region answers, whole or streamed, sync or async."""

    def do(way):
        with way.client.outage("seoul", status=429):
            told = getattr(way, ask)("one two")
            return asyncio.run(told) if asyncio.iscoroutine(told) else told

    found = each_way(do)

    told = found["client"]
    assert found == dict.fromkeys(found, told)
    assert told.served == "usa/gpt-4o"
    assert told.outcomes == [("seoul/gpt-4o", "RateLimitError"), ("usa/gpt-4o", "ok")]


@pytest.fixture
def answers(each_way):
    """What each way gives its user, after an outage of the first region."""

    def do(way):
        with way.client.outage("seoul", status=429):
            if isinstance(getattr(way, "model", None), ChatGenAI):
                return way.model.invoke("Hi")
            if isinstance(getattr(way, "llm", None), GenAI):
                return way.llm.chat([ChatMessage("Hi")])
            return way.client.completion(way.model, QUESTION)

    return each_way(do)


@pytest.mark.parametrize("way", ["client", "langchain", "llama_index"])
def test_what_is_right_passes(way, answers):
    """Of a reply, a message and a response; by a connection's name, a target's, a provider's or a model's."""
    route = assert_route(answers[way])

    route.served_by("usa").served_by("usa/gpt-4o").served_by("openai").served_by("gpt-4o")
    route.rescued_from("seoul").rescued_from("seoul", "RateLimitError")
    route.tried("seoul", "usa").not_tried("tokyo").not_cached()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("served_by", ("seoul",), "served by 'usa/gpt-4o', not by 'seoul': "),
        ("rescued_from", ("tokyo",), "nothing failed at 'tokyo': "),
        ("rescued_from", ("usa",), "nothing failed at 'usa': "),
        (
            "rescued_from",
            ("seoul", "ServerError"),
            "'seoul' failed with RateLimitError, not with ServerError: ",
        ),
        ("tried", ("usa",), "the targets tried were not usa: "),
        ("tried", (), "the targets tried were not nobody: "),
        ("not_tried", ("seoul",), "'seoul' was asked: "),
    ],
)
def test_what_is_wrong_shows_the_route(name, given, words, answers):
    """In one line."""
    with pytest.raises(AssertionError) as caught:
        getattr(assert_route(answers["langchain"]), name)(*given)

    assert str(caught.value) == f"{words}seoul/gpt-4o RateLimitError -> usa/gpt-4o ok"


def test_an_error_has_a_route_too(each_way):
    """Of a call that nobody answered; the frameworks' errors as well."""

    def do(way):
        with way.client.outage("openai"):
            return way.ask("Hi")

    for error in each_way(do).values():
        assert isinstance(error, GenAIError)
        assert_route(error).tried("seoul", "usa")
        with pytest.raises(
            AssertionError, match="nobody answered, 'usa' should have: seoul/gpt-4o"
        ):
            assert_route(error).served_by("usa")
        with pytest.raises(AssertionError, match="it failed at 'seoul', and nobody answered"):
            assert_route(error).rescued_from("seoul")


def test_a_kept_answer_was_not_asked_for(each_way):
    """`not_cached` tells one from the other, and a retry of the same target is no rescue."""

    def do(way):
        reply = way.client.completion("gpt-4o", QUESTION)
        again = way.client.completion("gpt-4o", QUESTION)
        assert_route(reply).not_cached()
        with pytest.raises(AssertionError, match="was kept from an earlier call"):
            assert_route(again).not_cached()
        return True

    assert each_way(do, cache_responses=True)["client"] is True


@pytest.mark.parametrize("thing", [None, "text", {"choices": []}, 3])
def test_what_has_no_route_is_refused(thing):
    """With a word about what to give."""
    with pytest.raises(TypeError, match="has no route: give a reply"):
        assert_route(thing)
