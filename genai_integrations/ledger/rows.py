"""What the ledger keeps of one call and of each of its attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.models.usage import number

VERSION = 1
"""Of the file. One of another version is left alone."""

CALLS = {
    "at": "REAL NOT NULL",  # when it began, in seconds since 1970
    "operation": "TEXT NOT NULL",
    "asked": "TEXT NOT NULL",  # the model's name, as the caller wrote it
    "stream": "INTEGER NOT NULL",
    "why": "TEXT NOT NULL",
    "outcome": "TEXT NOT NULL",  # `ok`, `left` for a stream that the caller left, or the error's class
    "error": "TEXT",
    "target": "TEXT",  # who answered, or was asked last
    "connection": "TEXT",
    "provider": "TEXT",
    "model": "TEXT",
    "attempts": "INTEGER NOT NULL",
    "rescued": "INTEGER NOT NULL",  # answered after an attempt had failed
    "cached": "INTEGER NOT NULL",
    "ms": "REAL NOT NULL",  # of the whole call
    "ours_ms": "REAL NOT NULL",  # of that, what no attempt took
    "limited_ms": "REAL NOT NULL",  # of ours, waiting for limits
    "first_content_ms": "REAL",  # from the call's begin
    "prompt_tokens": "INTEGER",
    "completion_tokens": "INTEGER",
    "cost": "REAL",  # US dollars of all attempts
    "lost_cost": "REAL",  # of that, of attempts that did not answer
    "saved": "REAL",  # what a kept answer would have cost
    "user": "TEXT",
    "session": "TEXT",
    "prompt": "TEXT",  # Langfuse prompt, as `name@version`
    "variant": "TEXT",  # of an experiment or a rollout, as `name: model`
    "question": "TEXT",  # JSON, only where it was asked for
    "answer": "TEXT",
}
"""Columns of the table `calls`, beside `id`."""

ATTEMPTS = {
    "call": "INTEGER NOT NULL",
    "number": "INTEGER NOT NULL",
    "target": "TEXT NOT NULL",
    "connection": "TEXT NOT NULL",
    "provider": "TEXT NOT NULL",
    "model": "TEXT NOT NULL",
    "reason": "TEXT NOT NULL",
    "outcome": "TEXT NOT NULL",
    "status": "INTEGER",
    "began_ms": "REAL NOT NULL",
    "ms": "REAL NOT NULL",
    "first_content_ms": "REAL",
    "prompt_tokens": "INTEGER",
    "completion_tokens": "INTEGER",
    "cost": "REAL",
    "connect_ms": "REAL",  # of a new connection
    "first_byte_ms": "REAL",  # from the attempt's begin to the answer's head
    "longest_gap_ms": "REAL",  # in a stream, after its first content
}
"""Columns of the table `attempts`."""


@dataclass(slots=True)
class Ended:
    """A call that is over, as its watcher saw it. Rows are made of it later, beside the calls.

    Attributes:
        at: When it began, in seconds since 1970.
        ms: How long it took.
        operation: What was asked.
        stream: Whether as a stream.
        route: Every attempt.
        outcome: `ok`, `left`, or the error's class.
        error: The error's line.
        told: What the call said of itself: user, session, prompt.
        question: JSON, where texts are kept.
        answer: The same.
    """

    at: float
    ms: float
    operation: str
    stream: bool
    route: Route
    outcome: str
    error: str | None
    told: Mapping[str, str | None]
    question: str | None = None
    answer: str | None = None


def call_row(ended: Ended) -> dict[str, Any]:
    """The row of `calls`."""
    route = ended.route
    attempts = route.attempts
    last = attempts[-1] if attempts else None
    costs = [(row, row.cost) for row in attempts]
    lost = [cost for row, cost in costs if row.outcome != OK and cost is not None]
    first = None if last is None else last.first_content_ms
    variant = getattr(route, "variant", None)
    cache = getattr(route, "cache", None)
    return {
        "at": ended.at,
        "operation": ended.operation,
        "asked": route.asked,
        "stream": int(ended.stream),
        "why": route.why,
        "outcome": ended.outcome,
        "error": ended.error,
        "target": last and last.target,
        "connection": last and last.connection,
        "provider": last and last.provider,
        "model": last and last.model,
        "attempts": len(attempts),
        "rescued": int(ended.outcome == OK and any(row.outcome != OK for row in attempts)),
        "cached": int(bool(route.cached)),
        "ms": ended.ms,
        "ours_ms": max(ended.ms - sum(row.ms for row in attempts), 0.0),
        "limited_ms": getattr(route, "limited_ms", 0.0),
        "first_content_ms": last.began_ms + first
        if last is not None and first is not None
        else None,
        "prompt_tokens": _tokens(attempts, "prompt_tokens"),
        "completion_tokens": _tokens(attempts, "completion_tokens"),
        "cost": route.cost,
        "lost_cost": sum(lost) if lost else None,
        "saved": getattr(cache, "saved", None) if route.cached else None,
        "user": ended.told.get("user"),
        "session": ended.told.get("session"),
        "prompt": ended.told.get("prompt"),
        "variant": f"{variant.of}: {variant.assigned}" if variant else None,
        "question": ended.question,
        "answer": ended.answer,
    }


def attempt_row(call: int, number: int, attempt: Attempt) -> dict[str, Any]:
    """The row of `attempts`."""
    return {
        "call": call,
        "number": number,
        "target": attempt.target,
        "connection": attempt.connection,
        "provider": attempt.provider,
        "model": attempt.model,
        "reason": attempt.reason,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "began_ms": attempt.began_ms,
        "ms": attempt.ms,
        "first_content_ms": attempt.first_content_ms,
        "prompt_tokens": _count(attempt.prompt_tokens),
        "completion_tokens": _count(attempt.completion_tokens),
        "cost": attempt.cost,
        "connect_ms": attempt.connect_ms,
        "first_byte_ms": attempt.first_byte_ms,
        "longest_gap_ms": attempt.longest_gap_ms,
    }


def text_of(value: object) -> str | None:
    """A question or an answer as JSON; None for what JSON does not know."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return None


def _tokens(attempts: list[Attempt], name: str) -> int | None:
    """Of all attempts together: what was paid for, whoever answered."""
    found = [count for row in attempts if (count := _count(getattr(row, name))) is not None]
    return sum(found) if found else None


def _count(told: object) -> int | None:
    """A number of tokens, whatever a server wrote there."""
    found = number(told)
    return None if found is None else int(found)
