"""The command that brings what is missing into the environment at hand; every message that names one asks here."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from genai_integrations.errors import ConfigurationError

PACKAGE = "genai-integrations"
_PLAIN = "pip install"


def to_install(requirement: str) -> str:
    """The line that installs a requirement beside this package.

    Args:
        requirement: As pip takes it, for example `litellm<2`.

    Returns:
        For example `pip install 'litellm<2'`; with `uv` in front where uv made the installation, for an environment of
        uv's has no pip, and another's pip would install elsewhere.
    """
    return f"{_installer()} '{requirement}'"


def to_install_extra(extra: str) -> str:
    """The line that adds one of this package's extras, from where the package itself came.

    Args:
        extra: Its name in pyproject.toml.

    Returns:
        `pip install -e '/path/of/the/checkout[redis]'` after an installation from a checkout, an address after one from
        there, and `pip install 'genai-integrations[redis]'` after one from an index.
    """
    origin = _origin()
    parts = urlsplit(str(origin.get("url", "")))
    if not parts.scheme:
        return to_install(f"{PACKAGE}[{extra}]")
    if "dir_info" in origin:
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return f"{_installer()} {editable}'{unquote(parts.path)}[{extra}]'"
    kind = origin.get("vcs_info", {}).get("vcs")
    address = _without_secrets(parts.geturl())
    return to_install(f"{PACKAGE}[{extra}] @ {f'{kind}+' if kind else ''}{address}")


def require_extra(extra: str, packages: Iterable[str], what: str) -> None:
    """Say what is missing before anything is fetched or started.

    Args:
        extra: Brings the packages.
        packages: Names by which they are imported.
        what: What needs them, such as `genai demo`.

    Raises:
        ConfigurationError: One of them is not installed.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"{what} needs {', '.join(missing)}: {to_install_extra(extra)}")


def _installer() -> str:
    return f"uv {_PLAIN}" if _recorded("INSTALLER").strip() == "uv" else _PLAIN


def _origin() -> dict[str, Any]:
    """What PEP 610 keeps beside an installed package that came from no index."""
    origin: dict[str, Any] = json.loads(_recorded("direct_url.json") or "{}")
    return origin


def _recorded(name: str) -> str:
    """A file of the installed package's metadata; empty where there is none."""
    from importlib import metadata

    try:
        return metadata.distribution(PACKAGE).read_text(name) or ""
    except metadata.PackageNotFoundError:
        return ""


def _without_secrets(url: str) -> str:
    """The address without a password or token; `git@` is neither."""
    return re.sub(r"(?<=://)(?!git@)[^/@]*@", "", url)
