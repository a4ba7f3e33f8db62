"""Does what a Dockerfile says without Docker: each stage is an overlay over this machine, in a mount namespace.

It knows the words that `deploy/Dockerfile` uses and refuses others. What the base image has must be on the machine.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE = 500.0
_KEPT = ("HOME", "PIP_CERT", "PIP_FIND_LINKS", "SSL_CERT_FILE", "LANG")
"""How this machine reaches its packages."""


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction: its word, and what follows in one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


@dataclass
class Stage:
    """The files of one stage, and how programs run there.

    Attributes:
        folder: Where its own files are kept.
        image: What it is made from.
        environ: The variables of its programs.
        place: The folder that they run in.
        user: User and group that they run as, by number.
        said: What the image says of itself: ENTRYPOINT, CMD, HEALTHCHECK, USER and so on.
    """

    folder: Path
    image: str
    environ: dict[str, str] = field(default_factory=dict)
    place: str = "/"
    user: tuple[int, int] = (0, 0)
    said: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("files", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        python = Path(sys.executable).resolve().parent
        self.environ |= {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.environ["PATH"] = f"{python}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        # Other users may read Python here, as they may in the image.
        for home in python.parents:
            (self.files / home.relative_to("/")).mkdir(parents=True, exist_ok=True)

    @property
    def files(self) -> Path:
        """What this stage has that the machine has not."""
        return self.folder / "files"

    def command(self, words: list[str], *, alone: bool = False) -> list[str]:
        """The command line of a program there; `alone` with a network of its own that reaches nobody."""
        user, group = self.user
        inside = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *words]
        layers = f"lowerdir=/,upperdir={self.files},workdir={self.folder / 'work'}"
        root = shlex.quote(str(self.folder / "root"))
        script = (
            f"mount -t overlay overlay -o {shlex.quote(layers)} {root}; "
            f"mount --bind /dev {root}/dev; mount -t proc proc {root}/proc; "
            + ("ip link set lo up; " if alone else "")
            + f"exec chroot {root} sh -c {shlex.quote(f'cd {self.place} && exec {shlex.join(inside)}')}"
        )
        spaces = ["--mount", "--pid", "--fork", "--kill-child", *(["--net"] if alone else [])]
        return ["unshare", *spaces, "sh", "-ec", script]

    def run(self, words: list[str]) -> str:
        """What a program there printed; it must end well."""
        done = subprocess.run(
            self.command(words),
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def copy(self, source: Path, target: str) -> None:
        """A file or a folder, as COPY does it."""
        place = self.files / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True, ignore=ignore)
        else:
            shutil.copy2(source, place / source.name if target.endswith("/") else place)


def build(dockerfile: Path, context: Path, folder: Path) -> list[Stage]:
    """Every stage, with each instruction carried out."""
    stages: list[Stage] = []
    names: dict[str, Stage] = {}
    allowed = _allowed(dockerfile.with_name("Dockerfile.dockerignore"))
    for word, rest in steps(dockerfile.read_text("utf-8")):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append(Stage(folder / str(len(stages)), image))
            names[name] = stages[-1]
        elif word == "COPY" and rest.startswith("--from="):
            name, source, target = rest.removeprefix("--from=").split()
            stages[-1].copy(names[name].files / source.lstrip("/"), target)
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                assert any(fnmatch.fnmatch(source, row) for row in allowed), f"{source} is ignored"
                stages[-1].copy(context / source, _under(stages[-1].place, target))
        else:
            _apply(stages[-1], word, rest)
    return stages


def _apply(stage: Stage, word: str, rest: str) -> None:
    if word == "RUN":
        stage.run(["sh", "-ec", rest])
    elif word == "ENV":
        stage.environ |= dict(_assigned(rest, stage.environ))
    elif word == "WORKDIR":
        stage.place = rest
        (stage.files / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        user, _, group = rest.partition(":")
        stage.user = (int(user), int(group))
    else:
        assert word in ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"), word
    stage.said[word] = rest


def words_of(said: str) -> list[str]:
    """The JSON list in what an image says: of ENTRYPOINT, CMD, or the command of HEALTHCHECK."""
    words: list[str] = json.loads(said[said.index("[") :])
    return words


def _assigned(rest: str, before: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for row in shlex.split(rest):
        name, _, value = row.partition("=")
        yield name, string.Template(value).substitute(before)


def _under(place: str, target: str) -> str:
    joined = os.path.normpath(f"{place}/{target}")
    return f"{joined}/" if target.endswith("/") else joined


def _allowed(dockerignore: Path) -> list[str]:
    rows = dockerignore.read_text("utf-8").splitlines()
    assert "*" in rows, "everything is left out but what is named"
    return [row[1:] for row in rows if row.startswith("!")]
