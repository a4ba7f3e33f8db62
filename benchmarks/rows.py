"""What the rows share: who is asked what, and how a call and a stream are measured."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from answers import CHUNKS
from measure import Contender, at_once, drain, many

MODEL = "gpt-4o-mini"
CLAUDE = "claude-sonnet-4-5"
KEY = "sk-benchmark"
QUESTION = "Write one sentence about a fox."
HELLO = [{"role": "user", "content": QUESTION}]

OURS = "genai-integrations"

CALLS = 150
"""Calls in one block."""
_STREAMS, _FEW_STREAMS = 10, 2


def calls(
    family: str, name: str, ask: Callable[..., Any], ask_async: Callable[..., Awaitable[Any]]
) -> list[Contender]:
    """One call after the other, and fifty at once on an event loop."""
    fifty = at_once(50, ask_async)
    return [
        call(f"{family} call", name, ask),
        Contender(f"{family} async call, 50 at once", name, fifty, 50, is_async=True),
    ]


def call(row: str, name: str, ask: Callable[[], Any]) -> Contender:
    """One call after the other."""
    return Contender(row, name, many(CALLS, ask), CALLS)


def stream(row: str, name: str, ask: Callable[..., Any], *args: Any, **options: Any) -> Contender:
    """One stream after the other, read to its end."""
    streams = _FEW_STREAMS if "litellm" in name.lower() else _STREAMS

    def one() -> None:
        _check(name, drain(ask(*args, **options)))

    return Contender(row, name, many(streams, one), streams * CHUNKS)


def astreams(
    row: str, name: str, ask: Callable[..., Awaitable[AsyncIterator[Any]]], width: int
) -> Contender:
    """Streams at once on an event loop, read to their ends."""
    if "litellm" in name:
        width = min(width, 50)

    async def one() -> None:
        count = 0
        async for _ in await ask(stream=True):
            count += 1
        _check(name, count)

    return Contender(row, name, at_once(width, one), width * CHUNKS, is_async=True)


def bound(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
    """The function with what it is asked."""
    return functools.partial(function, *args, **options)


def _check(name: str, count: int) -> None:
    if count < CHUNKS:
        raise RuntimeError(f"{name}: a stream of {CHUNKS} chunks came as {count}")
