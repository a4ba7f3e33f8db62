"""The arguments of a model's constructor: what it does not have, and what belongs to a connection."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from genai_integrations.calls.request import REDIRECTING
from genai_integrations.errors import ConfigurationError

_KEYS_OF_OTHERS = ("_api_key", "_api_base", "_base_url", "_proxy", "_organization")
"""How the partner packages' own names of a key or an address end, such as `openai_api_key`."""


def unknown_fields(cls: type[BaseModel], fields: Mapping[str, Any]) -> ConfigurationError:
    """The error for fields of which the class does not have all: names, never values."""
    unknown = sorted(fields.keys() - cls.model_fields.keys())
    redirecting = ", ".join(
        name for name in unknown if name in REDIRECTING or name.endswith(_KEYS_OF_OTHERS)
    )
    if redirecting:
        return ConfigurationError(
            f"{cls.__name__} takes no {redirecting}: keys and addresses belong to connections; "
            "add a connection in Langfuse, or give client=GenAIClient(connections=[...])"
        )
    name = unknown[0]
    near = difflib.get_close_matches(name, cls.model_fields, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return ConfigurationError(
        f"{cls.__name__} has no {name!r}: {hint}parameters of the provider's API go into model_kwargs"
    )
