"""`router_args["conditions"]`: rules as data, checked when a client is made.

A rule is `{"if": {...}, "then": name}`: where everything under `if` holds, the call is one for the name under `then`.
The operators are those of MongoDB's queries, which Portkey's conditional routing has too.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.scripts import LANGUAGES
from genai_integrations.errors import ConfigurationError
from genai_integrations.models.abilities import FLAGS
from genai_integrations.runtime.given import shown

Look = Callable[[str], object]
"""Gives what a request has under the name of a field, None if it has nothing."""

_DEEPEST = 16
"""Levels of `$and` and `$or`."""

_LIKE = '{"if": {"metadata.tier": "free"}, "then": "gpt-4o-mini"}'


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field, compared with what a rule says.

    Attributes:
        field: Its name.
        operator: A key of `OPERATORS`.
        operand: What it is compared with.
    """

    field: str
    operator: str
    operand: object

    def holds(self, look: Look) -> bool:
        """Whether it holds. Of a list, as the needs of a request are, one item is enough."""
        found = look(self.field)
        items = found if isinstance(found, (list, tuple, frozenset)) else (found,)
        row = OPERATORS[self.operator]
        return row.denies != any(row.compares(item, self.operand) for item in items)

    def __str__(self) -> str:
        operand = self.operand.pattern if isinstance(self.operand, re.Pattern) else self.operand
        return f"{self.field} {OPERATORS[self.operator].word} {shown(operand)}"


@dataclass(frozen=True, slots=True)
class Together:
    """Several conditions.

    Attributes:
        parts: They.
        need_all: Whether all must hold, or one is enough.
    """

    parts: tuple[Comparison | Together, ...]
    need_all: bool = True

    def holds(self, look: Look) -> bool:
        """Whether they hold."""
        found = (part.holds(look) for part in self.parts)
        return all(found) if self.need_all else any(found)

    def __str__(self) -> str:
        word = " and " if self.need_all else " or "
        parts = [f"({part})" if _is_choice(part) else str(part) for part in self.parts]
        return word.join(parts) or "every call"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a call goes under a condition.

    Attributes:
        condition: When.
        then: The name that is meant instead of the one that was asked for.
    """

    condition: Together
    then: str


def conditions(name: str, value: object) -> tuple[Rule, ...]:
    """The rules of a client.

    Raises:
        ConfigurationError: One cannot be evaluated; the message says where.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _wrong([name], f"must be a list like [{_LIKE}]")
    rules = tuple(_rule([name, at], row) for at, row in enumerate(value))
    for at, rule in enumerate(rules[:-1]):
        if not rule.condition.parts:
            raise _wrong([name, at + 1], f"is never reached: [{at}] holds for every call")
    return rules


def _rule(path: list[Any], row: object) -> Rule:
    if not isinstance(row, Mapping) or row.keys() != {"if", "then"}:
        raise _wrong(path, f"must be a mapping like {_LIKE}")
    if not isinstance(row["then"], str) or not row["then"]:
        raise _wrong([*path, "then"], f"must be a model's name, not {shown(row['then'])}")
    return Rule(_all_of([*path, "if"], row["if"]), row["then"])


def _all_of(path: list[Any], given: object) -> Together:
    if not isinstance(given, Mapping):
        raise _wrong(path, f'must be a mapping like {{"language": "ko"}}, not {shown(given)}')
    if len(path) > _DEEPEST:
        raise _wrong(path[:3], "is nested too deeply")
    parts: list[Comparison | Together] = []
    for field, said in given.items():
        where = [*path, field]
        if field in _JOINS:
            parts.append(_joined(where, said, need_all=_JOINS[field]))
        else:
            parts += _comparisons(where, field, said)
    return Together(tuple(parts))


def _joined(path: list[Any], given: object, *, need_all: bool) -> Together:
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence) or not given:
        raise _wrong(path, f"must be a list of conditions, not {shown(given)}")
    return Together(tuple(_all_of([*path, at], row) for at, row in enumerate(given)), need_all)


def _comparisons(path: list[Any], field: object, said: object) -> Iterable[Comparison]:
    check = _check_of(path, field)
    operators = said if isinstance(said, Mapping) else {"$eq": said}
    if not operators:
        raise _wrong(path, f"has no operator: the supported ones are {', '.join(OPERATORS)}")
    for name, operand in operators.items():
        where = [*path, name] if operators is said else path
        if name not in OPERATORS:
            raise _wrong(where, f"is not an operator{_near(name, OPERATORS)}")
        if name == "$regex" and field in _NO_TEXTS:
            raise _wrong(where, f"is for strings, and {field!r} is not one")
        yield Comparison(str(field), name, OPERATORS[name].takes(where, operand, check))


_Check = Callable[[object], str]
"""Says what is wrong with a value that a field is compared with; nothing if it may be one."""


def _check_of(path: list[Any], field: object) -> _Check:
    text = str(field)
    start, dot, rest = text.partition(".")
    if field in _FIELDS:
        return _FIELDS[text]
    if start in _OPEN and dot and all(rest.split(".")):
        return _anything
    known: list[Any] = [*_FIELDS, *(f"{name}.NAME" for name in _OPEN), *_JOINS]
    raise _wrong(path, f"is not a field of a request{_near(field, known)}")


