"""Comparisons in processes of their own, where nothing is loaded yet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from genai_integrations.experiments.run import in_turns
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "programs" / "equal_servers.py"


def verdict(one, other):
    """What a fresh process says of two servers."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), f"{one.url}/v1", f"{other.url}/v1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_equal_servers_differ_by_noise_only():
    """Loading is nobody's latency. On a busy machine an interval errs now and then; what loads errs every time."""
    with ScriptedProvider("one") as one, ScriptedProvider("other") as other:
        verdicts = [verdict(one, other) for _ in range(3)]
    better = [re.match(r"latency_ms: (\w+)/gpt-4o better", said) for said in verdicts]
    assert not all(better) or len({found[1] for found in better}) > 1, verdicts


def test_candidates_take_turns_in_being_first(client):
    """Each item begins with another candidate, so that a first call's cost falls on all alike."""
    from genai_integrations.experiments.items import items_of
    from genai_integrations.experiments.plan import plan_of
    from genai_integrations.experiments.variants import variants_of

    plan = plan_of(["a", "b"], variants_of(None, client), items_of(["x", "y", "z"]), {}, 1)
    order = [(cell.item.id, cell.candidate.model) for cell in in_turns(plan.cells)]
    assert order == [("1", "a"), ("1", "b"), ("2", "b"), ("2", "a"), ("3", "a"), ("3", "b")]
