"""Replies as plain dicts and as JSON, in the variants that OpenAI's objects know."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.given import shown


def dumped(
    wire: Wire,
    mode: str,
    include: Iterable[str] | None,
    exclude: Iterable[str] | None,
    *,
    without_none: bool,
) -> Wire:
    """A copy; what the arguments mean is said at `WireObject.model_dump`.

    Raises:
        ConfigurationError: The mode is unknown, or a value has no JSON form.
    """
    if mode not in ("python", "json"):
        raise ConfigurationError(f"mode must be 'python' or 'json', not {shown(mode)}")
    left = set(wire if include is None else include).difference(exclude or ())
    kept = {name: value for name, value in wire.items() if name in left}
    if without_none:
        kept = _without_none(kept)
    return jsonbytes.loads(jsonbytes.dumps(kept)) if mode == "json" else copy.deepcopy(kept)


def dumped_json(wire: Wire, indent: int | None) -> str:
    """As JSON, in one line or indented."""
    if indent is None:
        return jsonbytes.dumps(wire).decode()
    return json.dumps(wire, indent=indent, ensure_ascii=False)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
