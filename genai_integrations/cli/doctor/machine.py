"""Checks of the machine: Python, packages, the clock, proxies."""

from __future__ import annotations

import platform
import socket
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib import metadata
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from genai_integrations.cli.doctor.findings import Finding, fail, ok, warn
from genai_integrations.cli.doctor.setup import Setup
from genai_integrations.runtime.installing import PACKAGE, to_install

_FRAMEWORKS = frozenset({"langchain-core", "llama-index-core"})
_TOLD = ("litellm", "langfuse", "langchain-core", "llama-index-core")
_BAD_CLOCK = 60
_USELESS_CLOCK = 300
"""Seconds. AWS and Google refuse what was signed more than five minutes off."""

_CONNECT_TIMEOUT = 5.0
_PROXY_SCHEMES = {"http", "https"}


def python(setup: Setup) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """Its version. Too old a Python does not get as far as this, except where pip was forced."""
    wanted = metadata.metadata(PACKAGE)["Requires-Python"]
    version = platform.python_version()
    if Requirement(f"python{wanted}").specifier.contains(version, prereleases=True):
        yield ok(version)
    else:
        yield fail(f"{version} is not {wanted}", f"make a virtual environment with Python {wanted}")


def packages(setup: Setup) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """The installed versions against the ranges that this package was tested with."""
    installed: dict[str, str] = {}
    bad = 0
    for wanted in _requirements():
        version = _installed(wanted.name)
        if version is not None:
            installed[wanted.name] = version
        if _fits(wanted, version):
            continue
        bad += 1
        yield fail(
            f"{wanted.name} {version or 'is missing'}, and {wanted.specifier} is supported",
            to_install(f"{wanted.name}{wanted.specifier}"),
        )
    if not bad:
        yield ok(", ".join(f"{name} {installed.get(name, 'not installed')}" for name in _TOLD))


def _requirements() -> list[Requirement]:
    """What must be there, and the frameworks, which may be; each once."""
    rows = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    wanted = [row for row in rows if row.marker is None or row.name in _FRAMEWORKS]
    return list({row.name: row for row in wanted}.values())


def _fits(wanted: Requirement, version: str | None) -> bool:
    if version is None:
        return wanted.name in _FRAMEWORKS
    return wanted.specifier.contains(version, prereleases=True)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def clock(setup: Setup) -> Iterator[Finding]:
    """This machine's clock against Langfuse's, if Langfuse was asked."""
    if not setup.uses_langfuse or setup.health.date is None:
        return
    behind = parsedate_to_datetime(setup.health.date).timestamp() - setup.now()
    off = f"{abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} Langfuse's"
    then = "set this machine's clock, for example with `timedatectl set-ntp true`"
    if abs(behind) >= _USELESS_CLOCK:
        yield fail(f"it is {off}: AWS and Google refuse such requests", then)
    elif abs(behind) >= _BAD_CLOCK:
        yield warn(f"it is {off}", then)
    else:
        yield ok("it agrees with Langfuse's")


def proxies(setup: Setup) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """The proxies that the environment names, and whether something listens there."""
    named = urllib.request.getproxies()
    used = {kind: named[kind] for kind in ("http", "https", "all") if named.get(kind)}
    if not used:
        yield ok("none is set")
    for kind, address in used.items():
        yield _proxy(f"{kind.upper()}_PROXY", address)


def _proxy(variable: str, address: str) -> Finding:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in _PROXY_SCHEMES:
        return fail(f"{variable} is not an http proxy", f"set {variable} to http://host:port")
    where = f"{host}:{port or (443 if parts.scheme == 'https' else 80)}"
    problem = unreachable(host, port or (443 if parts.scheme == "https" else 80))
    if problem:
        then = f"correct {variable}, unset it, or name the hosts to reach without it in NO_PROXY"
        return fail(f"{variable} is {where}: {problem}", then)
    return ok(f"{variable} is {where}; calls go through it, except to the hosts in NO_PROXY")


def unreachable(host: str, port: int) -> str:
    """Why no connection can be made; empty if one can. Nothing is sent."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT).close()
    except socket.gaierror:
        return "no host has that name"
    except TimeoutError:
        return "it does not answer in time"
    except ConnectionRefusedError:
        return "nothing listens there"
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
