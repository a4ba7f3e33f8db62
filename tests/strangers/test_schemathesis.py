"""What the gateway says of itself in OpenAPI is held against it by a program of others: schemathesis."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from stranger_installs import pypi_package

from genai_integrations.testing.child_process import end
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

_GUARD = Path(__file__).with_name("stranger_guard.py")
_WORDS = [
    *("--checks", "all", "--max-examples", "15", "--seed", "1", "--workers", "1", "--no-color"),
    *("--generation-database", "none", "--continue-on-failure", "--suppress-health-check", "all"),
]


@pytest.fixture
def gateway(tmp_path):
    """The address of `genai gateway` for this machine, with a provider behind it that serves any model."""
    with ScriptedProvider("seoul") as provider:
        models = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"]
        row = {"name": "seoul", "provider": "openai", "api_key": "os.environ/SEOUL_KEY"}
        config = {"connections": [{**row, "api_base": f"{provider.url}/v1", "models": models}]}
        (tmp_path / "genai.yaml").write_text(json.dumps(config))
        port = _free_port()
        words = [sys.executable, "-m", "genai_integrations.cli", "gateway", f"--port={port}"]
        command = [*words, f"--config={tmp_path / 'genai.yaml'}"]
        with (
            (tmp_path / "gateway.log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, str(_GUARD), *command],
                env={
                    **os.environ,
                    "SEOUL_KEY": "sk-seoul",
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stdin=subprocess.PIPE,
                stderr=log,
            ) as process,
        ):
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                end(process)


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_the_gateway_is_as_it_describes_itself(gateway, tmp_path):
    """Every check that there is, over every path: nothing that is described is refused, nothing else is taken."""
    python = pypi_package("schemathesis", "4.32.5")
    done = subprocess.run(
        [
            python,
            "-m",
            "schemathesis.cli",
            "run",
            f"{gateway}/openapi.json",
            "--wait-for-schema=60",
            *_WORDS,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-5000:]
    assert "Operations:" in done.stdout
