"""The servers that other people wrote: how each is started, and what it answers."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stranger_installs import npm_package, pypi_package

from genai_integrations import Connection, errors
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.child_process import end

_HERE = Path(__file__).parent
_PATIENCE = 60.0


@dataclass(frozen=True)
class Stranger:
    """One server.

    Attributes:
        command: Its command line, for a port.
        healthy: The path that answers once it is up.
        connect: A connection to it, by name and base URL.
        answers: What a probe gets from it.
        cannot: Why it has no answer to a probe.
        failures: What a model or a key makes of a call.
        served: How a route names what it serves.
        checks_keys: It refuses a wrong key.
        needs: Servers that must run before it.
        prepare: What it is told once it is up.
    """

    command: Callable[[int, Mapping[str, str]], list[str]]
    healthy: str
    connect: Callable[[str, str, Mapping[str, str]], Connection]
    answers: Mapping[str, Any]
    cannot: Mapping[str, str]
    failures: Mapping[str, type[errors.CallError]]
    served: str
    checks_keys: bool = False
    needs: tuple[str, ...] = ()
    prepare: Callable[[str], None] = lambda _url: None


def _plain(name: str, url: str, _running: Mapping[str, str]) -> Connection:
    # A key may go to one host only, so each server has its own.
    return Connection.of(name, "openai", f"sk-{name}", f"{url}/v1")


# --- @copilotkit/aimock, in TypeScript

_ARITHMETIC = ("add", {"a": 1, "b": 2})
_MENU = {"title": "Lunch", "dishes": 2}


def _aimock(port: int, _running: Mapping[str, str]) -> list[str]:
    program = npm_package("@copilotkit/aimock", "1.43.0") / "dist" / "cli.js"
    return ["node", str(program), f"--port={port}", "--fixtures", str(_HERE / "aimock.json"),
            "--log-level=warn", "--journal-max=1"]  # fmt: skip


AIMOCK = Stranger(
    command=_aimock,
    healthy="/health",
    connect=_plain,
    answers={
        "text": "five six seven eight",
        "stream": "five six seven eight",
        "tools": _ARITHMETIC,
        "tools streamed": _ARITHMETIC,
        "tool results": "It is 3.",
        "structured": _MENU,
    },
    cannot={},
    failures={
        "fails-400": errors.BadRequestError,
        "fails-401": errors.AuthenticationError,
        "fails-404": errors.NotFoundError,
        "fails-429": errors.RateLimitError,
        "fails-500": errors.ServerError,
        "fails-503": errors.ServerError,
        "fails-context": errors.ContextWindowExceededError,
    },
    served="aimock/gpt-4o",
)

# --- llmock, in Python: no relation of aimock


def _llmock(port: int, _running: Mapping[str, str]) -> list[str]:
    python = pypi_package("llmock", "0.2.2")
    return [str(python), "-c", "from llmock.cli import app; app()", "serve", "--host=127.0.0.1",
            f"--port={port}", "--response-style=echo", "--log-level=warning"]  # fmt: skip


def _script_failures(url: str) -> None:
    """Models that always fail, each with its status."""
    rows = [
        {"type": "fail", "status": int(model[-3:]), "times": None, "match": {"model": model}}
        for model in LLMOCK.failures
    ]
    body = json.dumps({"behaviors": rows}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{url}/_llmock/scenario", body, headers)
    with urllib.request.urlopen(request, timeout=5):
        pass


LLMOCK = Stranger(
    command=_llmock,
    healthy="/health",
    connect=_plain,
    answers={
        "text": "You said: one two three four",
        "stream": "You said: one two three four",
        "tools": ("add", {"a": 1, "b": 1}),
        "tools streamed": ("add", {"a": 1, "b": 1}),
        "tool results": "You said: What is 1 + 2?",
        "structured": {"title": "mock-title", "dishes": 1},
    },
    cannot={},
    failures={
        "fails-400": errors.BadRequestError,
        "fails-401": errors.AuthenticationError,
        "fails-403": errors.AuthenticationError,
        "fails-404": errors.NotFoundError,
        "fails-422": errors.BadRequestError,
        "fails-429": errors.RateLimitError,
        "fails-500": errors.ServerError,
        "fails-503": errors.ServerError,
    },
    served="llmock/gpt-4o",
    prepare=_script_failures,
)

# --- llm-katan, in Python, of the vLLM project's neighbourhood


def _katan(port: int, _running: Mapping[str, str]) -> list[str]:
    python = pypi_package("llm-katan", "0.22.0")
    # A file of the user's own home counts its requests unless another is named.
    counts = Path(tempfile.gettempdir()) / f"llm-katan-{port}.json"
    return [str(python), "-m", "llm_katan.cli", "--model=gpt-4o", "--backend=echo",
            "--host=127.0.0.1", f"--port={port}", "--validate-keys", "--api-keys=openai=sk-katan",
            "--disable-dashboard", f"--stats-file={counts}", "--log-level=error"]  # fmt: skip


KATAN = Stranger(
    command=_katan,
    healthy="/health",
    connect=_plain,
    answers={
        "text": "User: one two three four",
        "stream": "User: one two three four",
        "tools": ("add", {"a": 1, "b": 1}),
        "tools streamed": ("add", {"a": 1, "b": 1}),
    },
    cannot={
        "tool results": "it calls the first tool whenever there are tools, after a result too",
        "structured": "it ignores `response_format` of the type json_schema",
    },
    failures={},
    served="katan/gpt-4o",
    checks_keys=True,
)

# --- @portkey-ai/gateway, in TypeScript: a gateway, with aimock behind it


def _portkey(port: int, _running: Mapping[str, str]) -> list[str]:
    program = npm_package("@portkey-ai/gateway", "1.15.2") / "build" / "start-server.js"
    return ["node", str(program), f"--port={port}", "--headless"]


def _through(name: str, url: str, running: Mapping[str, str]) -> Connection:
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{running['aimock']}/v1"}
    connection = Connection.of(name, "portkey", f"sk-{name}", f"{url}/v1")
    return replace(connection, extra_headers=Secret(json.dumps(headers)))


PORTKEY = Stranger(
    command=_portkey,
    healthy="/",
    connect=_through,
    answers={probe: wanted for probe, wanted in AIMOCK.answers.items() if "stream" not in probe},
    cannot=dict.fromkeys(
        ("stream", "tools streamed"),
        "it answers 500 'Something went wrong' on Node 20: it adds headers to a response that is immutable",
    ),
    failures=AIMOCK.failures,
    served="portkey/openai/gpt-4o",
    needs=("aimock",),
)

STRANGERS = {"aimock": AIMOCK, "llmock": LLMOCK, "katan": KATAN, "portkey": PORTKEY}
"""Not among them: moto 5.2, whose Bedrock runtime answers InvokeModel with an empty object and has no Converse."""


@contextlib.contextmanager
def run(stranger: Stranger, running: Mapping[str, str]) -> Iterator[str]:
    """The URL of the server, which listens on this machine until the block ends."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(_HERE / "stranger_guard.py"), *stranger.command(port, running)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as guard:
        try:
            _wait_until_healthy(guard, url + stranger.healthy)
            stranger.prepare(url)
            yield url
        finally:
            guard.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                guard.wait(_PATIENCE)
            end(guard)


def _wait_until_healthy(guard: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = guard.wait(0.1)
            raise AssertionError(f"{guard.args} ended with status {status}")
    raise AssertionError(f"{guard.args} did not answer within {_PATIENCE:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
