"""The image is built without Docker: each line of its Dockerfile does what it says, on an overlay of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dockerfile import build, words_of

ROOT = Path(__file__).parents[2]


def _can_build():
    if sys.platform != "linux" or os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "--net", "true"], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _can_build() and not os.environ.get("CI"), reason="needs root on Linux")
def test_the_image_serves(tmp_path):
    """Its layers can be made one after the other; its command is up, as its user, when its own check says so."""
    _, image = build(ROOT / "deploy" / "Dockerfile", ROOT, tmp_path)

    entry, options = words_of(image.said["ENTRYPOINT"]), words_of(image.said["CMD"])
    assert "Usage: genai gateway" in image.run([*entry, "--help"])
    assert re.fullmatch(r"10001:10001\n", image.run(["sh", "-c", 'echo "$(id -u):$(id -g)"']))
    assert not (image.files / "opt/genai/lib/python3.11/site-packages/pip").exists()
    # What runs in the background ends with its process namespace.
    script = '"$@" & until python -c "$CHECK" 2>&-; do kill -0 $! && sleep 0.2; done'
    image.environ |= {"CHECK": words_of(image.said["HEALTHCHECK"])[-1], "HOME": "/tmp"}
    up = subprocess.run(
        image.command(["sh", "-ec", script, "sh", *entry, *options, "--no-auth"], alone=True),
        env={**image.environ, "OPENAI_API_KEY": "sk-example"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert up.returncode == 0, up.stderr
