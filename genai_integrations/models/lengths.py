"""How long answers were, by model and task: what the next one is expected to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.models.catalog import model_info

_ENOUGH = 3
"""Answers from which on more is known of a task than of its model."""

USUAL, USUAL_THINKING = 256, 1024
"""Tokens of an answer where none was seen; of models that think, their thoughts among them."""


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens of an answer.

    Attributes:
        low: The shortest tenth are not longer.
        expected: The mean.
        seen: Of how many answers; 0 for a guess.
    """

    low: int
    expected: int
    seen: int


INSTRUCTING = frozenset(("system", "developer"))
"""Whose messages say what a task is."""


Seen = tuple[str, object, int | None, object]
"""Of one answer: the provider's id of the model, the Langfuse prompt that the request was made with if that is known,
the hash of the instructions at its beginning, and the tokens that the provider counted."""


def length_of(
    answers: Iterable[Seen], provider: str, model: str, body: Mapping[str, Any], prompt: object
) -> Length:
    """What is expected of the next answer: by task and model, else by model, else a guess.

    Args:
        answers: Those that were seen.
        provider: Provider's name.
        model: Its id of the model.
        body: The request.
        prompt: The Langfuse prompt that it was made with, if that is known.
    """
    task = _task(prompt, _instructions(body))
    seen = [
        (_task(kind, text), tokens)
        for other, kind, text, tokens in list(answers)
        if other == model and type(tokens) is int
    ]
    alike = [tokens for kind, tokens in seen if kind == task]
    is_enough = task is not None and len(alike) >= _ENOUGH
    found = sorted(alike if is_enough else [tokens for _, tokens in seen])
    if found:
        return Length(found[len(found) // 10], round(sum(found) / len(found)), len(found))
    info = model_info(provider, model) or {}
    return Length(1, USUAL_THINKING if info.get("supports_reasoning") else USUAL, 0)


def _task(prompt: object, instructions: int | None) -> object:
    """What a request is one of many of: its Langfuse prompt, else what its instructions say."""
    if prompt is None:
        return instructions
    name = prompt.get("name") if isinstance(prompt, Mapping) else getattr(prompt, "name", prompt)
    return name if isinstance(name, str) else repr(prompt)


def _instructions(body: Mapping[str, Any]) -> int | None:
    messages: Any = body.get("messages") or ({},)
    text = messages[0].get("content") if messages[0].get("role") in INSTRUCTING else None
    return hash(text) if isinstance(text, str) else None
