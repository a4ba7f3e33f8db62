"""Connections in a notebook, without anything secret."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.credentials import open_credential, open_headers
from genai_integrations.connections.origins import origin_of
from genai_integrations.display import (
    Bundle,
    Cell,
    Html,
    bad,
    bundle,
    filled,
    good,
    table,
    text_table,
)
from genai_integrations.errors import GenAIError
from genai_integrations.secret import MASK

_COLUMNS = ("name", "provider", "key", "host", "region", "models", "state")
_MOST_MODELS = 6
_USUAL_PORTS = {"http": ":80", "https": ":443"}


def connections_bundle(rows: Iterable[Connection | BrokenConnection]) -> Bundle:
    """Each connection in a row; a broken one says why."""
    cells = (_broken(row) if isinstance(row, BrokenConnection) else _usable(row) for row in rows)
    shown = filled(_COLUMNS, cells)
    return bundle(text_table(*shown), table(*shown))


def _usable(row: Connection) -> list[Cell]:
    """Its secrets are opened once, to see whether that works."""
    host = state = None
    try:
        host = _host(row)
        open_credential(row)
        open_headers(row)
    except GenAIError as error:
        state = _reason(error)
    region, models = row.region or None, _models(row)
    return [row.name, row.provider.name, MASK, host, region, models, state or good("ok")]


def _broken(row: BrokenConnection) -> list[Cell]:
    return [row.name, None, None, None, None, None, _reason(row.error)]


def _reason(error: GenAIError) -> Html:
    return bad(f"{type(error).__name__}: {error}")


def _models(row: Connection) -> str:
    shown = list(row.custom_models[:_MOST_MODELS])
    if len(row.custom_models) > _MOST_MODELS:
        shown.append(f"{len(row.custom_models) - _MOST_MODELS} more")
    if row.with_default_models:
        shown.append("its provider's own")
    return ", ".join(shown)


def _host(row: Connection) -> str | None:
    """Host and port of the address, whose other parts might hold a credential."""
    address = row.base_url or row.provider.base_url
    if address is None:
        return None
    parts = urlsplit(origin_of(address, row.name))
    return parts.netloc.removesuffix(_USUAL_PORTS[parts.scheme])
