"""Whether an answer fits a JSON schema that a caller wrote, who may be hostile, in a time that has a bound.

Python's `re` may take years for a pattern, and references to references make a check as long as one likes. What cannot
be checked is no reason to refuse an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from genai_integrations.runtime import jsonbytes

_MOST_REFERENCES = 3000
"""That one check follows: some tenths of a second."""

_LEFT: ContextVar[Iterator[int]] = ContextVar("references that a check may still follow")

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]
"""A keyword of JSON schema, as jsonschema has them: takes the validator, the keyword's value, the instance, the schema."""


def misfit(text: object, schema: Mapping[str, Any]) -> str | None:
    """Where a text does not fit a JSON schema; None if it does, or if that cannot be said."""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    try:
        value = jsonbytes.loads(str(text).encode())
    except ValueError:
        return "it is not JSON"
    try:
        _LEFT.set(iter(range(_MOST_REFERENCES)))
        # A registry of its own, because without one jsonschema fetches what a `$ref` names.
        check = _bounded(validator_for(schema))(_of_one_draft(schema), registry=Registry())
        error = best_match(check.iter_errors(value))
    except Exception:  # noqa: BLE001  a schema that is none fails in a hundred ways: unknown types, endless references
        return None
    return None if error is None else f"{error.json_path} breaks {error.validator!r}"


def _of_one_draft(schema: Any) -> Any:
    """The schema without `$schema`: behind it jsonschema would go on with the keywords as it has them."""
    if isinstance(schema, Mapping):
        return {key: _of_one_draft(value) for key, value in schema.items() if key != "$schema"}
    return [_of_one_draft(row) for row in schema] if isinstance(schema, list) else schema


@lru_cache(maxsize=16)
def _bounded(draft: Any) -> Any:
    """The validator that jsonschema has for a draft, with keywords whose time has a bound."""
    from jsonschema.validators import extend

    known = draft.VALIDATORS
    references = {name: _counted(known[name]) for name in _REFERENCES if name in known}
    return extend(draft, {**references, **_KEYWORDS})


def _counted(keyword: Keyword) -> Keyword:
    def follow(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        # Where none are left this raises, and the check is over.
        next(_LEFT.get())
        yield from keyword(validator, value, instance, schema) or ()

    return follow


_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def _pattern(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not _is_in(wanted, instance):
        yield ValidationError("it has another pattern")


def _pattern_properties(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in wanted.items():
            for name, value in instance.items():
                if _is_in(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, wanted: Any, instance: Any, schema: Any
) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = [
        name
        for name in instance
        if name not in named and not any(_is_in(pattern, name) for pattern in patterns)
    ]
    if isinstance(wanted, dict):
        for name in more:
            yield from validator.descend(instance[name], wanted, path=name)
    elif not wanted and more:
        yield ValidationError("it has more properties")


_KEYWORDS: Mapping[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    # It would look for patterns by itself, and hardly anybody has it.
    "unevaluatedProperties": lambda *_: None,
}


def _is_in(pattern: str, text: str) -> bool:
    """Whether a text has a pattern; also where the pattern is none, or one that needs to go back and forth."""
    found = _matcher(pattern)
    return found is None or found(text)


@lru_cache(maxsize=16)
def _matcher(pattern: str) -> Callable[[str], bool] | None:
    """Finds it in a time that grows with the text only (https://docs.rs/regex); None where it cannot."""
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        found: Callable[[str], bool] = SchemaValidator(
            core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        ).isinstance_python
    except SchemaError:
        return None
    return found
