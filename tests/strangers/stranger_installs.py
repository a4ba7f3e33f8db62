"""Installs servers that other people wrote, each in a folder of its own under the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from absences import missing

from genai_integrations.testing.local_model.model_file import cache_dir

_PATIENCE = 240.0


def npm_package(name: str, version: str) -> Path:
    """The folder of a package from npm's registry; install scripts are not run."""
    npm = shutil.which("npm") or missing(f"{name} needs node and npm")
    install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]

    def commands(place: Path) -> list[list[str]]:
        return [[*install, "--prefix", str(place), f"{name}@{version}"]]

    return _installed(f"npm-{name.replace('/', '-')}-{version}", commands) / "node_modules" / name


def pypi_package(name: str, version: str) -> Path:
    """The Python of an environment that has one package from PyPI."""
    python = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def commands(place: Path) -> list[list[str]]:
        make = [sys.executable, "-m", "venv", str(place)]
        return [make, [str(place / python), *install, f"{name}=={version}"]]

    return _installed(f"pypi-{name}-{version}", commands) / python


def beside_ours(name: str, packages: list[str]) -> Path:
    """The Python of an environment that has packages from PyPI, and sees what is installed here behind them.

    So what ours needs is not fetched again, and nothing that they bring is seen by any other test.
    """
    python = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ours = sysconfig.get_path("purelib")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    link = (
        "import pathlib, sysconfig; "
        f"pathlib.Path(sysconfig.get_path('purelib'), 'ours.pth').write_text({ours!r})"
    )

    def commands(place: Path) -> list[list[str]]:
        own = str(place / python)
        make = [sys.executable, "-m", "venv", str(place)]
        return [make, [own, "-c", link], [own, *install, *packages]]

    mark = hashlib.sha256(ours.encode()).hexdigest()[:8]
    return _installed(f"beside-{name}-{mark}", commands) / python


def _installed(name: str, commands) -> Path:
    """Made beside its place and then renamed: two processes may install at once."""
    folder = cache_dir(os.environ, sys.platform) / "strangers" / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder.parent))
    try:
        for command in commands(place):
            _run(name, command)
        if not folder.exists():
            place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return folder


def _run(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        missing(f"{name} could not be installed: {error!r}")
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").splitlines()[-3:]
        missing(f"{name} could not be installed: {' | '.join(words)}")
