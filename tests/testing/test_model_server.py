"""The demo's model server: healthy when the block begins, gone when it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.local_model import LocalModel
from genai_integrations.testing.local_model import model as local_model
from genai_integrations.testing.local_model.model_file import SMOLLM2, fetch_model


@pytest.fixture
def server(monkeypatch):
    """Puts a Python one-liner in the server's place."""

    def use(code):
        def spawn(_weights, _alias, log):
            return subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )

        monkeypatch.setattr(local_model, "_spawn", spawn)
        monkeypatch.setattr(local_model, "_require_server", lambda: None)

    return use


def process_of(model):
    return model._stop.peek()[2][0]


def was_stopped(model):
    return not model._stop.alive


def test_the_server_lives_as_long_as_the_block(server):
    """It gets the key by its standard input, says where it is, and ends with the block."""
    server("import sys; print('{\"url\": \"' + input() + '\"}', flush=True); sys.stdin.read()")

    with LocalModel(Path("any")) as model:
        process = process_of(model)
        url = model.url
        shown = repr(model)

        assert process.poll() is None

    assert url == model.api_key
    assert LocalModel(Path("any")).api_key != model.api_key
    assert "smollm2-135m" in shown
    assert process.poll() is not None
    assert model.url == ""
    model.close()


def test_a_server_that_ignores_the_end_is_killed(server, monkeypatch):
    """Terminate first, then kill."""
    server(
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        'print(\'{"url": "u"}\', flush=True); time.sleep(600)'
    )
    wait = subprocess.Popen.wait
    monkeypatch.setattr(
        subprocess.Popen, "wait", lambda self, timeout=None: wait(self, timeout and 0.05)
    )

    with LocalModel(Path("any")) as model:
        process = process_of(model)

    assert process.poll() is not None


def test_a_forked_child_leaves_the_server_alone(server, monkeypatch):
    """A process that inherited the object has no say over the server."""
    server('import sys; print(\'{"url": "u"}\', flush=True); sys.stdin.read()')

    with LocalModel(Path("any")) as model:
        process = process_of(model)
        local_model._stop_server(process, os.getpid() + 1)

        assert process.poll() is None


def test_a_server_that_dies(server):
    """The error carries its status and its last words."""
    server("import sys; sys.exit('no such model')")
    model = LocalModel(Path("any"))

    with pytest.raises(ConfigurationError, match="ended with status 1: no such model"):
        model.__enter__()

    assert was_stopped(model)


def test_a_server_that_hangs(server):
    """It is ended when the patience is over."""
    server("import time; time.sleep(600)")
    model = LocalModel(Path("any"), startup_timeout=0.2)

    with pytest.raises(ConfigurationError, match=r"not healthy after 0\.2 s: it said nothing"):
        model.__enter__()

    assert was_stopped(model)


def test_without_the_servers_package(monkeypatch):
    """The error is the command that installs it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(ConfigurationError, match=r"pip install .*\[demo\]'$"):
        LocalModel(Path("any")).__enter__()


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="no demo extra here")
def test_the_real_server_refuses_a_broken_file(tmp_path):
    """llama.cpp's own words about the file reach the user, and xllamacpp stays out of here."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, and then nothing of a model")

    with pytest.raises(ConfigurationError, match=r"failed to load model.*broken\.gguf"):
        LocalModel(broken).__enter__()

    assert "xllamacpp" not in sys.modules


@pytest.mark.slow
def test_the_real_model_behind_the_real_server(tmp_path):
    """Fetched for real, it answers in OpenAI's shape, streams with usage, and refuses other keys."""
    weights = fetch_model(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / SMOLLM2.name]

    with urllib3.PoolManager() as http, LocalModel(weights) as model:
        process = process_of(model)

        def ask(key=model.api_key, **more):
            # After a stream this server closes a connection that it promised to keep.
            headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
            body = {
                "model": model.model,
                "messages": [{"role": "user", "content": "Hello!"}],
                "max_tokens": 16,
                "temperature": 0,
                **more,
            }
            url = f"{model.url}/chat/completions"
            return http.request("POST", url, headers=headers, json=body)

        reply = ask().json()
        events = [
            json.loads(line.removeprefix("data: "))
            for line in ask(stream=True, stream_options={"include_usage": True})
            .data.decode()
            .split("\n\n")
            if line.startswith("data: {")
        ]
        refused = ask(key="wrong")

    assert reply["choices"][0]["message"]["content"].startswith("Hello!")
    assert reply["usage"]["completion_tokens"] > 0
    text = "".join(
        choice["delta"].get("content") or "" for event in events for choice in event["choices"]
    )
    assert text == reply["choices"][0]["message"]["content"]
    assert events[-1]["usage"]["total_tokens"] == reply["usage"]["total_tokens"]
    assert refused.status == 401
    assert process.poll() is not None
