"""What a call may cost, counted in what no noise can touch: function calls, models built, modules loaded.

Times are in `benchmarks/`. The budgets here are what was measured plus about a tenth.
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel

import genai_integrations
from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI

HELLO = [{"role": "user", "content": "Hello!"}]
OURS = str(Path(genai_integrations.__file__).parent)
SHORT, LONG = 20, 220
WAITING = frozenset(("PatientReader.readinto", "Patience.left"))
"""Runs once for each packet, so the network decides how often."""

OVER = (
    "{what}: {found:g}, the budget is {budget:g}. The most frequent: {most}. Run `python benchmarks/run.py` before "
    "and after the change: make it cheaper, or, if what it brings is worth it, raise the budget here and write "
    "the new ratios into benchmarks/RESULTS.md. If only a framework's new version calls more, raise it too."
)


@pytest.fixture
def client(provider):
    """A client whose connection leads to a provider that streams as many words as the model's name says."""
    for count in (SHORT, LONG):
        provider.replies[f"words-{count}"] = ["word "] * count
    with GenAIClient(
        connections=[Connection.of("local", "openai", "sk-test", f"{provider.url}/v1")]
    ) as client:
        yield client


@pytest.fixture
def constructed(monkeypatch):
    """Counts the pydantic models that are built, by class."""
    counts = Counter()
    init = BaseModel.__init__

    def counting(self, /, **data):
        counts[type(self).__qualname__] += 1
        init(self, **data)

    counting.__pydantic_base_init__ = True
    monkeypatch.setattr(BaseModel, "__init__", counting)
    return counts


def calls_of(work):
    """The Python functions that run in this thread, by file and name; of three runs the one with the fewest."""
    work()
    return min((_counted(work) for _ in range(3)), key=Counter.total)


def _counted(work):
    counts = Counter()

    def note(frame, event, _argument):
        code = frame.f_code
        if event == "call" and code.co_qualname not in WAITING:
            counts[code.co_filename, code.co_qualname] += 1

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counts


def per_chunk(stream):
    """Calls that one more chunk makes: what a long stream has more than a short one, divided."""
    short = calls_of(lambda: stream(f"local/words-{SHORT}"))
    long = calls_of(lambda: stream(f"local/words-{LONG}"))
    long.subtract(short)
    return Counter({key: count / (LONG - SHORT) for key, count in long.items() if count})


def ours(counts):
    """Those in this package."""
    return Counter({key: count for key, count in counts.items() if key[0].startswith(OURS)})


def check(what, counts, budget):
    """Fail with what to do about it."""
    found = sum(counts.values())
    most = ", ".join(f"{key[-1]} {count:g}x" for key, count in counts.most_common(8))

    assert found <= budget, OVER.format(what=what, found=found, budget=budget, most=most)


def spread(models):
    """Models built for one chunk, when these were built for as many as `LONG` has more than `SHORT`."""
    return Counter({(kind,): count / (LONG - SHORT) for kind, count in models.items()})


def drained(stream):
    """Read a client's stream to its end."""
    with contextlib.closing(stream):
        return sum(1 for _ in stream)


def test_calls_of_a_completion(client):
    """A routed call of the client runs few functions, and few of them are ours."""
    counts = calls_of(lambda: client.completion("local/words-20", HELLO))

    check("functions of ours per completion", ours(counts), 124)
    check("functions per completion", counts, 158)


def test_calls_of_an_invoke(client):
    """The LangChain adapter adds little to the framework's own cost of a call."""
    chat = ChatGenAI("local/words-20", client=client)
    counts = calls_of(lambda: chat.invoke("Hello!"))

    check("functions of ours per ChatGenAI.invoke", ours(counts), 198)
    check("functions per ChatGenAI.invoke", counts, 420)


def test_calls_of_a_chat(client):
    """The LlamaIndex adapter adds little to the framework's own cost of a call."""
    llm = GenAI("local/words-20", client=client)
    history = [ChatMessage(role="user", content="Hello!")]
    counts = calls_of(lambda: llm.chat(history))

    check("functions of ours per GenAI.chat", ours(counts), 180)
    check("functions per GenAI.chat", counts, 466)


