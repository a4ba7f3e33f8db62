"""A call that is answered from memory is recorded as one that cost nothing."""

from __future__ import annotations

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
