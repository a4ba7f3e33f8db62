"""`cache_responses`: the same question is answered once, and what is no good answer is never given again."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.errors import (
    CallError,
    ConfigurationError,
    StreamInterruptedError,
)
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
CALL = {"tool_calls": [{"name": "add", "arguments": '{"a": 1, "b": 2}'}, {"name": "now"}]}
RICH = {"reasoning_content": "Let me think.", "content": "So:", **CALL}


@pytest.fixture
def client(make_client, seoul):
    """A client that keeps answers."""
    return make_client(seoul, cache_responses=True, num_retries=0)


async def gathered(client, **params):
    stream = await client.acompletion("gpt-4o", QUESTION, True, **params)
    return [chunk async for chunk in stream], stream.route


def each_mode(client, **params):
    """The text, the usage and the route of a call in each of the four ways."""
    replies = [
        client.completion("gpt-4o", QUESTION, **params),
        asyncio.run(client.acompletion("gpt-4o", QUESTION, **params)),
    ]
    told = [(row.choices[0].message.content, row.usage, row.route) for row in replies]
    stream = client.completion("gpt-4o", QUESTION, True, **params)
    for chunks, route in ((list(stream), stream.route), asyncio.run(gathered(client, **params))):
        parts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        told.append(("".join(part or "" for part in parts), chunks[-1].usage, route))
    return told


def test_the_answer_of_one_way_serves_all(client, seoul, ask):
    """Whole or streamed, blocking or not: asked once, answered five times, with the first one's usage."""
    first = ask(client)

    assert first.text == "seoul says: one two three four"
    assert not first.route.cached
    for text, usage, route in each_mode(client):
        assert (text, usage) == (first.text, first.usage)
        assert route.cached
        assert (route.served, route.cost) == ("seoul/gpt-4o", 0.0)
        assert [row.reason for row in route.attempts] == ["cache"]
        assert str(route).startswith("seoul/gpt-4o cached ")
        assert route.as_dict()["cached"] is True
    assert len(seoul.requests) == 1


def test_nothing_is_kept_unless_it_is_wanted(make_client, seoul, ask):
    """It is off by default."""
    client = make_client(seoul)

    routes = [ask(client).route for _ in range(2)]

    assert [route.cached for route in routes] == [False, False]
    assert len(seoul.requests) == 2


@pytest.mark.parametrize("reply", [RICH, CALL, {"content": "Plain words."}])
def test_a_streamed_answer_is_kept_as_it_would_have_come_whole(reply, client, seoul):
    """Thoughts and tool calls included; and the other way round."""
    seoul.replies["*"] = {**reply, "tool_calls": [{**row, "id": f"c{at}"} for at, row in enumerate(reply.get("tool_calls", ()))]}  # fmt: skip
    list(client.completion("gpt-4o", QUESTION, True))
    again = client.completion("gpt-4o", QUESTION)
    whole = client.completion("gpt-4o", QUESTION, cache={"no-cache": True})
    *deltas, end, usage = client.completion("gpt-4o", QUESTION, True)

    assert again.route.cached
    plain = {k: v for k, v in whole.choices[0].message.wire.items() if v}
    assert {k: v for k, v in again.choices[0].message.wire.items() if v} == plain
    (delta,) = [row.choices[0].delta for row in deltas]
    assert [(row.index, row.id) for row in delta.tool_calls or ()] == [
        (at, row["id"]) for at, row in enumerate(plain.get("tool_calls", ()))
    ]
    assert end.choices[0].finish_reason == whole.choices[0].finish_reason
    assert usage.usage == whole.usage


