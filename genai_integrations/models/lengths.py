"""How long answers were, by model and task: what the next one is expected to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.models.catalog import model_info

_MOST = 2048
"""Answers that are remembered, the latest ones."""

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


class AnswerLengths:
    """Remembers how many tokens the latest answers had. Safe for threads: it only appends."""

    def __init__(self) -> None:
        self._seen: deque[tuple[str, object, int]] = deque(maxlen=_MOST)

    def note(self, model: str, body: Mapping[str, Any], prompt: object, usage: Any) -> None:
        """An answer is whole. This runs in every call, so it does next to nothing.

        Args:
            model: The provider's id.
            body: The request.
            prompt: The Langfuse prompt that it was made with, if that is known.
            usage: As the provider reported it.
        """
        tokens = usage.get("completion_tokens") if usage else None
        if type(tokens) is int and "messages" in body:
            # The same calls by hand as in `task_of`: one function less in each call.
            task = getattr(prompt, "name", prompt)
            first = body["messages"][0]
            if task is None and first.get("role") in _INSTRUCTING:
                text = first.get("content")
                task = hash(text) if type(text) is str else None
            self._seen.append((model, task, tokens))

    def of(self, provider: str, model: str, body: Mapping[str, Any], prompt: object) -> Length:
        """What is expected of the next answer: by task and model, else by model, else a guess."""
        task = task_of(body, prompt)
        seen = list(self._seen)
        same = [tokens for other, kind, tokens in seen if other == model]
        alike = [tokens for other, kind, tokens in seen if (other, kind) == (model, task)]
        found = alike if task is not None and len(alike) >= _ENOUGH else same
        if found:
            found.sort()
            return Length(found[len(found) // 10], round(sum(found) / len(found)), len(found))
        info = model_info(provider, model) or {}
        return Length(1, USUAL_THINKING if info.get("supports_reasoning") else USUAL, 0)


def task_of(body: Mapping[str, Any], prompt: object) -> object:
    """What a request is one of many of: its Langfuse prompt, else the instructions at its beginning."""
    name = getattr(prompt, "name", prompt)
    if name is not None:
        return name
    messages: Any = body.get("messages") or ({},)
    text = messages[0].get("content") if messages[0].get("role") in _INSTRUCTING else None
    return hash(text) if type(text) is str else None


_INSTRUCTING = frozenset(("system", "developer"))