def test_calls_per_chunk_of_the_client(client):
    """A chunk is decoded, checked, counted and handed on."""
    counts = per_chunk(lambda model: drained(client.completion(model, HELLO, stream=True)))

    check("functions of ours per chunk", ours(counts), 14.4)
    check("functions per chunk", counts, 21)


def test_calls_per_chunk_in_langchain(client):
    """A chunk becomes LangChain's in one step."""
    counts = per_chunk(lambda model: list(ChatGenAI(model, client=client).stream("Hello!")))

    check("functions of ours per LangChain chunk", ours(counts), 17.7)
    check("functions per LangChain chunk", counts, 58.5)


def test_calls_per_chunk_in_llama_index(client):
    """A chunk becomes LlamaIndex's in one step."""
    history = [ChatMessage(role="user", content="Hello!")]
    counts = per_chunk(lambda model: list(GenAI(model, client=client).stream_chat(history)))

    check("functions of ours per LlamaIndex chunk", ours(counts), 17.7)
    check("functions per LlamaIndex chunk", counts, 47.5)


def test_the_client_builds_no_models(client, constructed):
    """Neither a reply nor a chunk is a pydantic model."""
    client.completion("local/words-20", HELLO)
    drained(client.completion("local/words-20", HELLO, stream=True))

    assert constructed == {}


def test_models_per_chunk_in_langchain(client, constructed):
    """Of LangChain's two objects for a chunk one is built, and the other copied."""
    list(ChatGenAI(f"local/words-{SHORT}", client=client).stream("Hello!"))
    short = Counter(constructed)
    list(ChatGenAI(f"local/words-{LONG}", client=client).stream("Hello!"))
    more = constructed - short - short

    check("models per LangChain chunk", spread(more), 1)


def test_models_per_chunk_in_llama_index(client, constructed):
    """LlamaIndex's three objects for a chunk, and the event that the framework makes of it."""
    history = [ChatMessage(role="user", content="Hello!")]
    list(GenAI(f"local/words-{SHORT}", client=client).stream_chat(history))
    short = Counter(constructed)
    list(GenAI(f"local/words-{LONG}", client=client).stream_chat(history))
    more = constructed - short - short

    check("models per LlamaIndex chunk", spread(more), 4)


_LOADED = """
import json, sys
{before}
known = set(sys.modules)
import {module}
print(json.dumps([sorted(set(sys.modules) - known), sorted(known)]))
"""
HEAVY = frozenset(
    ("litellm", "langfuse", "psycopg", "openai", "cryptography", "botocore", "aiohttp")
)

MOST_MODULES = 150
"""Ours, and some of the framework that its own entry does not load."""


def loaded(module, before="pass"):
    """The modules outside the standard library that an import loads in a new interpreter, and those before it."""
    code = _LOADED.format(module=module, before=before)
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    return [
        [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]
        for names in json.loads(done.stdout)
    ]


def test_the_package_imports_nothing_but_itself():
    """`import genai_integrations` loads one module; names load theirs when they are used."""
    assert loaded("genai_integrations")[0] == ["genai_integrations"]


@pytest.mark.parametrize(
    ("module", "framework", "absent"),
    [
        (
            "genai_integrations.langchain",
            "langchain_core.language_models.chat_models",
            {"litellm", "langfuse", "psycopg", "llama_index"},
        ),
        (
            "genai_integrations.llama_index",
            "llama_index.core",
            {"litellm", "langfuse", "psycopg", "langchain_core"},
        ),
    ],
)
def test_an_adapter_imports_little_beyond_its_framework(module, framework, absent):
    """Beyond its framework, an adapter loads our own modules, and nothing heavy: no HTTP client before a call."""
    beyond, before = loaded(module, before=f"import {framework}")
    packages = {name.partition(".")[0] for name in beyond}

    assert packages & HEAVY == set()
    assert {name.partition(".")[0] for name in (*beyond, *before)} & absent == set()
    assert len(beyond) <= MOST_MODULES, f"{module} loads {len(beyond)} modules beyond {framework}"
