"""The topology of `deploy/compose.yaml` as processes of this machine: nginx, two gateways of two workers each."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from genai_integrations.testing.child_process import end

DEPLOY = Path(__file__).parents[2] / "deploy"
WORKERS = 2
_PATIENCE = 60.0
_KEPT = ("PATH", "HOME", "SYSTEMROOT", "PYTHONPATH", "LANG", "GENAI_CACHE_DIR")


needs_nginx = pytest.mark.skipif(
    not shutil.which("nginx") and not os.environ.get("CI"), reason="needs Debian's nginx-light"
)


def all_at_once(ask, count):
    """What so many calls at once return, or raise."""
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        futures = [threads.submit(ask) for _ in range(count)]
        return [row.exception() or row.result() for row in futures]


def free_port():
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, process):
    """Ask until it is so, while the process lives."""
    ends = time.monotonic() + _PATIENCE
    while not condition():
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < ends, f"{process.args} took more than {_PATIENCE:g} s"
        time.sleep(0.02)


def answers(url):
    """Whether something answers well there."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Gateway:
    """`genai gateway` with two workers, on a port of its own.

    Attributes:
        port: Where it listens, also after it was started again.
        options: Of the command line, beside address and workers.
        environ: Its variables.
        log: What all its processes wrote.
    """

    port: int
    options: list[str]
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        words = ["gateway", "--port", str(self.port), "--workers", str(WORKERS), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "genai_integrations.cli", *words],
                env={
                    **{name: os.environ[name] for name in _KEPT if name in os.environ},
                    **self.environ,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: answers(f"{self.url}/health/ready"), self.process)

    def kill(self):
        """As a machine that is gone: every process of it, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def drain(self):
        """As a deploy begins: SIGTERM."""
        self.process.terminate()

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            end(self.process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def nginx(*gateways):
    """Debian's nginx with `deploy/nginx.conf`, whose addresses alone are changed; gives its URL."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        process = _started(Path(home), port, gateways)
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/health/live"), process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            end(process)


def _started(home, port, gateways):
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    for number, gateway in enumerate(gateways, 1):
        text = text.replace(f"gateway-{number}:4000", f"127.0.0.1:{gateway.port}")
    text = text.replace("listen 4000;", f"listen 127.0.0.1:{port};")
    assert not re.search(r"gateway-\d|:4000", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
    text = text.replace("http {", f"http {{ {places}").replace("/dev/stdout", f"{home}/access.log")
    (home / "nginx.conf").write_text(text)
    words = ["-p", str(home), "-c", str(home / "nginx.conf"), "-e", f"{home}/error.log"]
    main = f"daemon off; pid {home}/nginx.pid;" + (" user root;" if not os.geteuid() else "")
    return subprocess.Popen([shutil.which("nginx"), *words, "-g", main], start_new_session=True)
