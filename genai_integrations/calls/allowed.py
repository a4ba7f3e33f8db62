"""Which models a call may use, by patterns such as `gpt-4o*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase


def may_use(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits a name, or what stands behind a slash of it: `gpt-4o*` fits `seoul/gpt-4o-mini` too.

    Args:
        name: As a caller writes it, or `connection/model`.
        patterns: `*` in them stands for anything; case counts.
    """
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return True
    _, slash, rest = name.partition("/")
    return bool(slash) and may_use(rest, patterns)


def naming(params: Mapping[str, object]) -> str | None:
    """The parameter by which a request names further models to the provider itself; None if none does.

    OpenRouter's `models`, `preset` and plugins, Groq's `compound_custom`, Anthropic's advisor and tools like it: whatever
    has a field for a model in it, wherever that is. What the caller's own functions and schemas are called is no name.

    Args:
        params: Of the request, beside the model that it asks for.
    """
    return next(
        (
            name
            for name, value in params.items()
            if name not in _NO_NAMES
            and value
            and (name in _NAMES or _is_model(name) or _has_model(value))
        ),
        None,
    )


_NAMES = frozenset(("preset",))
"""Whole configurations that are kept at the provider, models among them."""

_NO_NAMES = frozenset(
    ("model", "messages", "input", "response_format", "functions", "metadata", "text")
)
_OF_CALLER = frozenset(("function", "custom", "input_schema", "parameters", "json_schema"))
"""What describes the caller's own functions."""


def _is_model(name: str) -> bool:
    return name in ("model", "models") or name.endswith(("_model", "_models"))


def _has_model(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(
            inner and (_is_model(str(name)) or _has_model(inner))
            for name, inner in value.items()
            if name not in _OF_CALLER
        )
    return isinstance(value, (list, tuple)) and any(map(_has_model, value))
