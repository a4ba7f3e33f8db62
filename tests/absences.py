"""What a test needs and this machine may lack: an error on CI, a skipped test elsewhere."""

from __future__ import annotations

import importlib.util
import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """It is not there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_group(module: str, group: str) -> None:
    """See to it that one of pyproject.toml's groups beside `dev` is installed, by one of its modules."""
    if importlib.util.find_spec(module) is None:
        missing(f'this test needs {module}: pip install -e ".[{group}]"')
