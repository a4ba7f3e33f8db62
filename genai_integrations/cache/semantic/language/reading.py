"""What was read in a question: its words with their roles, what it asks, what it denies."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Kind(Enum):
    """How a word may agree with one of another question."""

    PLAIN = "by its stem, its sound in another script, or its vector"
    NAME = "by its letters, or its sound in another script"
    FIXED = "by what it stands for: a number, a unit, one of a closed class"


class Asks(StrEnum):
    """What a question asks for."""

    WHAT = "what"
    HOW = "how"
    WHY = "why"
    WHEN = "when"
    THERE = "what there is"
    WHERE = "where"
    WHO = "who"
    CAN = "can"
    NEED = "need"
    SHOULD = "should"
    WHETHER = "whether"
    DIFFERENCE = "difference"
    DURATION = "duration"
    AMOUNT = "amount"
    COUNT = "count"
    DISTANCE = "distance"
    FREQUENCY = "frequency"
    SIZE = "size"
    AGE = "age"


class Role(StrEnum):
    """What a word is to the rest, where a preposition or a particle says it."""

    TOPIC = "topic"
    SUBJECT = "subject"
    OBJECT = "object"
    FROM = "from"
    TO = "to"
    IN = "in"
    FOR = "for"
    BY = "by"
    OF = "of"
    THAN = "than"


@dataclass(frozen=True, slots=True)
class Word:
    """A word that carries content.

    Attributes:
        text: As it is embedded.
        forms: What it may be the same by; words with a common one are the same.
        kind: How it may agree.
        roles: What it may be to the rest; empty if nothing says it.
        is_common: Whether it is a thing of many and no name: `an apple`, `apples`.
        is_scale: Whether it is a pole of a scale, such as `enable` and `large`, which stand in no fixed order.
    """

    text: str
    forms: frozenset[str]
    kind: Kind = Kind.PLAIN
    roles: frozenset[Role] = frozenset()
    is_scale: bool = False
    is_common: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it was read.

    Attributes:
        language: `en` or `ko`.
        words: In their order.
        asks: What it may ask for.
        negations: How many there are.
        quoted: What stands between quotation marks, letter by letter.
    """

    language: str
    words: tuple[Word, ...]
    asks: frozenset[Asks]
    negations: int = 0
    quoted: tuple[str, ...] = field(default=())
