"""What the gateway costs, on loopback: CPU per request and chunk, memory, and a thousand streams at once.

    python benchmarks/gateway.py                       # ours
    python benchmarks/gateway.py --rival portkey       # beside Portkey's, installed by the slow tests
    python benchmarks/gateway.py --rival litellm --python ~/peers/bin/python   # with litellm[proxy] in it
    python benchmarks/gateway.py --only streams

CPU is that of the gateway's processes, of all their threads. The generator and the provider behind are processes of
their own, and reported apart. Every run is bounded in calls and in time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import psutil

from gateway_backend import BURST, DRIP

HERE = Path(__file__).parent
_PATIENCE = 120.0


@dataclass(frozen=True)
class Load:
    """What came of one load.

    Attributes:
        calls: How many were made.
        errors: How many of them failed.
        seconds: On the clock.
        gateway: CPU seconds of the gateway.
        generator: CPU seconds of who asked.
        backend: CPU seconds of who answered.
    """

    calls: int
    errors: int
    seconds: float
    gateway: float
    generator: float
    backend: float

    @property
    def each(self) -> float:
        """CPU milliseconds of the gateway for one call."""
        return 1000 * self.gateway / self.calls


@dataclass(frozen=True)
class Server:
    """A process that listens, with those that it started."""

    url: str
    process: psutil.Process
    headers: tuple[str, ...] = ()

    def all(self) -> list[psutil.Process]:
        """It and its children."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds so far."""
        return sum(sum(row.cpu_times()[:2]) for row in self.all())

    def memory(self) -> int:
        """Bytes of the largest of them: a worker."""
        return max(row.memory_info().rss for row in self.all())


@contextlib.contextmanager
def backend() -> Generator[Server]:
    """The provider."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "gateway_backend.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(
    words: list[str], port: int, healthy: str, headers: tuple[str, ...] = (), **more: str
) -> Generator[Server]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            words,
            env={**os.environ, **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_up(process, f"http://127.0.0.1:{port}{healthy}", log)
            yield Server(f"http://127.0.0.1:{port}/v1", psutil.Process(process.pid), headers)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: object) -> None:
    ends = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
            return
        if process.poll() is not None or time.monotonic() > ends:
            log.seek(0)  # type: ignore[attr-defined]
            sys.exit(f"{process.args!r} did not start: {log.read()[-2000:]!r}")  # type: ignore[attr-defined]
        time.sleep(0.05)


def ours(provider: Server, workers: int = 1, *, traced: bool = False):  # noqa: ANN201 - a context manager
    """`genai gateway`."""
    port = _free_port()
    rows = [
        {"name": "bench", "provider": "openai", "api_key": "os.environ/BENCH_KEY",
         "api_base": f"{provider.url}/v1", "models": ["plain", "burst", "drip"]}
    ]  # fmt: skip
    config: dict[str, object] = {"connections": rows}
    if traced:
        config["langfuse"] = {
            "host": provider.url, "public_key": "pk-lf-bench", "secret_key": "os.environ/BENCH_SECRET",
        }  # fmt: skip
    path = Path(tempfile.mkdtemp()) / "genai.yaml"
    path.write_text(json.dumps(config))
    words = [sys.executable, "-m", "genai_integrations.cli", "gateway", "--port", str(port)]
    words += ["--workers", str(workers), "--config", str(path), "--no-auth"]
    return _running(words, port, "/health/ready", BENCH_KEY="sk-bench", BENCH_SECRET="sk-lf-bench")


def litellm(provider: Server, python: str):  # noqa: ANN201 - a context manager
    """LiteLLM's proxy."""
    port = _free_port()
    rows = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "sk-bench",
         "api_base": f"{provider.url}/v1"}} for name in ("plain", "burst", "drip")
    ]  # fmt: skip
    path = Path(tempfile.mkdtemp()) / "litellm.yaml"
    path.write_text(json.dumps({"model_list": rows}))
    words = [str(Path(python).with_name("litellm")), "--config", str(path), "--host", "127.0.0.1"]
    words += ["--port", str(port), "--telemetry", "False"]
    return _running(
        words,
        port,
        "/health/liveliness",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",
    )


def portkey(provider: Server, _python: str):  # noqa: ANN201 - a context manager
    """Portkey's gateway, from where the slow tests put it."""
    from genai_integrations.testing.local_model.model_file import cache_dir

    port = _free_port()
    place = cache_dir(os.environ, sys.platform) / "strangers" / "npm-@portkey-ai-gateway-1.15.2"
    program = place / "node_modules/@portkey-ai/gateway/build/start-server.js"
    if not program.exists():
        sys.exit(f"{program} is missing: pytest -m slow tests/strangers installs it")
    headers = (
        "x-portkey-provider: openai",
        f"x-portkey-custom-host: {provider.url}/v1",
        "authorization: Bearer sk-bench",
    )
    return _running(["node", str(program), f"--port={port}", "--headless"], port, "/", headers)