def test_several_answers_stay_several(client, seoul):
    """Each with its index, whole and streamed."""
    first = client.completion("gpt-4o", QUESTION, n=2)
    again = client.completion("gpt-4o", QUESTION, n=2)
    chunks = list(client.completion("gpt-4o", QUESTION, True, n=2))

    assert again == first
    assert [(row.index, row.finish_reason) for chunk in chunks for row in chunk.choices] == [
        (0, None),
        (1, None),
        (0, "stop"),
        (1, "stop"),
    ]
    assert len(seoul.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-4o-mini"},
        {"messages": [{"role": "user", "content": "one two three"}]},
        {"temperature": 0.5},
        {"seed": 1},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]},
        {"user": "u-1"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_question_is_asked(change, client, seoul, ask):
    """Every parameter counts."""
    ask(client)

    assert not ask(client, **change).route.cached
    assert len(seoul.requests) == 2


def test_what_does_not_change_the_answer_does_not_count(client, seoul, ask):
    """How long to wait, how often to repeat, and how the call is recorded."""
    ask(client)

    answer = ask(
        client, timeout=7, num_retries=3, deadline=60, temperature=None, langfuse_user_id="u"
    )

    assert answer.route.cached


def test_a_name_for_other_targets_is_another_question(make_client, seoul, usa, ask):
    """The same words at the same name, but who would be asked has changed."""
    one, other = make_client(seoul, cache_responses=True), make_client(usa, cache_responses=True)
    other._router._parts.answers = one._router._parts.answers
    ask(one)

    assert ask(other).text == "usa says: one two three four"


def test_another_client_has_its_own_answers(make_client, seoul, ask):
    """Nobody sees what somebody else was told."""
    first, second = (make_client(seoul, cache_responses=True) for _ in range(2))
    ask(first)

    assert not ask(second).route.cached


BAD = {
    "length": (None, {"max_tokens": 2}),
    "content filter": (Fault.content_filter_stop(), {}),
    "error": (Fault.status(500), {}),
    "empty": (Fault.empty(), {}),
    "cut": (Fault.cut(2), {}),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_whole_good_answer_is_not_kept(bad, client, seoul, ask):
    """Neither one cut at a limit or by a filter, nor an error, nor the beginning of a broken stream."""
    fault, params = BAD[bad]
    seoul.faults["*"] = fault
    try:
        ask(client, **params)
    except (CallError, StreamInterruptedError):
        assert fault
    seoul.faults.clear()

    assert not ask(client, **params).route.cached
    assert len(seoul.requests) == 2


def test_a_stream_that_is_left_early_is_not_kept(client, seoul):
    """Nobody knows how it would have gone on."""
    with client.completion("gpt-4o", QUESTION, True) as stream:
        next(stream)

    assert not client.completion("gpt-4o", QUESTION).route.cached


def test_a_call_may_ask_anew(client, seoul, ask):
    """`no-cache` does not look, but keeps what it gets."""
    ask(client)
    seoul.replies["*"] = "something new"

    assert ask(client, cache={"no-cache": True}).text == "something new"
    again = ask(client)
    assert (again.text, again.route.cached) == ("something new", True)


def test_a_call_may_leave_nothing(client, ask):
    """`no-store` looks, but keeps nothing."""
    ask(client, cache={"no-store": True})
    assert not ask(client).route.cached
    assert ask(client, cache={"no-store": True}).route.cached


def test_a_call_may_say_for_how_long(make_client, seoul, ask):
    """`ttl` of the call, else of `cache_kwargs`."""
    client = make_client(seoul, cache_responses=True, cache_kwargs={"ttl": 30})
    cache = client._router.answers.exact
    now = cache._clock()
    cache._clock = lambda: now
    ask(client)
    ask(client, user="u", cache={"ttl": 90})

    cache._clock = lambda: now + 60
    assert not ask(client).route.cached
    assert ask(client, user="u").route.cached


def test_a_fallbacks_answer_is_kept_as_its_own(make_client, seoul, usa, ask):
    """The route says who answered first; nobody is asked, not even the one that is back."""
    rules = [{"seoul/gpt-4o": ["usa/gpt-4o"]}]
    client = make_client(seoul, usa, cache_responses=True, fallbacks=rules, num_retries=0)
    seoul.faults["*"] = Fault.status(500)
    ask(client, "seoul/gpt-4o")
    seoul.faults.clear()

    answer = ask(client, "seoul/gpt-4o")

    assert (answer.text, answer.route.served) == ("usa says: one two three four", "usa/gpt-4o")
    assert (len(seoul.requests), len(usa.requests)) == (1, 1)


def test_a_filtered_answer_still_goes_elsewhere(make_client, seoul, usa):
    """Only what the call ended with is kept."""
    rules = [{"seoul/gpt-4o": ["usa/gpt-4o"]}]
    client = make_client(seoul, usa, cache_responses=True, content_policy_fallbacks=rules)
    seoul.faults["*"] = Fault.content_filter_stop()

    first, again = (client.completion("seoul/gpt-4o", QUESTION) for _ in range(2))

    assert first.choices[0].message.content == "usa says: one two three four"
    assert [row.outcome for row in first.route.attempts] == ["ContentFilteredError", "ok"]
    assert again == first
    assert [row.reason for row in again.route.attempts] == ["cache"]


def test_kept_answers_are_there_when_all_providers_are_gone(client, seoul, ask):
    """Nobody has to be asked."""
    ask(client)
    seoul.faults["*"] = Fault.no_answer()

    assert ask(client).route.cached


@pytest.mark.parametrize("way", ["sync", "async"])
def test_embeddings_are_kept(way, client, seoul):
    """Vectors and usage, for the same texts in the same order."""

    def embed(texts, **params):
        if way == "sync":
            return client.embedding("text-embedding-3-small", texts, **params)
        return asyncio.run(client.aembedding("text-embedding-3-small", texts, **params))

    first, again, turned = embed(["a", "b"]), embed(["a", "b"]), embed(["b", "a"])

    assert again == first
    assert [reply.route.cached for reply in (first, again, turned)] == [False, True, False]
    assert again.route.cost == 0.0
    assert not embed(["a", "b"], dimensions=8).route.cached
    assert len(seoul.requests) == 3


def test_a_test_call_is_never_answered_from_memory(client, seoul):
    """It is made to see whether the connection works."""
    for _ in range(2):
        assert client.check("seoul").ok

    assert len(seoul.requests) == 2


def test_a_call_may_not_switch_it_on_and_a_wrong_control_is_told(client):
    """The cache belongs to the client."""
    with pytest.raises(ConfigurationError, match="cache_responses belongs to router_args"):
        client.completion("gpt-4o", QUESTION, cache_responses=True)
    with pytest.raises(
        ConfigurationError, match="ttl, refresh, no_store, semantic, no-cache, no-store"
    ):
        client.completion("gpt-4o", QUESTION, cache={"max-age": 1})


def test_a_request_that_has_no_exact_form_is_asked_each_time(client, seoul):
    """An integer that JSON knows, but no key."""
    for _ in range(2):
        assert not client.completion("gpt-4o", QUESTION, max_tokens=2**64).route.cached
