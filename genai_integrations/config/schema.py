"""The JSON schema of `genai.yaml`, for editors: completion, and a word on each key while it is written.

The checks of the arguments themselves are stricter, and say more; they decide.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.args import ROUTER_ARGS, RouterArgs
from genai_integrations.config import connections, providers, reading
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.transports.own_providers import DIALECTS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAMES: Schema = {"type": "array", "items": _TEXT}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "number", "exclusiveMinimum": 0}

_LIMITS = ("rpm", "tpm", "max_parallel")


def _by_name(properties: Schema) -> Schema:
    """Any names, each with these."""
    row = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "object", "additionalProperties": row}


_FLAG: Schema = {"type": "boolean"}
_MAPPING: Schema = {"type": "object"}
_VARIABLE: Schema = {"type": "string", "pattern": "^os\\.environ/\\w+$"}
_FALLBACKS: Schema = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": _NAMES},
}

_ROUTER: Mapping[str, Schema] = {
    **dict.fromkeys(
        ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"), _FALLBACKS
    ),
    **dict.fromkeys(("default_fallbacks", "region_preference", "allowed_models"), _NAMES),
    **dict.fromkeys(("num_retries", "allowed_fails", "max_fallbacks"), _COUNT),
    **dict.fromkeys(("timeout", "stream_timeout", "stall_timeout", "deadline"), _SECONDS),
    "max_cost": {"type": "number", "minimum": 0},
    "hedge_after": {"anyOf": [_SECONDS, {"const": "p95"}]},
    "stream_recovery": {"const": "restart"},
    **{key: {"type": "number", "minimum": 0} for key in ("retry_after", "cooldown_time")},
    "cache_responses": _FLAG,
    "model_group_alias": _MAPPING,
    "drop_params": {"anyOf": [_FLAG, _NAMES]},
}
"""The shapes of arguments of the router that are more than anything."""

_CONNECTION: Schema = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "required": ["name", "provider"],
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(connections.KEYS, _TEXT),
                **dict.fromkeys(connections.SECRET_KEYS, _VARIABLE),
                # A program may have registered one of its own.
                "provider": {"anyOf": [{"enum": sorted(PROVIDERS)}, _TEXT]},
                "models": _NAMES,
                "extra_headers": {"type": "object", "additionalProperties": _TEXT},
            },
        },
    ]
}

_PROVIDER: Schema = {
    "anyOf": [
        {"type": "string", "description": "A Python module that registers providers."},
        {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(providers.KEYS, _TEXT),
                **dict.fromkeys(("key_variables", "url_variables", "families"), _NAMES),
                "keyless": _FLAG,
                "dialect": {"enum": list(DIALECTS)},
            },
        },
    ]
}

_ROW: Schema = {
    "type": "object",
    "required": ["model_name", "litellm_params"],
    "properties": {
        "model_name": _TEXT,
        "litellm_params": {
            "type": "object",
            "required": ["model"],
            "properties": {
                "model": _TEXT,
                "weight": {"type": "number"},
                "order": {"type": "integer"},
            },
        },
    },
}


def schema() -> Schema:
    """The schema, by JSON Schema's draft 2020-12."""
    told = _told(RouterArgs)
    router = {
        name: {**_ROUTER.get(name, {}), "description": told.get(name, "")}
        for name in sorted(ROUTER_ARGS - {"model_list"})
    }
    tops: dict[str, Schema] = {
        reading.DEFAULT_MODEL: {
            "type": "string",
            "description": "The model that `genai` asks where none is named.",
        },
        **{name: {} for name in reading.CLIENT_KEYS},
        "limits": _by_name({name: {"type": "integer", "minimum": 1} for name in _LIMITS}),
        "budgets": _by_name(
            {
                "usd": {"type": "number", "minimum": 0},
                "per": {"enum": ["day", "month", "run"]},
                "alerts": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
            }
        ),
        "on_limit": {"enum": ["wait", "fail"]},
        "limits_away": {"enum": ["local", "fail"]},
        "allowed_hosts": _NAMES,
        "langfuse": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **{key: {} for key in reading.LANGFUSE_KEYS},
                "host": _TEXT,
                "public_key": _TEXT,
                "secret_key": _VARIABLE,
            },
        },
        "providers": {"type": "array", "items": _PROVIDER},
        "connections": {"type": "array", "items": _CONNECTION},
        "model_list": {"type": "array", "items": _ROW, "description": told.get("model_list", "")},
        "router_settings": {
            "type": "object",
            "additionalProperties": False,
            "properties": router,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "genai.yaml",
        "type": "object",
        "additionalProperties": False,
        "properties": tops,
    }


def _told(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each attribute."""
    # Without its indentation, which Python 3.13 leaves out by itself.
    _, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    rows = re.findall(r"(?m)^ {4}(\w+): (.+(?:\n {8}.+)*)", attributes)
    return {name: re.sub(r"\s+", " ", words) for name, words in rows}
