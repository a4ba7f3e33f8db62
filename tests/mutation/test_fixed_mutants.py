"""A fixed list of small mistakes in the code that decides where a call goes, each of which the tests must notice."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIST = tomllib.loads((HERE / "fixed_mutants.toml").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("module", LIST)
def test_every_mistake_in_the_list_is_noticed(module, tmp_path):
    """`mutate.py` makes them, the same ones each time; a line that is no longer there is a failure too."""
    only = tmp_path / "only"
    only.write_text("\n".join(LIST[module]["mutants"]))
    # The tests of a module take a few seconds: a mutant that hangs in them is noticed soon enough.
    command = [sys.executable, str(HERE / "mutate.py"), module, "--only", str(only), "--seconds=20"]
    done = subprocess.run(
        [*command, "--", *LIST[module]["tests"]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
