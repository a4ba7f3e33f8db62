"""Dask's workers ask their shares of the rows, by the example of `docs/batches.md` as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "programs" / "dask_budget.py"
PAGE = Path(__file__).parents[2] / "docs" / "batches.md"


def test_ten_thousand_rows(provider, tmp_path):
    """Each is asked once, by workers in processes of their own that were given the client."""
    block, shown = re.search(
        r"```python\n(import dask\.bag\n.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    ).groups()  # fmt: skip
    program = tmp_path / "rows.py"
    program.write_text(block, "utf-8")
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "sk-canary",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    done = subprocess.run(
        [sys.executable, program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == shown
    asked = Counter(row.body["messages"][-1]["content"] for row in provider.requests)
    assert len(asked) == 10_000
    assert set(asked.values()) == {1}
    assert "canary" not in done.stdout + done.stderr


def test_workers_share_a_budget(provider, redis_server, tmp_path):
    """Through Redis, by a configuration that all of them read: together they spend what it allows, and no more."""
    config = tmp_path / "genai.yaml"
    config.write_text(
        "budgets: {'*': {usd: 0.00003, per: day}}\n"
        f"router_settings: {{redis_url: '{redis_server.url}', num_retries: 0}}\n"
    )
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "sk-canary",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "GENAI_CONFIG": str(config),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    done = subprocess.run(
        [sys.executable, PROGRAM],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    answered, refused = map(int, done.stdout.split())
    # A call costs 1.95e-06 and 3e-06 at worst.
    assert 10 <= answered <= 15
    assert answered + refused == 100
    assert len(provider.requests) == answered
