"""The section `connections` of a file: stored ones by name, and ones that the file describes, in one order."""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.config.document import Document, Path_
from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    ConnectionStore,
)
from genai_integrations.connections.litellm_import import CONNECTION_PARAMS, connection_of
from genai_integrations.connections.providers import every_provider, provider_named
from genai_integrations.connections.stores import store_from_settings
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.runtime.given import shown
from genai_integrations.settings import ENVIRON, read_settings, variable

NOT_IN_A_FILE = f"{{}} does not belong in a file: write {ENVIRON}NAME, and set NAME"
"""What is said of a secret that a file has itself."""

KEYS = (
    "name",
    "provider",
    "models",
    "region",
    "dialect",
    "extra_headers",
    *sorted(CONNECTION_PARAMS),
)
"""What a connection of a file may say: LiteLLM's words for keys and addresses among them."""

SECRET_KEYS = frozenset(
    (
        "api_key", "aws_access_key_id", "aws_secret_access_key", "aws_session_token",
        "vertex_ai_credentials", "vertex_credentials",
    )
)  # fmt: skip
"""Those that must not stand in a file themselves."""


class _Unset(Exception):  # noqa: N818  caught beside where it is raised
    """A variable that is not set."""


def filled_in(value: Any, variables: Mapping[str, str], *, only_the_files: bool = False) -> Any:
    """A value with what each `os.environ/NAME` in it stands for; one that is not set stays as it is written.

    Args:
        value: Of the file.
        variables: What the file itself gives for variables.
        only_the_files: Leave those of the environment to whoever reads the value.
    """
    if isinstance(value, Mapping):
        return {
            key: filled_in(row, variables, only_the_files=only_the_files)
            for key, row in value.items()
        }
    if isinstance(value, list):
        return [filled_in(row, variables, only_the_files=only_the_files) for row in value]
    if not isinstance(value, str) or not value.startswith(ENVIRON):
        return value
    name = value.removeprefix(ENVIRON)
    if name in variables:
        return variables[name]
    found = None if only_the_files else variable(name)
    return value if found is None else found


class ConfiguredConnections:
    """A store of what a file lists: connections of its own between those that are stored elsewhere.

    Args:
        rows: In the file's order: connections, and names of stored ones.
        stored: Where those are.
    """

    def __init__(
        self, rows: Sequence[Connection | BrokenConnection | str], stored: ConnectionStore | None
    ) -> None:
        self._rows = rows
        self._stored = stored

    def __str__(self) -> str:
        return "the connections of the configuration" + (
            f" and {self._stored}" if self._stored else ""
        )

    def load(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """As `ConnectionStore.load`."""
        elsewhere = self._elsewhere(names)
        found = self._stored.load(elsewhere) if self._stored and elsewhere else []
        return self._in_order(names, found)

    async def aload(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """As `load`, without blocking the loop."""
        elsewhere = self._elsewhere(names)
        if not self._stored or not elsewhere:
            return self._in_order(names, [])
        aload = getattr(self._stored, "aload", None)
        if aload is None:
            return self._in_order(names, await asyncio.to_thread(self._stored.load, elsewhere))
        return self._in_order(names, await aload(elsewhere))

    def _elsewhere(self, names: Sequence[str] | None) -> list[str]:
        stored = [row for row in self._rows if isinstance(row, str)]
        return stored if names is None else [row for row in stored if row in names]

    def _in_order(
        self, names: Sequence[str] | None, found: Sequence[Connection | BrokenConnection]
    ) -> list[Connection | BrokenConnection]:
        by_name = {row.name: row for row in found}
        by_name |= {row.name: row for row in self._rows if not isinstance(row, str)}
        wanted = names
        if wanted is None:
            wanted = [row if isinstance(row, str) else row.name for row in self._rows]
        return [by_name[name] for name in wanted if name in by_name]


def connections_of(
    document: Document, rows: Any, variables: Mapping[str, str]
) -> tuple[list[str], ConfiguredConnections | None]:
    """The names of stored connections, and a store if the file describes some itself.

    Raises:
        ConfigurationError: A row cannot work. One whose variable is not set is kept, broken.
    """
    if not isinstance(rows, list) or not rows:
        raise document.wrong(("connections",), f"connections must be a list: {_LIKE}")
    read = [_row(document, ("connections", at), row, variables) for at, row in enumerate(rows)]
    names = [row if isinstance(row, str) else row.name for row in read]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise document.wrong(("connections", at), f"there are two connections named {name!r}")
    stored = [row for row in read if isinstance(row, str)]
    if len(stored) == len(read):
        return stored, None
    settings = _settings(document, variables) if stored else None
    return names, ConfiguredConnections(read, settings and store_from_settings(settings))


_LIKE = "names of stored ones, or mappings with a name, a provider and `api_key: os.environ/NAME`"


def _settings(document: Document, variables: Mapping[str, str]) -> Any:
    told = document.values.get("langfuse")
    section = filled_in(told, variables) if isinstance(told, Mapping) else {}
    return read_settings(**{key: section.get(key) for key in ("public_key", "secret_key", "host")})


def _row(
    document: Document, path: Path_, row: Any, variables: Mapping[str, str]
) -> Connection | BrokenConnection | str:
    if isinstance(row, str) and row:
        return row
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str) or not row["name"]:
        raise document.wrong(path, f"a connection is a name, or has one: {_LIKE}")
    for key in row:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KEYS)}"
            raise document.wrong((*path, key), f"a connection has no {shown(key)}: {hint}")
    provider = row.get("provider")
    if not isinstance(provider, str) or provider_named(provider) is None:
        raise document.wrong(
            (*path, "provider"),
            f"no provider is named {shown(provider)}; there are {', '.join(row.name for row in every_provider())}",
        )
    _check_kinds(document, path, row)
    for key in SECRET_KEYS.intersection(row):
        if not isinstance(row[key], str) or not row[key].startswith(ENVIRON):
            raise document.wrong((*path, key), NOT_IN_A_FILE.format(key))
    try:
        return _made(row, variables)
    except (_Unset, GenAIError) as error:
        return BrokenConnection(row["name"], ConfigurationError(str(error)))


def _check_kinds(document: Document, path: Path_, row: Mapping[str, Any]) -> None:
    for key, value in row.items():
        if key == "models":
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise document.wrong(
                    (*path, key), f"models must be a list such as [gpt-4o], not {shown(value)}"
                )
        elif key != "extra_headers" and not isinstance(value, str):
            # It is not shown: it may be a key that looks like a number.
            raise document.wrong((*path, key), f"{key} must be a string: write it in quotes")


def _made(row: Mapping[str, Any], variables: Mapping[str, str]) -> Connection:
    given = filled_in(dict(row), variables)
    for value in given.values():
        if isinstance(value, str) and value.startswith(ENVIRON):
            raise _Unset(f"{value.removeprefix(ENVIRON)} is not set")
    provider = provider_named(given["provider"])
    assert provider is not None  # noqa: S101  looked at by `_row`
    params = {key: given[key] for key in given if key in CONNECTION_PARAMS}
    made = connection_of(given["name"], provider, params, given.get("extra_headers"))
    models = tuple(given.get("models") or ())
    changed: dict[str, Any] = {"dialect": given.get("dialect") or made.dialect}
    if models:
        changed |= {"custom_models": models, "with_default_models": False}
    if given.get("region"):
        changed["region"] = given["region"]
    return dataclasses.replace(made, **changed)
