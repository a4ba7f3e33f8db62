"""What is asked: one item for each input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard, cast

from genai_integrations.calls.shapes import Messages
from genai_integrations.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Item:
    """One input.

    Attributes:
        input: A text, values for the prompts' variables, or a list of messages.
        expected: What a right answer is, for the evaluators that compare with it.
        id: Its name in the results; its place, counted from 1, if none is given.
    """

    input: str | Mapping[str, object] | Messages
    expected: object = None
    id: str = ""


Input = Item | str | Mapping[str, object] | Messages
"""What can be given for an item: `{"question": ..., "expected": ...}` is variables and the right answer."""


def items_of(inputs: Input | Iterable[Input]) -> tuple[Item, ...]:
    """One item for each input, each with an id.

    Raises:
        ConfigurationError: There is none, one cannot be an input, or two have the same id.
    """
    rows: Iterable[Input] = [inputs] if isinstance(inputs, str | Mapping | Item) else inputs
    items = [_item(row) for row in rows]
    named = tuple(replace(row, id=row.id or str(at)) for at, row in enumerate(items, 1))
    if not named:
        raise ConfigurationError("inputs are empty: give a list of texts, or of dicts of variables")
    if len({row.id for row in named}) < len(named):
        raise ConfigurationError("two items have the same id: give each Item its own")
    return named


def plain_text(item: Item) -> str:
    """The input in one text, for people."""
    if isinstance(item.input, str):
        return item.input
    if isinstance(item.input, Mapping):
        return ", ".join(f"{name}={value}" for name, value in item.input.items())
    return " / ".join(str(message.get("content")) for message in item.input)


def is_messages(value: object) -> TypeGuard[Messages]:
    """Whether it is a list of chat messages."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return False
    return all(isinstance(row, Mapping) and "role" in row for row in value)


def _item(row: Input) -> Item:
    item = row if isinstance(row, Item) else Item(row)
    if isinstance(item.input, Mapping) and not isinstance(row, Item):
        values = dict(item.input)
        expected = values.pop("expected", None)
        item = Item(values, expected)
    if isinstance(item.input, Mapping) and item.input.keys() == {"input"}:
        return _checked(replace(item, input=cast("str | Messages", item.input["input"])))
    return _checked(item)


def _checked(item: Item) -> Item:
    if isinstance(item.input, str | Mapping) or is_messages(item.input):
        return item
    raise ConfigurationError(
        f"an input is a text, a dict of variables or a list of messages, not {type(item.input).__name__}"
    )
