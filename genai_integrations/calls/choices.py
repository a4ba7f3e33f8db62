"""`router_args["auto"]` and `router_args["cascades"]`: names that stand for several models."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from genai_integrations.calls import checks
from genai_integrations.calls.args import AUTO
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown

Preference = Literal["cheapest", "fastest", "best"]
"""What `auto` prefers among models that can do what is asked."""

_AUTO_LIKE = '{"models": ["gpt-4o", "gpt-4o-mini"], "prefer": "cheapest"}'
_CASCADE_LIKE = '{"thrifty": {"models": ["gpt-4o-mini", "gpt-4o"], "accept": accept}}'
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Auto:
    """What `model="auto"` chooses from.

    Attributes:
        models: Names, in the order that decides between equals.
        prefer: What is chosen.
        quality: For `best`, a score of each model; the highest is the best.
    """

    models: tuple[str, ...]
    prefer: Preference = "cheapest"
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CascadeOf:
    """Models that are asked one after the other until an answer is accepted.

    Attributes:
        models: Names; the answer of the last is given whatever it says.
        accept: Takes the reply and says True or False; or a JSON schema that the answer has to fit.
    """

    models: tuple[str, ...]
    accept: Callable[[Any], bool] | Mapping[str, Any]


def auto(name: str, value: object) -> Auto | None:
    """What a client chooses from; None for a client without.

    Raises:
        ConfigurationError: It cannot choose so.
    """
    if value is None:
        return None
    given = _keys(name, value, _AUTO_LIKE, {"models"}, {"prefer", "quality"})
    models = _models(f"{name}.models", given["models"], fewest=1)
    prefer = given.get("prefer", "cheapest")
    if prefer not in get_args(Preference):
        raise checks.wrong(f"{name}.prefer", prefer, f"one of {', '.join(get_args(Preference))}")
    quality = _quality(f"{name}.quality", given.get("quality", {}))
    missing = [model for model in models if model not in quality]
    if prefer == "best" and missing:
        raise ConfigurationError(
            f"router_args[{name!r}] prefers the best, but has no quality for {', '.join(missing)}: give "
            f'"quality": {{{missing[0]!r}: 0.8, ...}}, such as the scores of compare()'
        )
    return Auto(models, cast("Preference", prefer), quality)


def cascades(name: str, value: object) -> Mapping[str, CascadeOf]:
    """The cascades of a client by the names that calls ask for.

    Raises:
        ConfigurationError: One cannot work.
    """
    if not isinstance(value, Mapping):
        raise checks.wrong(name, value, f"a mapping like {_CASCADE_LIKE}")
    if AUTO in value:
        raise ConfigurationError(
            f"router_args[{name!r}] may not have the name {AUTO!r}, which asks for a choice"
        )
    return {asked: _cascade(f"{name}.{asked}", row) for asked, row in value.items()}


def _cascade(name: str, value: object) -> CascadeOf:
    given = _keys(name, value, _CASCADE_LIKE, {"models", "accept"}, set())
    models = _models(f"{name}.models", given["models"], fewest=_FEWEST)
    accept = given["accept"]
    if isinstance(accept, Mapping):
        return CascadeOf(models, _schema(f"{name}.accept", accept))
    if not callable(accept) or _is_async(accept):
        wanted = "a function that takes a reply and returns True or False (not an async one), or a JSON schema"
        raise checks.wrong(f"{name}.accept", accept, wanted)
    return CascadeOf(models, accept)


def _is_async(function: object) -> bool:
    """Whether a call gives a coroutine, of a function or of an object."""
    call = getattr(function, "__call__", None)  # noqa: B004  it is looked at, not asked for
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _keys(
    name: str, value: object, like: str, required: set[str], optional: set[str]
) -> Mapping[str, Any]:
    """A mapping with these keys and no others."""
    if not isinstance(value, Mapping):
        raise checks.wrong(name, value, f"a mapping like {like}")
    for key in sorted(required - value.keys()):
        raise ConfigurationError(f"router_args[{name!r}] needs {key!r}, as in {like}")
    for key in value:
        if key not in required | optional:
            known = ", ".join(sorted(required | optional))
            raise ConfigurationError(
                f"router_args[{name!r}] has no {shown(key)}: the supported ones are {known}"
            )
    return value


def _models(name: str, value: object, *, fewest: int) -> tuple[str, ...]:
    models = checks.names(name, value)
    if len(models) < fewest or len(set(models)) < len(models):
        count = "one name" if fewest == 1 else "two names"
        raise checks.wrong(name, value, f"a list of at least {count}, without repeats")
    return models


def _quality(name: str, value: object) -> Mapping[str, float]:
    if not isinstance(value, Mapping):
        raise checks.wrong(name, value, 'a mapping like {"gpt-4o": 0.93}')
    return {model: _score(f"{name}.{model}", score) for model, score in value.items()}


def _score(name: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise checks.wrong(name, value, "a number")


def _schema(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise checks.wrong(name, schema, f"a JSON schema: {error.message}") from None
    return copy.deepcopy(schema)
