"""What the tests of process models share: programs of other people, run for real, and their generations counted."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import urllib3

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def start(provider, langfuse, tmp_path):
    """Start a program with the environment of a client that is traced; it ends with the block, by SIGTERM."""
    environment = {
        **os.environ,
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
        "LANGFUSE_HOST": langfuse.host,
        # What waits is sent at the end, or not at all.
        "LANGFUSE_FLUSH_INTERVAL": "3600",
        "PROVIDER": f"{provider.url}/v1",
        "PYTHONPATH": os.pathsep.join((str(PROGRAMS), *sys.path)),
        "PYTHONWARNINGS": "ignore",
    }
    environment.pop("LANGFUSE_TRACING_ENABLED")

    @contextlib.contextmanager
    def start(*command):
        log = tmp_path / "log"
        with (
            log.open("w") as out,
            subprocess.Popen(
                [sys.executable, *command],
                env=environment,
                cwd=tmp_path,
                stdout=out,
                stderr=subprocess.STDOUT,
            ) as program,
        ):
            try:
                yield program
                if program.poll() is None:
                    program.send_signal(signal.SIGTERM)
                program.wait(60)
            except BaseException as error:
                error.add_note(log.read_text()[-5000:])
                raise
            finally:
                program.kill()

    return start


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def counted(langfuse):
    """How often each question was recorded."""

    def counted():
        inputs = (row["attributes"]["langfuse.observation.input"] for row in langfuse.spans)
        return collections.Counter(text.split('"content":"')[1].split('"')[0] for text in inputs)

    return counted


def ask_all(port, texts):
    """Ask a web server these, in eight threads at a time; it may take a while until it listens.

    Returns the ids of the processes that answered.
    """
    pool = urllib3.PoolManager(
        maxsize=8, retries=urllib3.Retry(connect=12, read=0, other=0, backoff_factor=0.05)
    )
    left, answers = list(texts), []

    def ask():
        while True:
            try:
                text = left.pop()
            except IndexError:
                return
            # A connection of its own, so that each worker gets some.
            answers.append(
                pool.request(
                    "GET", f"http://127.0.0.1:{port}/{text}", headers={"connection": "close"}
                )
            )

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * len(texts)
    return {answer.data for answer in answers}
