"""An import that takes long, and callers that cannot wait so long."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import RequestTimeoutError
from genai_integrations.runtime.loading import Loading
from genai_integrations.transports import dispatch

QUESTION = [{"role": "user", "content": "hi"}]


class Import:
    """An import that ends when a test says so, and counts how often it was begun."""

    def __init__(self):
        self.may_end = threading.Event()
        self.begun = 0
        self.error = None

    def __call__(self):
        self.begun += 1
        self.may_end.wait(10)
        if self.error is not None:
            raise self.error


@pytest.fixture
def imports():
    made = Import()
    yield made
    made.may_end.set()


@pytest.fixture(params=["load", "aload"])
def load(request, imports):
    """Wait for the import, in a thread or in a loop."""
    loading = Loading("LiteLLM", imports)

    def load(ends=None):
        if request.param == "load":
            return loading.load(ends)
        return asyncio.run(loading.aload(ends))

    return load


def test_a_caller_waits_until_its_deadline(load, imports):
    """The import goes on for those who come later, and is not begun again."""
    for _ in range(2):
        with pytest.raises(RequestTimeoutError, match="being imported"):
            load(time.monotonic() + 0.01)
    imports.may_end.set()
    load()
    load(time.monotonic())

    assert imports.begun == 1


def test_a_failed_import_is_tried_again(load, imports):
    """Everybody who waited learns of it, and the next caller has another try."""
    imports.error = ImportError("no such module")
    imports.may_end.set()
    with pytest.raises(ImportError):
        load()
    imports.error = None
    load()

    assert imports.begun == 2


def test_a_caller_that_is_cancelled_disturbs_no_other(imports):
    """One task gives up; the other gets what both waited for."""

    async def run():
        loading = Loading("LiteLLM", imports)
        first, second = (asyncio.create_task(loading.aload()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        imports.may_end.set()
        await second

    asyncio.run(run())

    assert imports.begun == 1


@pytest.mark.parametrize("way", ["completion", "acompletion"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_calls_deadline_bounds_the_import_too(way, stream, imports, monkeypatch):
    """The first call to a provider that LiteLLM translates for does not wait seconds longer than it may."""
    monkeypatch.setattr(dispatch, "LITELLM", Loading("LiteLLM", imports))
    connection = Connection.of(
        "c", "anthropic", "sk-ant-example", "http://127.0.0.1:9", dialect="litellm"
    )
    client = GenAIClient(connections=[connection], router_args={"deadline": 0.3})
    runs = asyncio.run if way == "acompletion" else (lambda reply: reply)

    with pytest.raises(RequestTimeoutError):
        runs(getattr(client, way)("c/claude-sonnet-4-5", QUESTION, stream=stream))
    assert imports.begun == 1
