"""What the tests of stores share: one question and answer, and a sealing whose clock moves only when told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from genai_integrations import Secret
from genai_integrations.cache.kept import Lifetimes
from genai_integrations.cache.sealing import Sealing

QUESTION = {"model": "m", "body": {"messages": [{"role": "user", "content": "Hello!"}]}}
ENTRY = {"reply": {"choices": [{"message": {"content": "Hi!"}}]}, "by": ["a/m", "a", "openai", "m"]}


@dataclass
class Clock:
    """Seconds that pass only on purpose."""

    now: float = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    return Clock()


@pytest.fixture
def sealing_of(wall):
    """Make a sealing of a secret and a tenant."""

    def make(tenant="project-1", secret="a secret of sixteen", **times):
        return Sealing(Secret(secret), lambda: tenant, Lifetimes(**times), wall)

    return make
