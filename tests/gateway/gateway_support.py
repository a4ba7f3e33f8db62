"""A gateway as a real server in a thread, and the callers of the tests."""

from __future__ import annotations

import contextlib
import threading

import uvicorn

from genai_integrations.gateway.app import build_app
from genai_integrations.gateway.serving import configured, listening


@contextlib.contextmanager
def served(options):
    """A worker on loopback with these options; gives its address. What is under way when it ends is waited for."""
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = uvicorn.Server(configured(lambda: build_app(options)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
