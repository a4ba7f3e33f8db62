"""The FastAPI service of docs/services.md, behind a real server."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest
import uvicorn
from docs_support import ROOT, blocks, run

from genai_integrations.testing.faults import Fault


@pytest.fixture
def service(provider, monkeypatch):
    """The address of the page's application."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-example")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    names = {"__name__": "example"}
    run(next(block for block in blocks(ROOT / "docs" / "services.md") if block.is_run), names)
    server = uvicorn.Server(uvicorn.Config(names["app"], log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
        thread.start()
        yield f"http://127.0.0.1:{port}/ask"
        server.should_exit = True
        thread.join()


def test_a_browser_that_leaves_ends_the_stream_at_the_provider(service, provider):
    """After the first words nobody waits for more, and nobody pays for it."""
    more = threading.Event()
    provider.faults = {"gpt-4o": Fault.drip(more, after=1)}
    question = {"text": "Hello to all of you!"}
    with httpx.stream("POST", service, json=question, timeout=30) as answer:
        assert next(answer.iter_text()) == "provider"

    assert provider.requests[0].disconnected.wait(20)
    more.set()


def test_what_fails_before_the_first_words_is_a_status(service, provider):
    """Also where a fallback was tried; the browser learns the kind of the error, and no names of connections."""
    provider.faults = {"*": Fault.status(503)}
    answer = httpx.post(service, json={"text": "Hello!"}, timeout=30)

    assert (answer.status_code, answer.json()) == (503, {"error": "AllTargetsFailedError"})
