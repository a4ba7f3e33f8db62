"""What a prompt's config may say of the model: an allow-list, and what each value must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypedDict, TypeGuard, cast

from genai_integrations.errors import ConfigurationError

_Object = dict[str, object]
"""A JSON object."""


class ModelSettings(TypedDict, total=False):
    """What a config may set of a call, after it was checked; null counts as not there."""

    model: str
    temperature: float
    top_p: float
    max_tokens: int
    max_completion_tokens: int
    frequency_penalty: float
    presence_penalty: float
    seed: int
    stop: str | list[str]
    reasoning_effort: str
    tools: list[_Object]
    tool_choice: str | _Object
    parallel_tool_calls: bool
    response_format: _Object


class _Rule(NamedTuple):
    """What a value must be."""

    fits: Callable[[object], bool]
    words: str


def _within(lowest: float, highest: float) -> _Rule:
    def fits(value: object) -> bool:
        return _is_number(value) and lowest <= value <= highest

    return _Rule(fits, f"a number from {lowest:g} to {highest:g}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_tool(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    function = value.get("function") if value.get("type") == "function" else value
    return isinstance(function, dict) and _is_name(function.get("name"))


_LIMIT = _Rule(lambda value: _is_whole(value) and value > 0, "a whole number above 0")
_NAME = _Rule(_is_name, "a string")

_DEFAULT: Mapping[str, _Rule] = {
    "model": _NAME,
    "temperature": _within(0, 2),
    "top_p": _within(0, 1),
    "max_tokens": _LIMIT,
    "max_completion_tokens": _LIMIT,
    "frequency_penalty": _within(-2, 2),
    "presence_penalty": _within(-2, 2),
    "seed": _Rule(_is_whole, "a whole number"),
    "stop": _Rule(
        lambda value: _is_text(value) or (isinstance(value, list) and all(map(_is_text, value))),
        "a string or a list of strings",
    ),
    "reasoning_effort": _NAME,
}

_RULES: Mapping[str, _Rule] = {
    **_DEFAULT,
    "tools": _Rule(
        lambda value: isinstance(value, list) and all(map(_is_tool, value)),
        "a list of functions with a name each",
    ),
    "tool_choice": _Rule(
        lambda value: _is_name(value) or isinstance(value, dict), "a string or an object"
    ),
    "parallel_tool_calls": _Rule(lambda value: isinstance(value, bool), "true or false"),
    "response_format": _Rule(
        lambda value: isinstance(value, dict) and _is_name(value.get("type")),
        "an object with a type",
    ),
    "json_schema": _Rule(lambda value: isinstance(value, dict), "an object"),
}
"""Every key there is. None of them can send a key elsewhere."""

DEFAULT_SETTINGS = tuple(_DEFAULT)
"""The model and its sampling: what counts if nothing else is allowed."""


def checked_settings(owner: str, config: object, allow: Iterable[str]) -> ModelSettings:
    """The allowed part of a config as a call's parameters; null counts as not there.

    Args:
        owner: Whose config it is, for the error.
        config: The config.
        allow: The keys that count. `provider` counts where `model` does: Langfuse names a connection with it.

    Raises:
        ConfigurationError: A value cannot work, or there is no such key.
    """
    allowed = checked_allow(allow)
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"{owner} has a config that is not an object")
    found = {name: config[name] for name in allowed if config.get(name) is not None}
    wrong = [
        f"{name} must be {_RULES[name].words}, not {type(value).__name__} {_shown(value)}".rstrip()
        for name, value in found.items()
        if not _RULES[name].fits(value)
    ]
    if wrong:
        raise ConfigurationError(f"{owner} has a config that cannot work: {'; '.join(wrong)}")
    return _params(found, config.get("provider"))


def checked_allow(allow: Iterable[str]) -> tuple[str, ...]:
    """The keys, if there are such keys.

    Raises:
        ConfigurationError: One may not come from a config.
    """
    allowed = (allow,) if isinstance(allow, str) else tuple(allow)
    unknown = [name for name in allowed if name not in _RULES]
    if unknown:
        raise ConfigurationError(
            f"a prompt's config may not set {', '.join(map(repr, unknown))}: use {', '.join(_RULES)}"
        )
    return allowed


def _shown(value: object) -> str:
    """A number as it is; texts may be anything, so they are not shown."""
    return repr(value) if _is_number(value) else ""


def _params(found: _Object, provider: object) -> ModelSettings:
    """The values under the names of `GenAIClient.completion`."""
    if "model" in found and _is_name(provider):
        found["model"] = f"{provider}/{found['model']}"
    if "max_completion_tokens" in found:
        found.pop("max_tokens", None)
    if "tools" in found:
        found["tools"] = list(map(_tool, cast("list[_Object]", found["tools"])))
    if "json_schema" in found:
        schema = _schema(cast("_Object", found.pop("json_schema")))
        found.setdefault("response_format", {"type": "json_schema", "json_schema": schema})
    return cast("ModelSettings", found)


def _tool(row: _Object) -> _Object:
    """OpenAI's form; Langfuse's own has the function alone."""
    return row if row.get("type") == "function" else {"type": "function", "function": row}


def _schema(given: _Object) -> _Object:
    """OpenAI's form, with a name; or a schema alone."""
    if isinstance(given.get("schema"), dict):
        return {"name": "answer", **given}
    return {"name": "answer", "schema": given}
