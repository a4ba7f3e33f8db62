"""What an import costs, and what it and the first call load; each in an interpreter of its own."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dialects import TARGETS

CLIENT = "genai_integrations.client"
TIMED = (
    "genai_integrations",
    CLIENT,
    "genai_integrations.langchain",
    "langchain_core.language_models.chat_models",
    "genai_integrations.llama_index",
    "llama_index.core",
    "openai",
    "litellm",
)

_HEAVY = (
    *("litellm", "langfuse", "psycopg", "openai", "cryptography", "aiohttp"),
    *("boto3", "botocore", "anthropic", "google"),
)
"""`google` is the folder of `google-genai` and of `google-auth`."""

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
from rows import MODEL, HELLO
from genai_integrations import Connection, GenAIClient
seoul = Connection.of("burst", "openai", "sk-benchmark", {url!r} + "/burst/v1", custom_models=[MODEL])
client = GenAIClient(connections=[seoul])
asked = {call}
called = set(sys.modules) - before
names = lambda found: sorted(set(name.partition(".")[0] for name in found))
print(json.dumps([len(imported), names(imported), len(called), names(called)]))
"""

_FIRST = """
import json, sys, time
sys.path.insert(0, {here!r})
from rows import HELLO
from dialects import TARGETS, dialect_client
import genai_integrations.client
started = time.process_time()
before = set(sys.modules)
dialect_client({url!r}).completion(TARGETS[{family!r}][1], HELLO)
spent = time.process_time() - started
called = set(sys.modules)
print(json.dumps([spent, len(called - before), sorted(set(name.partition(".")[0] for name in called))]))
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


@dataclass(frozen=True, slots=True)
class FirstCall:
    """What the first call of a process to one provider costs beyond the import of the client.

    Attributes:
        family: Whose dialect is spoken.
        seconds: CPU, median.
        modules: Loaded by the call.
        heavy: The heavy libraries among all that is loaded then.
    """

    family: str
    seconds: float
    modules: int
    heavy: tuple[str, ...]


def first_calls(url: str, here: str, rounds: int) -> list[FirstCall]:
    """Each in interpreters of its own, the client made and the call."""
    found = []
    for family in TARGETS:
        code = _FIRST.format(here=here, url=url, family=family)
        runs = [json.loads(_child(code)) for _ in range(rounds + 1)][1:]
        _, modules, names = runs[0]
        spent = statistics.median(seconds for seconds, *_ in runs)
        found.append(FirstCall(family, spent, modules, _heavy(names)))
    return found


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
    # Where bytecode may not be written, every import would compile.
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
    return done.stdout
