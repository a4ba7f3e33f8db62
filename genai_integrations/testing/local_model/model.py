"""The demo's language model, behind a server on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.child_process import end


class LocalModel:
    """A real, small language model behind a real OpenAI-compatible server, while a block runs.

    The server is a process of its own; it ends with the block, with this process, and when this
    process dies without a word.

    Attributes:
        model: The name that requests use.
        url: Base URL, ending in `/v1`; empty until the block is entered.
    """

    model = "smollm2-135m"

    def __init__(self, weights: Path, *, startup_timeout: float = 60.0) -> None:
        self.url = ""
        self._weights = weights
        self._timeout = startup_timeout
        self._key = Secret(secrets.token_urlsafe(24))
        self._stop: weakref.finalize[[subprocess.Popen[str], int], LocalModel] | None = None

    @property
    def api_key(self) -> str:
        """The key that the server demands: random, and of no use elsewhere."""
        return self._key.reveal()

    def __repr__(self) -> str:
        return f"LocalModel(model={self.model!r}, url={self.url!r})"

    def __enter__(self) -> Self:
        """Start the server and wait until it is healthy.

        Raises:
            ConfigurationError: The server is not installed, or it does not start; the message
                carries its last words.
        """
        _require_server()
        with tempfile.TemporaryFile() as log:
            process = _spawn(self._weights, self.model, log)
            # finalize() also runs when the interpreter ends without leaving the block.
            self._stop = weakref.finalize(self, _stop_server, process, os.getpid())
            try:
                self.url = _introduce(process, self.api_key, self._timeout, log)
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server; nothing happens the second time."""
        if self._stop is not None:
            self._stop()
        self.url = ""


def _require_server() -> None:
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigurationError(
            f"the local model's server is not installed: {to_install_extra('demo')}"
        )


def _spawn(weights: Path, alias: str, log: IO[bytes]) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "genai_integrations.testing.local_model.server"]
    # One thread: llama.cpp's threads spin while they wait, which is slow where cores are shared.
    options = {"context": 8192, "slots": 2, "predict": 512, "threads": 1}
    command += [f"--weights={weights}", f"--alias={alias}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    return subprocess.Popen(  # noqa: S603 - a list without a shell, our own words
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
    )


def _introduce(process: subprocess.Popen[str], key: str, timeout: float, log: IO[bytes]) -> str:
    """Give the server its key, and get its address once it is healthy."""
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + timeout
    timer = threading.Timer(timeout, process.kill)
    timer.daemon = True
    timer.start()
    try:
        with suppress(OSError):  # it died at once: the empty answer below says so
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
        answer = process.stdout.readline()
    finally:
        timer.cancel()
    if not answer:
        ended = f"ended with status {process.wait()}"
        late = time.monotonic() >= deadline
        what = f"was not healthy after {timeout:g} s" if late else ended
        raise ConfigurationError(f"the local model's server {what}: {_last_words(log)}")
    url: str = json.loads(answer)["url"]
    return url


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").splitlines()
    return " | ".join(line.strip() for line in lines[-4:] if line.strip()) or "it said nothing"


def _stop_server(process: subprocess.Popen[str], owner: int) -> None:
    if os.getpid() != owner:  # a forked child inherits this call, not the server
        return
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    end(process)
