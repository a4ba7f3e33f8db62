"""A fixed list of small faults in the code that decides, each of which the tests must find."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import MUTANTS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAILED = 1
"""pytest's exit code for tests that failed; a run that could not even begin has another."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.after.strip() or "nothing")
def test_the_fault_is_found(mutant):
    """With it, some test of the module fails."""
    path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    change = {"module": mutant.module, "before": mutant.before, "after": mutant.after}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-x", "-q", "-p", "mutated", *mutant.tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "MUTANT": json.dumps(change)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == FAILED, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_list_is_up_to_date():
    """Every piece of source that a mutant changes is there, once."""
    for mutant in MUTANTS:
        source = Path(importlib.util.find_spec(mutant.module).origin).read_text("utf-8")
        assert source.count(mutant.before) == 1, f"{mutant.module}: {mutant.before!r}"
