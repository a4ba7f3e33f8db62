"""How long an answer is expected to be."""

from __future__ import annotations

import pytest

from genai_integrations.models.lengths import Length, length_of


def asking(text, **params):
    return {"messages": [{"role": "user", "content": text}], **params}


@pytest.mark.parametrize(
    ("model", "body", "tokens"),
    [
        ("gpt-4o", asking("Tell me about Seoul."), 256),
        ("gpt-4o", asking("Is Seoul in Korea? Answer yes or no."), 4),
        ("gpt-4o", asking("Reply with only the label: spam or ham?"), 4),
        ("gpt-4o", asking("Explain hash tables in one sentence."), 32),
        ("gpt-4o", asking("Translate to Korean: " + "word " * 100), 125),
        ("gpt-4o", asking("다음 글을 요약해 줘: " + "word " * 400), 102),
        ("gpt-5", asking("Tell me about Seoul."), 1024),
        ("gpt-5", asking("Is Seoul in Korea? Answer yes or no."), 772),
        ("no-such-model", asking("Tell me about Seoul."), 256),
    ],
)
def test_a_guess(model, body, tokens):
    """By the task, and by whether the model thinks."""
    found = length_of((), "openai", model, body, None)

    assert (found.low, found.seen) == (1, 0)
    assert found.expected == pytest.approx(tokens, rel=0.05)


def test_claude_thinks_when_it_is_told_to():
    """And not by itself."""
    plain, told = (
        length_of((), "anthropic", "claude-sonnet-4-5-20250929", asking("Hello!", **more), None)
        for more in ({}, {"reasoning_effort": "low"})
    )

    assert (plain.expected, told.expected) == (256, 1024)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        # Three answers to the task by the model itself; one more to another task counts for nothing.
        ([("gpt-4o", "qa", 10), ("gpt-4o", "qa", 20), ("gpt-4o", "qa", 30), ("gpt-4o", "x", 900)], Length(10, 20, 3)),
        # Two are too few: those of another model that does not think either count, too.
        ([("gpt-4o", "qa", 10), ("gpt-4o", "qa", 20), ("gpt-4.1", "qa", 30)], Length(10, 20, 3)),
        # One that thinks says nothing of one that does not.
        ([("gpt-5", "qa", 2000)] * 3, Length(1, 256, 0)),
        # Without the task, the model's other answers.
        ([("gpt-4o", "x", 50)], Length(50, 50, 1)),
        ([("gpt-4.1", "x", 50)] * 3, Length(1, 256, 0)),
        # What was not counted is no answer.
        ([("gpt-4o", "qa", None)] * 3, Length(1, 256, 0)),
    ],
)  # fmt: skip
def test_what_was_seen(seen, expected):
    """By task and model, by task, by model, else a guess."""
    answers = [(model, prompt, None, tokens) for model, prompt, tokens in seen]

    assert length_of(answers, "openai", "gpt-4o", asking("Hello!"), "qa") == expected
