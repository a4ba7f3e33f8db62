"""Langfuse's LLM connections as its public API shows them: without their secrets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.langfuse.prompts import (
    LangfuseError,
    invalid,
    malformed,
    now,
    page_of,
)
from genai_integrations.testing.langfuse.schema import display_secret

_IDS = itertools.count(1)
_REGION = re.compile(r"[a-z0-9-]+")
_CONFIGS: dict[str, tuple[str, type] | None] = {
    "anthropic": None,
    "openai": ("useResponsesApi", bool),
    "azure": None,
    "bedrock": ("region", str),
    "google-vertex-ai": ("location", str),
    "google-ai-studio": None,
}
_FIELDS = {
    "provider",
    "adapter",
    "secretKey",
    "baseURL",
    "customModels",
    "withDefaultModels",
    "extraHeaders",
    "config",
}


class ConnectionTable:
    """Every connection of one project, newest last."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, object]] = {}

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of connections, newest first."""
        unknown = sorted(set(query) - {"page", "limit"})
        if unknown:
            raise malformed(unknown, f"Unrecognized key(s) in object: {', '.join(unknown)}")
        data, meta = page_of(list(self._rows.values())[::-1], query, 50)
        return {"data": data, "meta": meta}

    def put(self, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Create or replace the connection of that name: the status, and how it is shown."""
        _check(request)
        name, stamp = request["provider"], now()
        old = self._rows.get(name)
        row = {
            "id": old["id"] if old else f"cm{next(_IDS):023d}",
            "provider": name,
            "adapter": request["adapter"],
            "displaySecretKey": display_secret(request["secretKey"]),
            "baseURL": request.get("baseURL"),
            "customModels": request.get("customModels") or [],
            "withDefaultModels": request.get("withDefaultModels", True),
            "extraHeaderKeys": list(request.get("extraHeaders") or ()),
            "config": request.get("config", old["config"] if old else None),
            "createdAt": old["createdAt"] if old else stamp,
            "updatedAt": stamp,
        }
        self._rows[name] = row
        return (200 if old else 201), row

    def delete(self, connection_id: str) -> dict[str, str]:
        """Delete the connection of that id."""
        for name, row in self._rows.items():
            if row["id"] == connection_id:
                del self._rows[name]
                return {"message": "LLM connection deleted successfully"}
        raise LangfuseError(404, "LLM connection not found", "LangfuseNotFoundError")


def _check(request: Mapping[str, object]) -> None:
    for name in ("provider", "secretKey"):
        if not isinstance(request.get(name), str) or not request[name]:
            raise malformed([name], "Required")
    if request.get("adapter") not in _CONFIGS:
        raise malformed(["adapter"], "Invalid enum value")
    unknown = sorted(set(request) - _FIELDS)
    if unknown:
        raise malformed(unknown, f"Unrecognized key(s) in object: {', '.join(unknown)}")
    _check_config(request)


def _check_config(request: Mapping[str, Any]) -> None:
    adapter, config = request["adapter"], request.get("config", {})
    if config is None:
        raise malformed(["config"], "Expected object, received null")
    known = _CONFIGS[adapter]
    if known is None:
        if "config" in request:
            raise invalid(f"Config is not supported for adapter {adapter}")
        return
    name, kind = known
    if set(config) - {name} or not isinstance(config.get(name, kind()), kind):
        raise invalid(f"Invalid config for adapter {adapter}")
    region = config.get(name)
    if adapter == "bedrock" and not (isinstance(region, str) and _REGION.fullmatch(region)):
        raise invalid("Invalid config for adapter bedrock: region is required")
