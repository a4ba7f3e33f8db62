"""The object in answers as models give them that are held to no schema."""

from __future__ import annotations

import pytest

from genai_integrations.calls.json_text import json_in

ANSWERS = {
    "bare": ('{"a": 1}', '{"a": 1}'),
    "spaces": (' {"a": 1}\n', ' {"a": 1}\n'),
    "a list": ('[{"a": 1}]', '[{"a": 1}]'),
    "a fence": ('```json\n{"a": 1}\n```', '{"a": 1}'),
    "a bare fence": ('```\n{"a": 1}\n```', '{"a": 1}'),
    "after a sentence": ('Here it is: {"a": {"b": "}"}}', '{"a": {"b": "}"}}'),
    "between sentences": ('Sure! {"a": 1} I hope {this} helps.', '{"a": 1}'),
    "after drafts": ('<think>{"a": 1} or {"a": 2}?</think>{"a": 3}', '{"a": 3}'),
    "cut": ('{"a": ', '{"a": '),
    "none": ("no object", "no object"),
    "empty": ("", ""),
    "deep": ("{" * 200_000, "{" * 200_000),
    "deeper": ('{"a":' * 100_000, '{"a":' * 100_000),
}


@pytest.mark.parametrize(("answer", "wanted"), ANSWERS.values(), ids=ANSWERS)
def test_the_object_in_an_answer(answer, wanted):
    """In a fence, after a sentence, the last of several; what has none stays for the error to show."""
    assert json_in(answer) == wanted
