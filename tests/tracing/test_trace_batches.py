"""Batches in Langfuse: live answers and those of providers' own batches are generations like any others."""

from __future__ import annotations

import pytest

REQUESTS = [
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"q{number}"}]}
    for number in range(3)
]


@pytest.mark.parametrize(
    ("deadline", "reason", "cost"), [(None, "first", 1.95e-06), ("24h", "batch", 9.75e-07)]
)
def test_each_answer_is_one_generation(make_client, recorded, tmp_path, deadline, reason, cost):
    """With input, output, model, tokens and what it cost there; answers from a journal are not recorded again."""
    client = make_client()
    options = {"deadline": deadline, "journal": tmp_path / "batch.jsonl"}

    list(client.batch(REQUESTS, **options))
    found = recorded(client)
    list(client.batch(REQUESTS, **options))

    assert recorded(client) == []
    assert [row.type for row in found] == ["generation"] * 3
    asked = [row.json("input")[0]["content"] for row in found]
    assert sorted(asked) == ["q0", "q1", "q2"]
    assert {row["model.name"] for row in found} == {"gpt-4o-mini"}
    assert {row.metadata["attempts"][0]["reason"] for row in found} == {reason}
    costs = [row.json("cost_details")["total"] for row in found]
    assert costs == pytest.approx([cost] * 3)
