"""Langfuse's LLM connections as its public API shows them: without their secrets."""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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
_SENTINELS = {
    "__BEDROCK_DEFAULT_CREDENTIALS__": "bedrock",
    "__VERTEXAI_DEFAULT_CREDENTIALS__": "google-vertex-ai",
}
"""In place of a secret: the credentials of the machine that Langfuse runs on. The one adapter that each is for."""

_AWS_SHAPES = ({"accessKeyId", "secretAccessKey"}, {"apiKey"})
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
    _check_secret(str(request["adapter"]), str(request["secretKey"]))
    _check_address(request.get("baseURL"))


def _check_secret(adapter: str, secret: str) -> None:
    if secret in _SENTINELS:
        if _SENTINELS[secret] != adapter:
            raise invalid(f"Default credentials are not supported for adapter {adapter}")
    elif adapter == "bedrock":
        try:
            told = json.loads(secret)
        except ValueError:
            told = None
        if not isinstance(told, dict) or set(told) not in _AWS_SHAPES:
            raise invalid("Invalid secret key for adapter bedrock")


def _check_address(address: object) -> None:
    """As a server does that may call loopback, where everything of a test is, and no other private address."""
    if address is None:
        return
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid("Invalid base URL: only http and https are allowed")
    if parts.username is not None:
        raise invalid("Invalid base URL: it may hold no credentials")
    try:
        host = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return
    if not host.is_global and not host.is_loopback:
        raise invalid("Invalid base URL: blocked IP address")


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
