"""How a gateway's processes begin and end, whoever tells them to."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from gateway_support import command

from genai_integrations import GenAIClient
from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway import GatewayOptions, OpenKeys, build_app
from genai_integrations.gateway.health import drain_on_sigterm
from genai_integrations.gateway.keys.opening import langfuse_keys
from genai_integrations.gateway.serving import listening


@pytest.fixture
def handled():
    """The signals that reached the server, which has its own handlers; afterwards all is as before."""
    assert threading.current_thread() is threading.main_thread()
    told = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda number, _: told.append(number))
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_sigterm_that_comes_again_shortens_nothing(handled):
    """A service manager tells all processes of a group, and the supervisor its workers once more: balancers need the delay."""
    gateway = build_app(GatewayOptions(OpenKeys(GenAIClient(tracing=False)), drain_delay=3600))
    drain_on_sigterm(gateway)
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)

    assert gateway.is_draining
    assert handled == []
    signal.raise_signal(signal.SIGINT)
    assert handled == [signal.SIGINT]


@pytest.mark.parametrize("host", ["http://[::1", "http://langfuse:99999", "langfuse"])
def test_a_langfuse_that_nobody_can_ask(monkeypatch, host):
    """The gateway does not start, where every request would fail."""
    for name, value in (("HOST", host), ("PUBLIC_KEY", "pk-lf-1"), ("SECRET_KEY", "sk-lf-1")):
        monkeypatch.setenv(f"LANGFUSE_{name}", value)
    with pytest.raises(ConfigurationError, match="LANGFUSE_HOST is"):
        langfuse_keys()


def test_an_address_that_is_not_of_this_machine():
    """Another port would not help."""
    with pytest.raises(ConfigurationError, match="choose another --host"):
        listening("192.0.2.1", 0)


def test_an_address_that_is_taken():
    """Another port would help."""
    with (
        listening("127.0.0.1", 0) as taken,
        pytest.raises(ConfigurationError, match="choose another --port"),
    ):
        listening("127.0.0.1", taken.getsockname()[1])


def workers_of(supervisor):
    """The processes below one that serve."""
    found = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return [int(pid) for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_there(pid):
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_workers_end_without_their_supervisor(tmp_path):
    """One that is killed, as where memory is short, leaves nobody behind who keeps the port."""
    with command(tmp_path, "--workers=2", "--no-auth") as gateway:
        while "genai_gateway_workers 2.0" not in httpx.get(f"{gateway.url}/metrics").text:
            time.sleep(0.05)
        workers = workers_of(gateway.process.pid)
        os.kill(gateway.process.pid, signal.SIGKILL)
        gateway.process.wait(60)
        assert len(workers) == 2
        while any(map(is_there, workers)):
            time.sleep(0.05)
    assert any("the supervisor is gone" in line for line in gateway.said)
