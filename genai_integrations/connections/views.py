"""Connections in a notebook, without anything secret."""

from __future__ import annotations

from collections.abc import Iterable

from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.overview import ConnectionRow, overview
from genai_integrations.display import (
    Bundle,
    Cell,
    bad,
    bundle,
    filled,
    good,
    table,
    text_table,
)
from genai_integrations.runtime.masked import MASK

_COLUMNS = ("name", "provider", "key", "host", "region", "models", "state")
_MOST_MODELS = 6


def connections_bundle(entries: Iterable[Connection | BrokenConnection]) -> Bundle:
    """Each connection in a row; a broken one says why."""
    shown = filled(_COLUMNS, map(_cells, overview(entries)))
    return bundle(text_table(*shown), table(*shown))


def _cells(row: ConnectionRow) -> list[Cell]:
    state = bad(f"{type(row.error).__name__}: {row.error}") if row.error else good(row.state)
    if row.provider is None:
        return [row.name, None, None, None, None, None, state]
    return [row.name, row.provider, MASK, row.host, row.region or None, _models(row), state]


def _models(row: ConnectionRow) -> str:
    shown = list(row.models[:_MOST_MODELS])
    if len(row.models) > _MOST_MODELS:
        shown.append(f"{len(row.models) - _MOST_MODELS} more")
    if row.default_models:
        shown.append("its provider's own")
    return ", ".join(shown)
