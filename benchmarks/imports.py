"""What an import costs, and what it and the first call load; each in an interpreter of its own."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TIMED = (
    "genai_integrations",
    "genai_integrations.langchain",
    "langchain_core.language_models.chat_models",
    "genai_integrations.llama_index",
    "llama_index.core",
    "openai",
    "litellm",
)

_HEAVY = ("litellm", "langfuse", "psycopg", "openai", "cryptography", "aiohttp", "boto3")

_TIME = """
import sys, time
started = time.process_time()
import {module}
print(time.process_time() - started)
"""

_LOAD = """
import json, sys
sys.path.insert(0, {here!r})
before = set(sys.modules)
import {module}
imported = set(sys.modules) - before
from contenders import MODEL, HELLO, genai_client
client = genai_client({url!r})
asked = {call}
called = set(sys.modules) - before
names = lambda found: sorted(set(name.partition(".")[0] for name in found))
print(json.dumps([len(imported), names(imported), len(called), names(called)]))
"""

_CALLS = {
    "genai_integrations": "client.completion('burst/' + MODEL, HELLO)",
    "genai_integrations.langchain": (
        "genai_integrations.langchain.ChatGenAI('burst/' + MODEL, client=client).invoke('Hello!')"
    ),
    "genai_integrations.llama_index": (
        "genai_integrations.llama_index.GenAI('burst/' + MODEL, client=client).complete('Hello!')"
    ),
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one entry of the package loads.

    Attributes:
        module: The entry.
        imported: Modules after the import.
        called: Modules after the first call too.
        heavy_imported: The heavy libraries among the first.
        heavy_called: The heavy libraries among the second.
    """

    module: str
    imported: int
    called: int
    heavy_imported: tuple[str, ...]
    heavy_called: tuple[str, ...]


def import_times(rounds: int, progress: Callable[[str], None]) -> dict[str, float]:
    """Median CPU seconds of each import, interleaved; one round before does not count."""
    order = random.Random(len(TIMED))  # noqa: S311  the order must be the same in every run
    spent: dict[str, list[float]] = {module: [] for module in TIMED}
    for number in range(rounds + 1):
        for module in order.sample(TIMED, len(TIMED)):
            progress(f"import round {number} of {rounds}: {module}")
            seconds = float(_child(_TIME.format(module=module)))
            if number:
                spent[module].append(seconds)
    return {module: statistics.median(seconds) for module, seconds in spent.items()}


def loaded(url: str, here: str) -> list[Loaded]:
    """What each entry of this package loads, at import and with the first call."""
    found = []
    for module, call in _CALLS.items():
        code = _LOAD.format(here=here, module=module, url=url, call=call)
        imported, first, called, second = json.loads(_child(code))
        found.append(Loaded(module, imported, called, _heavy(first), _heavy(second)))
    return found


def _heavy(names: Any) -> tuple[str, ...]:
    return tuple(name for name in _HEAVY if name in names)


def _child(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout
