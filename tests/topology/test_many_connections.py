"""Ten thousand connections that say nothing."""

from __future__ import annotations

import contextlib
import resource
import socket

import httpx
import psutil
import pytest
from topology import Gateway, free_port

pytestmark = pytest.mark.slow

COUNT = 10_000
MEGABYTES = 250


@pytest.fixture
def many_files():
    """As many open files as the machine lets a process have."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < COUNT + 500:
        pytest.skip(f"needs {COUNT + 500} open files, and may have {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_ten_thousand_idle_connections(tmp_path, many_files):
    """Cost two gateways' workers a bounded memory, and nobody an answer; none is lost meanwhile."""
    environ = {"OPENAI_API_KEY": "sk-example", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    gateway = Gateway(free_port(), ["--no-auth"], environ, tmp_path / "gateway.log")
    with contextlib.ExitStack() as held:
        held.callback(gateway.close)
        gateway.start()
        opened = [
            held.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=30))
            for _ in range(COUNT)
        ]
        answers = [httpx.get(f"{gateway.url}/health/ready").status_code for _ in range(100)]
        family = psutil.Process(gateway.process.pid).children(recursive=True)
        largest = max(row.memory_info().rss for row in family)

        assert answers == [200] * 100
        assert largest < MEGABYTES * 1e6
        for connection in opened:
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):  # open, and silent
                connection.recv(1)
