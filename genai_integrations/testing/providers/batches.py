"""What the scripted batches of all dialects share: jobs that are worked off after so many looks, and their results."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.dialect import Answer
from genai_integrations.testing.server import Received

_NUMBERS = itertools.count(1)

Ask = Callable[[Received], Answer]
"""Answers a request as if it had come on its own."""


@dataclass(slots=True)
class Job:
    """One batch.

    Attributes:
        id: Its id.
        lines: Its requests: each with its id, and what asks it.
        about: What the dialect keeps of it.
        looks: How often it was looked at.
        ended: How it ended: `completed`, `cancelled`, `expired` or `failed`; empty while it is worked off.
        results: Each line's id and answer; None for one that was not asked.
    """

    id: str
    lines: Sequence[tuple[str, Received]]
    about: dict[str, Any] = field(default_factory=dict)
    looks: int = 0
    ended: str = ""
    results: list[tuple[str, Answer | None]] = field(default_factory=list)


@dataclass(slots=True)
class Batches:
    """The batches of a scripted provider, as a test steers them.

    Attributes:
        looks: How often a batch must be looked at before it is over; the first look counts.
        asked: Share of its lines, from the first, that are asked by the time it ends; the rest fails with its end.
        ends: How a batch ends by itself.
        jobs: Those that there are, by id.
        asked_bodies: The body of every line that was asked.
    """

    looks: int = 1
    asked: float = 1.0
    ends: str = "completed"
    jobs: dict[str, Job] = field(default_factory=dict)
    asked_bodies: list[Any] = field(default_factory=list)

    def make(self, prefix: str, lines: Sequence[tuple[str, Received]], **about: Any) -> Job:
        """A new one."""
        job = Job(f"{prefix}{next(_NUMBERS):08d}", lines, about)
        self.jobs[job.id] = job
        return job

    def look(self, job: Job, ask: Ask) -> Job:
        """The batch as it is after one more look."""
        job.looks += 1
        if not job.ended and job.looks >= self.looks:
            self.end(job, ask, self.ends)
        return job

    def end(self, job: Job, ask: Ask, how: str) -> None:
        """End it: what is asked by then has its answer."""
        if job.ended:
            return
        job.ended = how
        share = self.asked if how != "failed" else 0.0
        count = round(len(job.lines) * share)
        for at, (custom_id, request) in enumerate(job.lines):
            answer = None
            if at < count:
                self.asked_bodies.append(request.body)
                answer = ask(request)
            job.results.append((custom_id, answer))


def request_for(origin: Received, path: str, body: Any) -> Received:
    """A line as a request of its own, with the headers of the one that brought it."""
    return Received("POST", path, dict(origin.query), dict(origin.headers), b"", body)


def json_answer(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"})


def lines_answer(rows: Sequence[object]) -> Answer:
    """A file of JSON lines."""
    body = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    return Answer(200, body, {"content-type": "application/octet-stream"})
