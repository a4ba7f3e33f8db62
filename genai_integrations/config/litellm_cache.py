"""What `cache_params` of LiteLLM's proxy means here: an address, and for how long answers are kept.

Source: LiteLLM 1.106, docs "Caching" of the proxy, and the parameters of `litellm.Cache`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from genai_integrations.runtime.given import shown

_REDIS = ("host", "port", "username", "password", "db", "ssl", "url")

MEANT = frozenset(("type", "mode", "ttl", *_REDIS))
"""Keys that are read; others have no meaning here."""

_HOW = "write `cache: memory`, `cache: sqlite:///FILE` or `cache: redis://HOST:PORT` at the top of the file"


def address_of(params: Mapping[str, Any]) -> str | None:
    """What `cache=` is where the file says so; None for a cache that is none of ours."""
    kind = params.get("type", "local")
    if kind == "local":
        return "memory"
    if kind != "redis":
        return None
    if params.get("url"):
        return str(params["url"])
    return _redis_url(params) if params.get("host") else None


def why_none(params: object) -> str | None:
    """Why a cache that the file has is not kept here; None if it is."""
    if not isinstance(params, Mapping):
        return "cache_params must be a mapping"
    if params.get("mode") == "default_off":
        # LiteLLM looks nothing up then but for calls that ask for it: to keep all would give old answers unasked.
        return f"a cache for single calls (mode: default_off) has no effect here; for one that holds for all, {_HOW}"
    if address_of(params) is None:
        return f"a cache of the type {shown(params.get('type'))} has no effect here: {_HOW}"
    return None


def _redis_url(params: Mapping[str, Any]) -> str:
    user, password = (
        quote(str(params.get(key) or ""), safe="") for key in ("username", "password")
    )
    who = f"{user}:{password}@" if user or password else ""
    scheme = "rediss" if str(params.get("ssl")).lower() == "true" else "redis"
    path = "" if params.get("db") is None else f"/{params['db']}"
    return f"{scheme}://{who}{params['host']}:{params.get('port') or 6379}{path}"
