"""The table of routes: what is served where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genai_integrations.gateway.dialects.dialect import Dialect
from genai_integrations.gateway.exchange import Exchange
from genai_integrations.gateway.refusals import Refused

if TYPE_CHECKING:
    from genai_integrations.gateway.app import Gateway

Endpoint = Callable[["Gateway", Exchange], Awaitable[None]]
"""Answers a request. What of our errors it raises before it has begun is answered for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Attributes:
        method: Such as `POST`.
        path: Without `/v1`; one that ends with `/*` has every path below it.
        serves: A dialect that asks a model, or an endpoint.
        is_api: Whether it is served with `/v1` before it and without; others are served as they are written.
    """

    method: str
    path: str
    serves: Dialect | Endpoint
    is_api: bool = True

    @property
    def route(self) -> str:
        """How it is called in metrics and logs: never as a caller wrote it."""
        return f"/v1{self.path}" if self.is_api else self.path


class Table:
    """Finds the route of a request.

    Args:
        rows: Of two with the same path and method the first counts.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._exact: dict[str, dict[str, Row]] = {}
        self._below: dict[str, dict[str, Row]] = {}
        for row in rows:
            for path in (f"/v1{row.path}", row.path) if row.is_api else (row.path,):
                if path.endswith("/*"):
                    self._below.setdefault(path[:-1], {}).setdefault(row.method, row)
                else:
                    self._exact.setdefault(path, {}).setdefault(row.method, row)

    def find(self, method: str, path: str) -> Row:
        """The row that serves it.

        Raises:
            Refused: Nothing is there, or not for this method.
        """
        found = self._exact.get(path) or self._from_below(path)
        if found is None:
            raise Refused(404, "unknown_url", "there is nothing at this path: see /openapi.json")
        # Whoever looks whether a server is there may ask for the head alone, and uvicorn sends no more of it.
        row = found.get("GET" if method == "HEAD" else method)
        if row is None:
            allowed = ", ".join(found)
            raise Refused(
                405, "method_not_allowed", f"this path takes {allowed}", allow=tuple(found)
            )
        return row

    def _from_below(self, path: str) -> Mapping[str, Row] | None:
        for start, found in self._below.items():
            if path.startswith(start) and len(path) > len(start):
                return found
        return None
