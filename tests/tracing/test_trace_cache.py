"""A call that is answered from memory is recorded as one that cost nothing."""

from __future__ import annotations

import threading

import pytest
from tracing_support import WAYS, ask


@pytest.mark.parametrize("way", WAYS)
def test_a_kept_answer_is_a_generation_without_cost(way, make_client, recorded):
    """With the same output and usage; the route says where it is from."""
    client = make_client(router_args={"cache_responses": True})
    for _ in range(2):
        ask(client, way)

    first, again = recorded(client)
    (attempt,) = again.metadata["attempts"]
    assert again.json("output")["content"] == first.json("output")["content"]
    assert again.json("usage_details") == first.json("usage_details")
    assert again["model.name"] == first["model.name"]
    assert first.json("cost_details")["total"] > 0
    assert again.json("cost_details") == {"total": 0.0}
    assert (attempt["reason"], attempt["target"]) == ("cache", "home/gpt-4o")


def test_a_renewal_is_a_generation_of_its_own(make_client, recorded, provider):
    """The old answer cost nothing, and the newer one that is fetched behind it did."""
    client = make_client(cache="memory", router_args={"cache_kwargs": {"ttl": 10, "stale": 100}})
    ask(client, "plain")
    store = client._router.answers.exact
    before = store._clock
    store._clock = lambda: before() + 50
    provider.replies["*"] = "newer"

    reply = ask(client, "plain", langfuse_user_id="ann")
    for thread in threading.enumerate():
        if thread.name == "genai-renewal":
            thread.join(20)

    assert reply.route.cache.status == "STALE"
    first, *others = recorded(client)
    costs = {row.json("output")["content"]: row.json("cost_details")["total"] for row in others}
    assert costs.keys() == {first.json("output")["content"], "newer"}
    assert costs["newer"] > costs[first.json("output")["content"]] == 0.0
    assert len({row.trace for row in (first, *others)}) == 3