def _anything(_value: object) -> str:
    return ""


def _kind(kind: type, what: str) -> _Check:
    return lambda value: "" if type(value) is kind or _is_number(value, kind) else f"must be {what}"


def _one_of(words: Iterable[str], hint: str = "") -> _Check:
    known = frozenset(words)
    listed = ", ".join(sorted(known))
    return lambda value: "" if value in known else f"must be one of {listed}{hint}"


_FIELDS: Mapping[str, _Check] = {
    "model": _kind(str, "a name"),
    "user": _kind(str, "a string"),
    "input_tokens": _kind(float, "a number"),
    "language": _one_of(LANGUAGES, " (languages that share a script are not told apart)"),
    "needs": _one_of(FLAGS),
    "stream": _kind(bool, "True or False"),
}
"""What a request has, and what each may be compared with."""

_NO_TEXTS = frozenset(("input_tokens", "needs", "stream"))

_OPEN = ("metadata", "params")
"""What has fields of its own, by their names behind a dot."""

_JOINS: Mapping[object, bool] = {"$and": True, "$or": False}


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to compare.

    Attributes:
        word: For people.
        compares: Whether a value of the request fits the operand.
        takes: Checks an operand: takes where it stands, itself and the field's own check; gives what to keep.
        denies: Whether it holds where nothing fits.
    """

    word: str
    compares: Callable[[object, Any], bool]
    takes: Callable[[list[Any], object, _Check], object]
    denies: bool = False


def _same(value: object, operand: object) -> bool:
    """Equal, and True is not 1."""
    return isinstance(value, bool) == isinstance(operand, bool) and value == operand


def _in(value: object, operands: tuple[object, ...]) -> bool:
    return any(_same(value, operand) for operand in operands)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    """Numbers with numbers and texts with texts; nothing else has an order."""

    def compares(value: object, operand: object) -> bool:
        both_numbers = _is_number(value) and _is_number(operand)
        both_texts = isinstance(value, str) and isinstance(operand, str)
        return (both_numbers or both_texts) and compare(value, operand)

    return compares


def _matches(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.search(value) is not None


def _scalar(path: list[Any], operand: object, check: _Check) -> object:
    if operand is not None and not isinstance(operand, (str, int, float)):
        hint = '; for one of several write {"$in": [...]}' if isinstance(operand, list) else ""
        raise _wrong(path, f"must be a string, a number, True, False or None{hint}")
    _checked(path, operand, check)
    return operand


def _orderable(path: list[Any], operand: object, check: _Check) -> object:
    if not _is_number(operand) and not isinstance(operand, str):
        raise _wrong(path, f"must be a number or a string, not {shown(operand)}")
    _checked(path, operand, check)
    return operand


def _several(path: list[Any], operand: object, check: _Check) -> object:
    if isinstance(operand, (str, bytes)) or not isinstance(operand, (Sequence, set, frozenset)):
        raise _wrong(path, f"must be a list, not {shown(operand)}")
    return tuple(_scalar([*path, at], item, check) for at, item in enumerate(operand))


def _pattern(path: list[Any], operand: object, _check: _Check) -> object:
    if not isinstance(operand, str):
        raise _wrong(path, f"must be a regular expression, not {shown(operand)}")
    try:
        return re.compile(operand)
    except (re.error, RecursionError, OverflowError) as error:
        raise _wrong(path, f"is not a regular expression: {error}") from None


OPERATORS: Mapping[str, Operator] = {
    "$eq": Operator("is", _same, _scalar),
    "$ne": Operator("is not", _same, _scalar, denies=True),
    "$in": Operator("in", _in, _several),
    "$nin": Operator("not in", _in, _several, denies=True),
    "$gt": Operator(">", _ordered(operator.gt), _orderable),
    "$gte": Operator(">=", _ordered(operator.ge), _orderable),
    "$lt": Operator("<", _ordered(operator.lt), _orderable),
    "$lte": Operator("<=", _ordered(operator.le), _orderable),
    "$regex": Operator("matches", _matches, _pattern),
}


def _checked(path: list[Any], operand: object, check: _Check) -> None:
    problem = "" if operand is None else check(operand)
    if isinstance(operand, float) and not math.isfinite(operand):
        # Nothing is greater than it, smaller, or the same: the rule would never hold, or always.
        problem = "must be a number that is finite"
    if problem:
        raise _wrong(path, f"{problem}, not {shown(operand)}")


def _is_number(value: object, kind: type = float) -> bool:
    return kind is float and isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_choice(part: object) -> bool:
    return isinstance(part, Together) and len(part.parts) > 1


def _near(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return (
        f": did you mean {near[0]!r}?" if near else f": the supported ones are {', '.join(known)}"
    )


def _wrong(path: list[Any], problem: str) -> ConfigurationError:
    """The error, with the place of what is wrong as Python would write it."""
    where = "".join(f"[{shown(part)}]" for part in path)
    return ConfigurationError(f"router_args{where} {problem}")