RIVALS: dict[str, Callable[[Server, str], contextlib.AbstractContextManager[Server]]] = {
    "litellm": litellm,
    "portkey": portkey,
}


def load(server: Server, provider: Server, model: str, calls: int, at_once: int) -> Load:
    """So many calls, so many at once."""
    words = [sys.executable, str(HERE / "gateway_load.py"), server.url, model, str(calls)]
    cpu, behind = server.cpu(), provider.cpu()
    done = subprocess.run(
        [*words, str(at_once), *server.headers],
        stdout=subprocess.PIPE,
        check=True,
        timeout=_PATIENCE,
    )
    told = json.loads(done.stdout)
    return Load(
        calls,
        told["errors"],
        told["seconds"],
        server.cpu() - cpu,
        told["cpu"],
        provider.cpu() - behind,
    )


def _per_call(server: Server, provider: Server, scale: int) -> Generator[tuple[str, str]]:
    load(server, provider, "plain", 20 * scale, 20)
    many = load(server, provider, "plain", 200 * scale, 50)
    yield "a request, 50 at once", f"{many.each:.2f} ms, {many.errors} errors"
    one = load(server, provider, "plain", 50 * scale, 1)
    yield "a request, one after the other", f"{one.each:.2f} ms, {one.errors} errors"
    burst = load(server, provider, "burst", 20 * scale, 20)
    yield "a stream of 200 chunks in a burst", f"{burst.each:.2f} ms, {burst.errors} errors"
    yield "each of its chunks", f"{1000 * (burst.each - many.each) / BURST:.1f} us"
    drip = load(server, provider, "drip", 100, 100)
    yield f"a stream of {DRIP} chunks, ten a second", f"{drip.each:.2f} ms, {drip.errors} errors"
    yield "each of its chunks", f"{1000 * (drip.each - many.each) / DRIP:.1f} us"


def calls(provider: Server) -> Generator[tuple[str, str]]:
    """One worker of ours."""
    with ours(provider) as server:
        yield "start", f"{server.cpu():.2f} s of CPU"
        yield "idle worker", f"{server.memory() / 1e6:.0f} MB"
        yield from _per_call(server, provider, 20)
        yield "worker after that", f"{server.memory() / 1e6:.0f} MB"
    with ours(provider, traced=True) as server:
        load(server, provider, "plain", 400, 20)
        traced = load(server, provider, "plain", 4000, 50)
        yield "a request that is recorded", f"{traced.each:.2f} ms, {traced.errors} errors"


def streams(provider: Server) -> Generator[tuple[str, str]]:
    """Two workers, a thousand streams."""
    with ours(provider, workers=2) as server:
        load(server, provider, "plain", 400, 50)
        for number in (250, 500, 1000):
            told = load(server, provider, "drip", number, number)
            cores = ", ".join(
                f"{name} {spent / told.seconds:.2f}"
                for name, spent in (
                    ("workers", told.gateway),
                    ("generator", told.generator),
                    ("provider", told.backend),
                )
            )
            what = f"{told.errors} errors in {told.seconds:.1f} s; cores: {cores}"
            yield f"{number} streams at once, two workers", what
        yield "largest worker after that", f"{server.memory() / 1e6:.0f} MB"


def idle(provider: Server) -> Generator[tuple[str, str]]:
    """One worker, ten thousand connections that say nothing."""
    with ours(provider) as server:
        words = [sys.executable, str(HERE / "gateway_load.py"), server.url, "idle", "10000", "0"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
            if holding.stdout is None:
                return
            told = json.loads(holding.stdout.readline())
            served = load(server, provider, "plain", 200, 10)
            yield (
                f"{told['open']} idle connections",
                f"{server.memory() / 1e6:.0f} MB; {served.errors} errors in 200 calls beside them",
            )
            holding.communicate(timeout=_PATIENCE)


PARTS = {"calls": calls, "streams": streams, "idle": idle}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--rival", choices=RIVALS, action="append", default=[])
    parser.add_argument(
        "--python", default=sys.executable, help="of the environment with litellm[proxy]"
    )
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, before")
    with backend() as provider:
        for name in options.only or PARTS:
            for what, told in PARTS[name](provider):
                print(f"| {what} | {told} |", flush=True)
        for name in options.rival:
            with RIVALS[name](provider, str(Path(options.python).expanduser())) as server:
                print(f"| {name}: start | {server.cpu():.2f} s of CPU |")
                print(f"| {name}: idle | {server.memory() / 1e6:.0f} MB |")
                for what, told in _per_call(server, provider, 5 if name == "portkey" else 1):
                    print(f"| {name}: {what} | {told} |", flush=True)


if __name__ == "__main__":
    main()
