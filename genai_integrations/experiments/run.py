"""Making the calls, several at a time, and scoring what comes of them."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.reply import Message
from genai_integrations.calls.route import Route
from genai_integrations.client import GenAIClient
from genai_integrations.errors import CallError, GenAIError
from genai_integrations.experiments.evaluators import Evaluator
from genai_integrations.experiments.journal import Journal
from genai_integrations.experiments.plan import Cell
from genai_integrations.experiments.results import (
    Result,
    ResultFields,
    Score,
    named_error,
    usage_fields,
)
from genai_integrations.experiments.runs import DatasetRuns, finish
from genai_integrations.experiments.variants import is_from_langfuse
from genai_integrations.jobs.progress import Listener, Progress
from genai_integrations.routing.streams import AsyncReplyStream
from genai_integrations.runtime.background import own_loop


@dataclass(slots=True)
class Work:
    """What to do, and what has come of it.

    Attributes:
        client: Asks.
        evaluators: Score.
        params: Of every call.
        known: Results by key, those of earlier runs among them.
        journal: Where each result is written as soon as it is there.
        listener: Who is told of it.
        max_concurrency: Calls at a time.
        max_cost: US dollars, of all results together, after which no further call begins.
        spent: US dollars of all results, as far as known.
        runs: Where the calls are recorded as runs of a dataset.
        total: Calls that there are to make.
        done: Those that are made.
        failed: Those that failed.
    """

    client: GenAIClient
    evaluators: Sequence[Evaluator]
    params: Mapping[str, object]
    known: dict[str, Result]
    journal: Journal | None
    listener: Listener
    max_concurrency: int
    max_cost: float | None
    spent: float
    runs: DatasetRuns | None
    total: int
    done: int = 0
    failed: int = 0

    @property
    def is_over(self) -> bool:
        """Whether more is spent than allowed."""
        return self.max_cost is not None and self.spent > self.max_cost

    def note(self, result: Result) -> None:
        """An answer is there, or there is more of it."""
        before = self.known.get(result.key)
        self.spent += result.total_cost - (before.total_cost if before else 0.0)
        self.known[result.key] = result

    def keep(self, result: Result) -> None:
        """A result is whole, or as whole as it gets."""
        self.note(result)
        if self.journal:
            self.journal.add(result)
        self.done += 1
        self.failed += result.error is not None
        self.listener(Progress(self.done, self.failed, self.total, self.spent))


async def run(work: Work, cells: Sequence[Cell]) -> None:
    """Make every call and score every answer. Cancelled, it keeps what is there."""
    # One iterator for all workers: whoever is free takes the next, so a slow answer holds nobody up.
    waiting = iter(in_turns(cells))
    # Else the first calls would wait for imports, and take the time of those beside them.
    await work.client.awarm_up(*dict.fromkeys(cell.candidate.model for cell in cells))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(work.max_concurrency, len(cells))):
                group.create_task(_work_off(work, waiting))
    except ExceptionGroup as failures:
        # The first is the cause: the others were cancelled for it. Callers catch our errors, not groups.
        raise failures.exceptions[0] from None
    finally:
        if work.journal:
            work.journal.close()


def in_turns(cells: Sequence[Cell]) -> Iterator[Cell]:
    """The cells item by item, each item beginning with another candidate: being asked first is no advantage of one."""
    groups = itertools.groupby(cells, key=lambda cell: cell.item.id)
    for at, (_, group) in enumerate(groups):
        row = list(group)
        start = at % len(row)
        yield from row[start:] + row[:start]


def run_apart(work: Work, cells: Sequence[Cell]) -> None:
    """As `run`, in an event loop of its own in a thread, so that it works where a loop is running already."""
    with own_loop("genai-compare") as loop:
        # Leaving waits until every call that was still under way is cancelled and its connection closed.
        loop.run(run(work, cells), threading.TIMEOUT_MAX)


async def _work_off(work: Work, waiting: Iterator[Cell]) -> None:
    for cell in waiting:
        if work.is_over:
            return
        result = work.known.get(cell.key)
        if result is None or result.error is not None:
            result = await _recorded(work, cell)
            # Now, because a judge's call may be one too many.
            work.note(result)
        await _scored(work, cell, result)


async def _scored(work: Work, cell: Cell, result: Result) -> None:
    """Score an answer by the evaluators that have not yet, and keep it whatever happens."""
    scores: dict[str, Score] = dict(result.scores)
    text = result.text or ""
    values = {
        "output": text,
        "input": cell.item.input,
        "expected": cell.item.expected,
        "expected_output": cell.item.expected,
        "item": cell.item,
        "client": work.client,
    }
    try:
        for evaluator in () if result.error else work.evaluators:
            if evaluator.name not in scores and not (evaluator.judge and work.is_over):
                scores[evaluator.name] = await evaluator.score(values)
        if work.runs:
            new = {name: score for name, score in scores.items() if name not in result.scores}
            work.runs.score(result, new)
    finally:
        work.keep(dataclasses.replace(result, scores=scores))


async def _recorded(work: Work, cell: Cell) -> Result:
    if work.runs is None:
        return await _asked(work, cell)
    with work.runs.recorded(cell) as span:
        result = await _asked(work, cell)
        finish(span, result)
        return dataclasses.replace(result, trace_id=span.trace_id, observation_id=span.id)


async def _asked(work: Work, cell: Cell) -> Result:
    candidate = cell.candidate
    result = Result(
        candidate.model, candidate.prompt, cell.item.id, repeat=cell.repeat, key=cell.key
    )
    params = dict(work.params)
    if is_from_langfuse(cell.prompt):
        params["langfuse_prompt"] = cell.prompt
    begin, route = time.perf_counter(), None
    try:
        found = await _answer(work.client, candidate.model, cell.messages, params)
    except GenAIError as error:
        route = error.route if isinstance(error, CallError) else None
        found = usage_fields(route) if isinstance(route, Route) else ResultFields()
        found["error"] = named_error(error)
    found.setdefault("latency_ms", _since(begin, route))
    return dataclasses.replace(result, **found)


async def _answer(
    client: GenAIClient,
    model: str,
    messages: Sequence[Mapping[str, object]],
    params: Mapping[str, Any],
) -> ResultFields:
    begin = time.perf_counter()
    reply = await client.acompletion(model, messages, **params)
    if not isinstance(reply, AsyncReplyStream):
        text = _text(reply.choices[0].message)
        latency = _since(begin, reply.route)
        return {**usage_fields(reply.route), "text": text, "latency_ms": latency}
    first = _since(begin, reply.route)
    parts = []
    async with reply:
        async for chunk in reply:
            parts += [_text(choice.delta) for choice in chunk.choices[:1]]
    return {
        **usage_fields(reply.route),
        "text": "".join(parts),
        "first_token_ms": first,
        "latency_ms": _since(begin, reply.route),
    }


def _text(message: Message) -> str:
    return message.content or message.refusal or ""


def _since(begin: float, route: object) -> float:
    """Milliseconds since then, without those that were ours: loading is no model's time."""
    ours = route.ours_ms if isinstance(route, Route) else 0.0
    return round(max((time.perf_counter() - begin) * 1000 - ours, 0.0), 1)
