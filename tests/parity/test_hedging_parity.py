"""A hedged call through the client, `ChatGenAI` and `GenAI`."""

from __future__ import annotations

import pytest

from genai_integrations.testing.faults import Fault


@pytest.mark.parametrize("ask", ["ask", "stream", "aask", "astream"])
def test_the_faster_one_answers(ask, each_way, regions):
    """Both attempts are told and counted alike."""
    regions[0].faults["*"] = Fault.hang()

    found = each_way(lambda way: getattr(way, ask)("one two"), hedge_after=0.02)

    told = found["client"]
    assert found == dict.fromkeys(found, told)
    assert told.text == "usa says: one two"
    assert told.outcomes == [("seoul/gpt-4o", "cancelled"), ("usa/gpt-4o", "ok")]
