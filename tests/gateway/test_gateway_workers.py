"""What a gateway of several processes tells: the same whichever of them is asked, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal

import httpx
import pytest
from gateway_support import command

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef0123456789abcdef"
OPERATOR = ("operator", TOKEN)
ASKED = 'genai_gateway_requests_total{route="/v1/chat/completions",status="200"}'
QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "my password is hunter2"}]}


@pytest.fixture
def start(provider, tmp_path):
    """Start a gateway with some workers; what it makes for itself is in a folder of its own."""
    path, folder = tmp_path / "genai.yaml", tmp_path / "run"
    folder.mkdir()
    row = f"{{name: seoul, provider: openai, api_key: os.environ/SEOUL_KEY, api_base: {provider.url}/v1}}"
    path.write_text(f"connections: [{row}]\n", "utf-8")
    environ = {
        "SEOUL_KEY": "sk-canary",
        "TMPDIR": str(folder),
        "GENAI_GATEWAY_OPERATOR_TOKEN": TOKEN,
    }

    def start(workers):
        return command(tmp_path, f"--config={path}", f"--workers={workers}", environ=environ)

    start.folder = folder
    return start


def figures(url):
    """The samples of `/metrics` by name and labels."""
    reply = httpx.get(f"{url}/metrics", auth=OPERATOR, timeout=60)
    rows = [line for line in reply.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in rows)}


def until(condition):
    """Ask until it is so: a worker adds what it has seen about once a second."""
    while not condition():
        pass


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_are_one_gateway(start, workers):
    """Metrics and page sum up all workers; each request is a line; the folder goes with the gateway, also on SIGTERM."""
    with start(workers) as gateway:
        until(lambda: figures(gateway.url)["genai_gateway_workers"] == workers)
        for _ in range(6):
            # A connection each, so that any worker may get it.
            assert (
                httpx.post(
                    f"{gateway.url}/v1/chat/completions", json=QUESTION, timeout=60
                ).status_code
                == 200
            )
        name = 'genai_gateway_upstream_attempts_total{outcome="ok",target="seoul/gpt-4o"}'
        until(lambda: figures(gateway.url).get(name) == 6)
        until(lambda: figures(gateway.url).get(ASKED) == 6)
        assert {figures(gateway.url)[ASKED] for _ in range(5)} == {6}
        for _ in range(5):
            page = httpx.get(gateway.url, auth=OPERATOR, timeout=60).text
            assert "<b>6</b><span>calls in the last hour</span>" in page
            assert page.partition("Workers of this gateway")[2].count("<tr>") == workers + 1
        assert len(list(start.folder.iterdir())) == 1
        gateway.process.terminate()
    assert list(start.folder.iterdir()) == []
    said = [json.loads(line) for line in gateway.said if line.startswith("{")]
    lines = [line for line in said if line["event"] == "request"]
    assert [line["target"] for line in lines] == ["seoul/gpt-4o"] * 6
    assert "hunter2" not in "".join(gateway.said)
    assert "canary" not in "".join(gateway.said)


@pytest.mark.slow
def test_a_worker_that_is_killed(start):
    """Its counters stay, its gauges go, and another one is there in its place."""
    with start(2) as gateway:
        until(lambda: figures(gateway.url)["genai_gateway_workers"] == 2)
        page = httpx.get(gateway.url, auth=OPERATOR, timeout=60).text
        rows = page.partition("Workers of this gateway")[2]
        pid = int(rows.partition('<tbody><tr><td class="genai-right">')[2].partition("<")[0])
        assert (
            httpx.post(f"{gateway.url}/v1/chat/completions", json=QUESTION, timeout=60).status_code
            == 200
        )
        # A request is counted when its answer is out: what is killed in between counts no more.
        until(lambda: figures(gateway.url).get(ASKED) == 1)
        os.kill(pid, signal.SIGKILL)
        until(lambda: _workers(gateway.url, without=pid) == 2)
        found = figures(gateway.url)
        assert found[ASKED] == 1
        assert found["genai_gateway_workers"] == 2
        # This one. What the other worker had under way it tells at its next tick, the page just read among it.
        until(lambda: figures(gateway.url)["genai_gateway_requests_in_flight"] == 1)


def _workers(url, without):
    """How many there are, none of them this one."""
    try:
        page = httpx.get(url, auth=OPERATOR, timeout=60).text
    except httpx.TransportError:
        return 0  # it had our connection
    rows = page.partition("Workers of this gateway")[2]
    return 0 if f">{without}<" in rows else rows.count("<tr>") - 1
