"""What says how good an answer is: exact match, a pattern, a JSON schema, or a function."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.results import Score, named_error


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A named function that scores answers.

    Attributes:
        name: How the results call its scores.
        function: Takes, by name, any of `output` (the answer's text), `expected` or `expected_output`, `input`,
            `item` and `client`. Gives a number, a truth value, None, a `(value, reason)` pair or a `Score`. May be
            asynchronous; else it runs in a thread, several at a time.
        judge: The model that it asks, if it asks one.
        judge_tokens: Tokens that it sends beside input and answer, roughly.
    """

    name: str
    function: Callable[..., Any] = field(repr=False)
    judge: str | None = None
    judge_tokens: int = 0

    async def score(self, values: Mapping[str, object]) -> Score:
        """Score an answer; what the function raises becomes the score's error."""
        try:
            given = _wanted(self.function, values)
            if inspect.iscoroutinefunction(self.function):
                found = await self.function(**given)
            else:
                found = await asyncio.to_thread(self.function, **given)
            return _as_score(found)
        except Exception as error:  # noqa: BLE001  an evaluator is a user's code and may raise anything
            return Score(None, error=named_error(error))


EvaluatorLike = Evaluator | Callable[..., Any]
"""An evaluator, or a function whose name becomes the evaluator's."""


def evaluators_of(given: EvaluatorLike | Iterable[EvaluatorLike]) -> tuple[Evaluator, ...]:
    """Evaluators, each with a name of its own.

    Raises:
        ConfigurationError: One is no function, or two have the same name.
    """
    rows: Iterable[EvaluatorLike] = (
        [given] if isinstance(given, Evaluator) or callable(given) else given
    )
    found = tuple(row if isinstance(row, Evaluator) else _named(row) for row in rows)
    if len({row.name for row in found}) < len(found):
        raise ConfigurationError("two evaluators have the same name: give each a name=...")
    return found


def exact(*, ignore_case: bool = False, name: str = "exact") -> Evaluator:
    """1 if the answer is the expected one, space around it aside, else 0."""

    def function(output: str, expected: object) -> Score:
        if expected is None:
            return Score(None, "the item has no expected value")
        answer, wanted = output.strip(), str(expected).strip()
        if ignore_case:
            answer, wanted = answer.casefold(), wanted.casefold()
        return Score(1.0, "the same") if answer == wanted else Score(0.0, f"expected {wanted!r}")

    return Evaluator(name, function)


def regex(pattern: str, *, name: str = "regex") -> Evaluator:
    """1 if the pattern is found in the answer, else 0.

    Raises:
        ConfigurationError: The pattern is not one.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"{pattern!r} is not a regular expression: {error}") from None

    def function(output: str) -> Score:
        match = compiled.search(output)
        return Score(1.0, f"found {match[0]!r}") if match else Score(0.0, f"no {pattern!r}")

    return Evaluator(name, function)


def json_schema(schema: Mapping[str, object], *, name: str = "json_schema") -> Evaluator:
    """1 if the answer is JSON that fits the schema, else 0. Nothing that the schema refers to is fetched.

    Raises:
        ConfigurationError: The schema is not one.
    """
    from jsonschema import SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ConfigurationError(f"the JSON schema is wrong: {error.message}") from None
    validator = kind(schema, registry=Registry())

    def function(output: str) -> Score:
        try:
            value = json.loads(output)
        except ValueError as error:
            return Score(0.0, f"not JSON: {error}")
        worst = best_match(validator.iter_errors(value))
        return Score(0.0, f"{worst.json_path}: {worst.message}") if worst else Score(1.0, "it fits")

    return Evaluator(name, function)


def _named(given: object) -> Evaluator:
    name = getattr(given, "__name__", "")
    if not callable(given):
        raise ConfigurationError(
            f"an evaluator is a function or exact(), regex(), ...: not {given!r}"
        )
    if not name.isidentifier():
        raise ConfigurationError(
            'an evaluator needs a name: Evaluator("short", lambda output: ...)'
        )
    return Evaluator(name, given)


def _wanted(function: Callable[..., Any], values: Mapping[str, object]) -> dict[str, object]:
    """The values that the function takes."""
    parameters = inspect.signature(function).parameters.values()
    if any(row.kind is inspect.Parameter.VAR_KEYWORD for row in parameters):
        return dict(values)
    return {row.name: values[row.name] for row in parameters if row.name in values}


def _as_score(found: object) -> Score:
    if isinstance(found, Score):
        return found
    value, reason = found if isinstance(found, tuple) else (found, "")
    return Score(None if value is None else float(value), str(reason))
