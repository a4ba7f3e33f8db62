"""The mutation check makes the mistakes that it says, and sees which are noticed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from mutate import mutants

SOURCE = '''
"""Not this text."""

LIMIT: int | None = 3


class Ring:
    """Nor this."""

    def add(self, rows: list[int], text: str = "x") -> int | None:
        if not rows and self.open:
            raise ValueError(text)
        self.size += 1
        return min(rows) if rows[0] < LIMIT else None
'''

NAMES = """
ring module: 3 -> 4
ring Ring.add: 'x' -> 'x~'
ring Ring.add: if not rows and self.open: raise ValueError(text) -> if not (not rows and self.open): raise ValueError(text)
ring Ring.add: not rows and self.open -> not rows or self.open
ring Ring.add: not rows -> not not rows
ring Ring.add: raise ValueError(text) -> pass
ring Ring.add: self.size += 1 -> self.size -= 1
ring Ring.add: self.size += 1 -> pass
ring Ring.add: 1 -> 2
ring Ring.add: return min(rows) if rows[0] < LIMIT else None -> return None
ring Ring.add: rows[0] < LIMIT -> rows[0] <= LIMIT
ring Ring.add: rows[0] < LIMIT -> rows[0] >= LIMIT
ring Ring.add: 0 -> 1
ring Ring.add: min(rows) -> max(rows)
"""


@pytest.fixture
def ring(tmp_path):
    """A module to make mistakes in."""
    path = tmp_path / "ring.py"
    path.write_text(SOURCE)
    return path


def test_every_kind_of_mistake_is_made_once(ring):
    """Types, docstrings and plain assignments are left alone."""
    assert sorted(row.name for row in mutants(ring)) == sorted(NAMES.strip().splitlines())


def test_each_mutant_has_one_mistake(ring):
    """The rest of the module is as it was."""
    for row in mutants(ring):
        lines = row.source.splitlines()
        changed = [line for line in lines if line.strip() and line not in _unparsed(ring)]
        assert len(changed) == 1, row.name


@pytest.mark.slow
def test_what_no_test_notices_is_told(tmp_path):
    """A bound that is never reached survives; one that is does not."""
    (tmp_path / "test_backoff.py").write_text(
        "from genai_integrations.routing.retry_rules import backoff\n"
        "def test_the_first():\n    assert backoff(0) == 0.5\n"
    )
    command = [
        *(sys.executable, str(Path(__file__).with_name("mutate.py"))),
        *("genai_integrations/routing/retry_rules.py", "--match", "retry_rules module: "),
        *("--", str(tmp_path / "test_backoff.py")),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )

    assert done.returncode == 1
    assert "SURVIVES: retry_rules module: 8.0 -> 9.0" in done.stdout
    assert "SURVIVES: retry_rules module: 0.5 -> 1.5" not in done.stdout


def _unparsed(path):
    return ast.unparse(ast.parse(path.read_text())).splitlines()
