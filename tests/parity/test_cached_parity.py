"""The three ways to ask share one memory's rules: what is kept, what is told of it, and how a call decides."""

from __future__ import annotations

from dataclasses import replace

import pytest


@pytest.mark.parametrize("streamed", [False, True])
def test_a_kept_answer_is_told_alike(streamed, each_way, regions):
    """The same text and usage for nothing, whether it was first whole or streamed."""

    def do(way):
        ask, again = (way.stream, way.ask) if streamed else (way.ask, way.stream)
        first = ask("one two three")
        told = [ask("one two three"), again("one two three")]
        assert first.cost > 0
        assert told == [replace(first, cost=0.0)] * 2
        return first

    found = each_way(do, cache_responses=True)

    assert found["langchain"] == found["llama_index"] == found["client"]
    assert len(regions[0].requests) == 3


def test_a_call_decides_alike(each_way, regions):
    """`cache` is passed on by both adapters."""
    asked = []

    def do(way):
        for cache in ({"no_store": True}, {"refresh": True}, {"ttl": 60}):
            way.ask("one two three", cache=cache)
            way.stream("one two three", cache=cache)
        asked.append(len(regions[0].requests))

    found = each_way(do, cache_responses=True)

    assert found == dict.fromkeys(found)
    assert asked == [4, 8, 12]


def test_tools_and_structured_answers_are_kept_alike(each_way, regions):
    """Asked once each."""

    def do(way):
        tools, forms = (
            [way.tools("1 + 2?") for _ in range(2)],
            [way.structured("A menu.") for _ in range(2)],
        )
        assert tools[0] == tools[1]
        assert forms[0] == forms[1]
        return tools[0], forms[0]

    found = each_way(do, cache_responses=True)

    assert found["langchain"] == found["llama_index"] == found["client"]
    assert len(regions[0].requests) == 6
