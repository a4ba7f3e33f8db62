"""How long answers were, by model and task: what the next one is expected to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.models.catalog import model_info
from genai_integrations.models.tokens import text_tokens

_ENOUGH = 3
"""Answers from which on more is known of a task than of its model."""

USUAL = 256
"""Tokens of an answer where nothing is known."""

USUAL_THOUGHTS = 768
"""Tokens of what a model thinks before it answers."""


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
    """What is expected of the next answer: by task and model, by task, by model, else a guess.

    Args:
        answers: Those that were seen.
        provider: Provider's name.
        model: Its id of the model.
        body: The request.
        prompt: The Langfuse prompt that it was made with, if that is known.
    """
    task = _task(prompt, _instructions(body))
    seen = [
        (other, _task(kind, text), tokens)
        for other, kind, text, tokens in list(answers)
        if type(tokens) is int
    ]
    same_task = [
        (other, tokens) for other, kind, tokens in seen if task is not None and kind == task
    ]
    own = [tokens for other, tokens in same_task if other == model]
    thinks = _thinks(provider, model, body)
    # Of other models those that think as this one does: a task says how long an answer is, thoughts are the model's.
    like = [tokens for other, tokens in same_task if _thinks(provider, other, body) is thinks]
    for found, enough in ((own, _ENOUGH), (like, _ENOUGH), ([row[2] for row in seen if row[0] == model], 1)):  # fmt: skip
        if len(found) >= enough:
            found.sort()
            return Length(found[len(found) // 10], round(sum(found) / len(found)), len(found))
    return Length(1, guess(provider, model, body), 0)


def guess(provider: str, model: str, body: Mapping[str, Any]) -> int:
    """Tokens of an answer as long as those to such requests usually are, with what the model thinks."""
    return _usual(body, model) + thoughts(provider, model, body)


def thoughts(provider: str, model: str, body: Mapping[str, Any]) -> int:
    """Tokens that a model usually thinks before it answers; 0 for one that does not."""
    return USUAL_THOUGHTS if _thinks(provider, model, body) else 0


def _usual(body: Mapping[str, Any], model: str) -> int:
    words, text = _words(body)
    for asks, share, least, most in _TASKS:
        if asks.search(words):
            return min(max(round(share * text_tokens(text, model)), least), most)
    return USUAL


_TASKS: tuple[tuple[re.Pattern[str], float, int, int], ...] = tuple(
    (re.compile(asks, re.IGNORECASE), share, least, most)
    for asks, share, least, most in (
        (r"\b(one|single) (word|letter|number|label)\b|\byes or no\b|\btrue or false\b", 0.0, 4, 4),
        (r"\bonly the (label|number|category|answer)\b", 0.0, 4, 4),
        (r"\bclassify|\bwhich (label|category)|한 단어로|분류해", 0.0, 8, 8),
        (r"\b(one|a single) sentence\b|\bin a sentence\b|한 문장으로", 0.0, 32, 32),
        (r"\btranslat|\brewrite|\bcorrect the|\bproofread|번역해|번역하|교정해|고쳐", 1.2, 4, 8192),
        (r"\bsummar|요약해|요약하", 0.25, 48, 512),
    )
)
"""What a request says, the answer's share of its last message, and the fewest and the most tokens: rules of thumb, for
as long as no answer was seen."""


def _words(body: Mapping[str, Any]) -> tuple[str, str]:
    """What says the task, which is the instructions and the beginning and end of the last message; and that message."""
    messages: Any = body.get("messages") or ({},)
    texts = [row.get("content") for row in (messages[0], messages[-1])]
    first, last = (text if isinstance(text, str) else "" for text in texts)
    return f"{first[:_HEAD]}\n{last[:_HEAD]}\n{last[-_HEAD:]}", last


_HEAD = 400
"""Characters in which a task is said; a document to work on follows or goes before."""


def _thinks(provider: str, model: str, body: Mapping[str, Any]) -> bool:
    info = model_info(provider, model) or {}
    # Claude thinks when it is told to, the others unless they are told not to.
    told = any(body.get(name) for name in ("reasoning_effort", "thinking", "reasoning"))
    return bool(info.get("supports_reasoning")) and ("claude" not in model or told)


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
