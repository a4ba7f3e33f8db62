"""Groups and strategies through the client, `ChatGenAI` and `GenAI`: the same targets for the same reasons."""

from __future__ import annotations

from collections import Counter

import pytest
from test_parity import one_of

from genai_integrations.testing.faults import Fault

TEXT = "one two three four"


def row(model, **params):
    return {"model_name": "smart", "litellm_params": {"model": model, **params}}


EVERY = {
    "whole": lambda way: way.ask(TEXT),
    "streamed": lambda way: way.stream(TEXT),
    "async": lambda way: way.aask(TEXT),
    "async streamed": lambda way: way.astream(TEXT),
}
each_asking = pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)


@each_asking
def test_a_group_is_a_name_like_any_other(each_way, ask):
    """With all of the weight at one row, that one answers, and the route says why."""
    rows = [row("seoul/gpt-4o", weight=0), row("usa/gpt-4o", weight=2)]
    told = one_of(each_way(ask, "smart", model_list=rows))

    assert told.text == f"usa says: {TEXT}"
    assert told.outcomes == [("usa/gpt-4o", "ok")]
    assert told.why == "simple-shuffle: 100% of the weight"


@each_asking
def test_a_group_falls_over_to_its_next_row_and_to_its_fallbacks(each_way, regions, ask):
    """By `order`; then to the names that the group falls back to."""
    regions[0].faults["*"] = Fault.status(503)
    rows = [row("seoul/gpt-4o", order=1), row("seoul/gpt-4o-mini", order=2)]
    told = one_of(
        each_way(
            ask, "smart", model_list=rows, fallbacks=[{"smart": ["usa/gpt-4o"]}], cooldown_time=0
        )
    )

    assert told.outcomes == [
        ("seoul/gpt-4o", "ServerError"), ("seoul/gpt-4o-mini", "ServerError"), ("usa/gpt-4o", "ok"),
    ]  # fmt: skip


def test_a_row_has_a_key_an_address_and_parameters_of_its_own(each_way, regions, monkeypatch):
    """All arrive at the provider; what the call says leads."""
    seoul, _ = regions
    seoul.api_keys = {"sk-of-the-row"}
    monkeypatch.setenv("KEY_OF_THE_ROW", "sk-of-the-row")
    rows = [
        row("openai/gpt-4o", api_base=f"{seoul.url}/v1", api_key="os.environ/KEY_OF_THE_ROW",
            max_tokens=77, temperature=0.5)
    ]  # fmt: skip
    told = one_of(each_way(lambda way: way.ask(TEXT, temperature=0.9), "smart", model_list=rows))

    assert told.served == "smart#1/gpt-4o"
    bodies = [received.body for received in seoul.requests]
    assert [(body["max_tokens"], body["temperature"]) for body in bodies] == [(77, 0.9)] * 3


def test_a_rows_own_prices_are_those_of_the_route(each_way):
    """4 tokens in and 6 out, at a dollar and at two."""
    rows = [row("usa/gpt-4o", input_cost_per_token=1, output_cost_per_token=2)]
    told = one_of(each_way(lambda way: way.ask(TEXT), "smart", model_list=rows))

    assert told.usage == (4, 6, 10)
    assert told.cost == 16.0


def test_a_rows_time_out_ends_its_attempt(each_way, regions):
    """The next row answers long before the client's own time-out of ten minutes."""
    regions[0].faults["*"] = Fault.hang()
    rows = [row("seoul/gpt-4o", timeout=0.2), row("usa/gpt-4o")]
    told = one_of(
        each_way(lambda way: way.ask(TEXT), "smart", model_list=rows, routing_strategy="ordered")
    )

    assert told.outcomes == [("seoul/gpt-4o", "RequestTimeoutError"), ("usa/gpt-4o", "ok")]


def test_sixty_to_forty(each_way):
    """Three ways with 400 calls each: chi-square against the weights, one degree of freedom, at 0.1 %."""

    def many(way):
        return Counter(way.ask(TEXT).served for _ in range(400))

    found = each_way(
        many, "smart", model_list=[row("seoul/gpt-4o", weight=6), row("usa/gpt-4o", weight=4)]
    )
    seen = sum(found.values(), Counter())

    assert seen.total() == 1200
    assert (seen["seoul/gpt-4o"] - 720) ** 2 / 720 + (seen["usa/gpt-4o"] - 480) ** 2 / 480 < 10.83


@pytest.mark.parametrize(
    ("args", "served", "why"),
    [
        (
            {"routing_strategy": "cost-based-routing"},
            "usa/gpt-4o-mini",
            "cost-based-routing: $0.000182 expected, the cheapest of 2",
        ),
        ({"sticky_by": "user"}, "usa/gpt-4o-mini", "sticky by user"),
        (
            {"region_preference": ["ap-northeast-2"]},
            "seoul/gpt-4o",
            "region ap-northeast-2",
        ),
        (
            {"routing_strategy": "least-busy"},
            None,
            "least-busy: 0 under way, the fewest of 2",
        ),
        (
            {"routing_strategy": "usage-based-routing-v2"},
            None,
            "usage-based-routing-v2: 0 tokens in this minute, the least of 2",
        ),
        (
            {"routing_strategy": "latency-based-routing"},
            None,
            "latency-based-routing: not measured yet, the faster of two of 2",
        ),
    ],
)
def test_each_strategy_says_why(each_way, args, served, why):
    """In the route, with its own word."""
    rows = [row("seoul/gpt-4o", region_name="ap-northeast-2"), row("usa/gpt-4o-mini")]
    found = each_way(lambda way: way.ask(TEXT, user="kim"), "smart", model_list=rows, **args)

    assert [told.why for told in found.values()] == [why] * 3
    if served:
        assert [told.served for told in found.values()] == [served] * 3


def test_a_users_target_that_fails_is_replaced_by_the_next(each_way, regions):
    """Until it is back; other users are not moved."""

    def both(way):
        return [way.ask(TEXT, user=name).served for name in ("kim", "choi")]

    rows = [row("seoul/gpt-4o"), row("usa/gpt-4o")]
    assert one_of(each_way(both, "smart", model_list=rows, sticky_by="user")) == [
        "seoul/gpt-4o", "usa/gpt-4o",
    ]  # fmt: skip

    regions[0].faults["*"] = Fault.status(503)
    assert one_of(each_way(both, "smart", model_list=rows, sticky_by="user")) == [
        "usa/gpt-4o", "usa/gpt-4o",
    ]  # fmt: skip
