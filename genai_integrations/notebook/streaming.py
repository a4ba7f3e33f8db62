"""Several answers at once, from code that blocks: a notebook's cell."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Mapping

from genai_integrations.client import GenAIClient, Messages
from genai_integrations.errors import CallError, GenAIError
from genai_integrations.notebook.answers import Answer, Answers
from genai_integrations.runtime.background import own_loop

_PERIOD = 0.1
"""Seconds between two redrawings: fast enough to look alive, and few messages for a slow browser."""


def stream_all(
    client: GenAIClient,
    answers: Answers,
    messages: Messages,
    params: Mapping[str, object],
    show: Callable[[], None],
) -> None:
    """Ask every model at once, and fill in the answers as they come.

    The calls run on a loop in a thread of its own, because a notebook's own loop is busy with the cell.

    Args:
        client: Whom to ask.
        answers: One for each model, still empty.
        messages: In OpenAI's shape.
        params: OpenAI's parameters.
        show: Called in this thread, at a bounded rate, when something has come, and once at the end.

    Raises:
        KeyboardInterrupt: The user stopped it; by then every call is closed and `show` has been called.
    """
    changed = threading.Event()

    async def all_at_once() -> None:
        # First, lest a model's time be that of an import for the one beside it.
        await client.awarm_up(*(answer.model for answer in answers))
        await asyncio.gather(
            *(_stream(client, answer, messages, params, changed) for answer in answers)
        )

    try:
        # Leaving cancels what still runs, which closes its connection, so that the provider stops too.
        with own_loop("genai-cell") as loop:
            future = loop.submit(all_at_once())
            _watch(future, changed, show)
            future.result()
    finally:
        _end(answers)
        show()


def _watch(
    future: concurrent.futures.Future[None], changed: threading.Event, show: Callable[[], None]
) -> None:
    while not future.done():
        # Never without a time limit: on Windows nothing else lets an interrupt through.
        if changed.wait(_PERIOD):
            changed.clear()
            show()
            concurrent.futures.wait([future], _PERIOD)


async def _stream(
    client: GenAIClient,
    answer: Answer,
    messages: Messages,
    params: Mapping[str, object],
    changed: threading.Event,
) -> None:
    try:
        async with await client.acompletion(
            answer.model, messages, stream=True, **params
        ) as stream:
            answer.route = stream.route
            async for chunk in stream:
                answer.take(chunk)
                changed.set()
    except GenAIError as error:
        answer.error = error
        answer.route = error.route if isinstance(error, CallError) else None
    answer.running = False
    changed.set()


def _end(answers: Answers) -> None:
    for answer in answers:
        answer.interrupted, answer.running = answer.running, False
