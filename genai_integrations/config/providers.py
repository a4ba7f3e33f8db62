"""The section `providers` of a file: rows of providers of one's own, and modules that register some."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from genai_integrations.config.document import Document, Path_
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown
from genai_integrations.transports.own_providers import register_provider

KEYS = (
    "name", "base_url", "key_variables", "url_variables", "families", "dialect", "keyless", "litellm",
    "check_model",
)  # fmt: skip
"""What a row may say: the arguments of `register_provider`."""

_LIKE = "a mapping such as {name: acme, base_url: 'https://llm.example/v1'}, or a module's name"


def register_all(document: Document, rows: Any) -> None:
    """Register the providers of a file.

    Args:
        document: The file.
        rows: The section, with the values of variables in their place.

    Raises:
        ConfigurationError: A row cannot work, or its module cannot be imported.
    """
    if not isinstance(rows, list) or not rows:
        raise document.wrong(("providers",), f"providers must be a list; each is {_LIKE}")
    for at, row in enumerate(rows):
        path: Path_ = ("providers", at)
        if isinstance(row, str) and row:
            _import(document, path, row)
        elif isinstance(row, Mapping):
            _register(document, path, row)
        else:
            raise document.wrong(path, f"a provider is {_LIKE}")


def _import(document: Document, path: Path_, module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:
        why = f"the module {shown(module)} cannot be imported: {type(error).__name__}: {error}"
        raise document.wrong(path, " ".join(why.split())) from error


def _register(document: Document, path: Path_, row: Mapping[str, Any]) -> None:
    for key in row:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KEYS)}"
            raise document.wrong((*path, key), f"a provider has no {shown(key)}: {hint}")
    try:
        register_provider(**{"name": None, **row})
    except ConfigurationError as error:
        raise document.wrong(path, str(error)) from None
