"""What the tests share: a clean environment, real servers on loopback, and recordings of real ones."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import uuid
from pathlib import Path

import backoff
import certifi
import hypothesis
import pytest
from matrices import mark_unsampled

from genai_integrations.connections.providers import OWN
from genai_integrations.testing.langfuse import LangfuseStandIn
from genai_integrations.testing.postgres import LangfuseDatabase
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.redis_server import RedisServer
from genai_integrations.tracing import generations

# A shell starts what runs behind it with Ctrl-C ignored, and programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

_DATA = Path(__file__).parent / "data"
_CLEARED_STARTS = (
    "LANGFUSE_",
    "GENAI_",
    "OPENAI_",
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "GEMINI_",
    "GOOGLE_",
    "VERTEX",
    "OPENROUTER_",
    "PORTKEY_",
    "OLLAMA_",
    "LITELLM_",
    "OTEL_",
    "PG",
    "HF_TOKEN",
    "CO_API_KEY",
)
_CLEARED_ENDS = ("_API_KEY", "_API_BASE", "_BASE_URL", "_PROXY")
_MEMORY = Path("/dev/shm")
_ROOM = 1 << 30
_FAKES = Path(__file__).parent / "testing"
_MANY_MODULES = 200
_frozen = {"modules": 0}

# Beside Jupyter, jsonschema loads a checker of international addresses, which nothing of ours asks for: it makes 38
# grammars, in three seconds of each process. Without it jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items):
    """The tests of the fakes themselves are slow ones: the fakes change seldom, and all else stands on them."""
    mark_unsampled(items)
    for item in items:
        if _FAKES in item.path.parents:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """What is imported by now stays, so the garbage collector need not look at it again."""
    _freeze()


def pytest_runtest_logfinish():
    """So does what a test was the first to import: with LiteLLM a collection takes a third of a second."""
    if len(sys.modules) > _frozen["modules"] + _MANY_MODULES:
        _freeze()


def _freeze():
    gc.collect()
    gc.freeze()
    _frozen["modules"] = len(sys.modules)


@pytest.fixture(autouse=True)
def as_it_was():
    """What belongs to the process and commands or examples in it change: Ctrl-C, and how much is logged."""
    logger = logging.getLogger("genai_integrations")
    handler, level = signal.getsignal(signal.SIGINT), logger.level
    yield
    if logger.level != level:
        logger.setLevel(level)
    if signal.getsignal(signal.SIGINT) is not handler:
        signal.signal(signal.SIGINT, handler)


@pytest.fixture
def offline(monkeypatch):
    """The test's own thread opens no socket; threads that other tests have left, such as to a Redis, go on."""
    own, kind = threading.get_ident(), socket.socket

    class Refusing(kind):
        def __init__(self, *args, **options):
            assert threading.get_ident() != own, "a socket was opened"
            super().__init__(*args, **options)

    monkeypatch.setattr(socket, "socket", Refusing)


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory):
    """A file with one authority of the Web's many: an SDK reads them all for each client, which takes 45 ms."""
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    path = tmp_path_factory.mktemp("authorities") / "one.pem"
    path.write_text(first + end, "utf-8")
    return path


@pytest.fixture(autouse=True)
def clean_environment(request, monkeypatch, one_authority):
    """No variable of the machine decides how a test ends."""
    if request.node.get_closest_marker("slow") is None:
        # The slow ones fetch from servers of the Web. All others ask this machine.
        monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    for name in os.environ:
        upper = name.upper()
        if upper.startswith(_CLEARED_STARTS) or upper.endswith(_CLEARED_ENDS):
            monkeypatch.delenv(name)
    # Off where nothing is asked of it: a test of another subject must not export to a server that is gone.
    monkeypatch.setenv("LANGFUSE_TRACING_ENABLED", "false")


@pytest.fixture
def tracing(monkeypatch):
    """Record calls in Langfuse, which is what happens where nothing says otherwise."""
    monkeypatch.delenv("LANGFUSE_TRACING_ENABLED")
    yield
    # What a server that is gone did not take would be sent again, and warned of, in the middle of other tests.
    exporter = generations._exporter
    for outbox in list(exporter._outboxes.values()):
        outbox.flush()
        with exporter._lock:
            exporter._count(outbox, -outbox.bytes)
            outbox.forget()


@pytest.fixture
def hasty_sdk(monkeypatch):
    """The Langfuse SDK asks again at once where Langfuse fails, instead of after one second, then two."""
    monkeypatch.setattr("langfuse.api.core.http_client.INITIAL_RETRY_DELAY_SECONDS", 0.0)
    monkeypatch.setattr("backoff.expo", functools.partial(backoff.constant, interval=0))


@pytest.fixture(autouse=True)
def no_loop_is_left(request):
    """LlamaIndex asks for the thread's event loop; told that there is none, it closes the one it makes."""
    if not inspect.iscoroutinefunction(request.function):
        asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def golden_connections():
    """Rows and replies that a real Langfuse 4.16.0 gave for its LLM connections."""
    return _recorded("langfuse_connections.json")


@pytest.fixture(scope="session")
def golden_prompts():
    """Replies that a real Langfuse 4.16.0 gave for its prompts."""
    return _recorded("langfuse_prompts.json")


@pytest.fixture(scope="session")
def crypto_vectors():
    """Texts that Langfuse's own code encrypted, and some that must not decrypt."""
    return _recorded("langfuse_crypto_vectors.json")


@pytest.fixture(scope="session")
def postgres(golden_connections):
    """A real Postgres with the recorded rows, shared by all tests: read it, or take its `copy()`."""
    with contextlib.closing(LangfuseDatabase()) as database:
        with pytest.MonkeyPatch.context() as patch:
            # A copy is some hundred files. On a disk that takes ten times as long, and most tests begin with one.
            if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
                patch.setattr("tempfile.tempdir", str(_MEMORY))
            database.start()
        database.add_project("lab-project")
        for table in ("api_keys", "llm_api_keys"):
            database.insert_rows(table, golden_connections[table])
        yield database


@pytest.fixture
def database(postgres):
    """A copy of the recorded rows that belongs to this test alone."""
    copy = postgres.copy()
    yield copy
    copy.close()


@pytest.fixture
def own_providers():
    """Providers that a test registers, by name; the process forgets them with the test."""
    before = dict(OWN)
    OWN.clear()
    yield OWN
    OWN.clear()
    OWN.update(before)


@pytest.fixture
def redis_server():
    """A real Redis server, empty."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def provider():
    """A scripted provider that accepts any key and serves any model."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture
def langfuse():
    """A Langfuse stand-in; its public key is new for every test because the SDK keeps one client per key."""
    with LangfuseStandIn(public_key=f"pk-lf-{uuid.uuid4()}") as server:
        yield server


def _recorded(name):
    return json.loads((_DATA / name).read_text(encoding="utf-8"))
