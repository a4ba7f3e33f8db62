"""The closed classes as they are looked up: a word, and what it stands for."""

from __future__ import annotations

from genai_integrations.cache.semantic.language.closed_classes import (
    NUMBERS,
    OPPOSITES,
    TIMES,
    UNITS,
)


def _scales() -> tuple[dict[str, str], dict[str, str]]:
    english: dict[str, str] = {}
    korean: dict[str, str] = {}
    for line, row in enumerate(OPPOSITES):
        for at, pole in enumerate(row.split("|")):
            words, _, stems = pole.partition(";")
            name = f"scale {line}.{at}"
            english.update(dict.fromkeys(words.split(), name))
            korean.update(dict.fromkeys(stems.split(), name))
    return english, korean


def _rows(
    rows: tuple[tuple[str, str, str], ...], what: str
) -> tuple[dict[str, str], dict[str, str]]:
    english = {word: f"{what} {name}" for name, words, _ in rows for word in words.split()}
    korean = {word: f"{what} {name}" for name, _, words in rows for word in words.split()}
    return english, korean


SCALES, SCALES_KO = _scales()
TIME_WORDS, TIME_WORDS_KO = _rows(TIMES, "time")
UNIT_WORDS, UNIT_WORDS_KO = _rows(UNITS, "unit")
NUMBER_WORDS, NUMBER_WORDS_KO = _rows(NUMBERS, "number")
