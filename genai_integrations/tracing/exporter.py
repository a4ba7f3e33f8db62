"""The threads that send traces, for every project of the process: one, and up to three more while servers are slow.

A server that hangs takes a thread for as long as its time-out. So one host has at most three of the four threads (two
for spans, one for media), and after a failure it rests, twice as long each time, while what is for it waits in its own
queues. The others go on in the thread that is left.
"""

from __future__ import annotations

import atexit
import contextlib
import heapq
import itertools
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.process_end import finish_worker
from genai_integrations.settings import TraceSettings
from genai_integrations.tracing.outbox import Host, KeyPair, Lane, Outbox

if TYPE_CHECKING:
    from genai_integrations.tracing.media import Medium
    from genai_integrations.tracing.record import Record

_MOST_THREADS = 4
_MOST_BYTES = 1 << 27
"""Bytes that wait at most, for all projects together."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a send went. Without a problem it is done.

    Attributes:
        problem: What went wrong, for the log.
        is_later: Whether the same may go well later.
        is_host: Whether the server could not be reached, whosever project it is.
        is_large: Whether fewer at once may go well.
        pause: Seconds for which the server asked to be left alone.
        media: What was taken out of the spans, to be uploaded apart.
    """

    problem: str = ""
    is_later: bool = False
    is_host: bool = False
    is_large: bool = False
    pause: float | None = None
    media: tuple[Medium, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One send.

    Attributes:
        outbox: Whose.
        lane: Where it is counted.
        records: Spans; none if it is a medium.
        medium: What is uploaded.
    """

    outbox: Outbox
    lane: Lane
    records: tuple[Record, ...] = ()
    medium: Medium | None = None


class Exporter:
    """Owns every outbox: whatever changes one has the lock. Nobody waits for a server with the lock held.

    Args:
        delivery: Gives what does one send; the first time it may load for seconds. What either raises, the send's
            spans are lost by.
    """

    _is_to_finish: bool

    def __init__(self, delivery: Callable[[], Callable[[Job], Outcome]]) -> None:
        self._delivery = delivery
        self._outboxes: weakref.WeakValueDictionary[KeyPair, Outbox] = weakref.WeakValueDictionary()
        self._hosts: weakref.WeakValueDictionary[str, Host] = weakref.WeakValueDictionary()
        self._begin()
        after_fork_in_child(self._renew)
        atexit.register(self.finish)

    def outbox(self, pair: KeyPair, settings: TraceSettings) -> Outbox:
        """The outbox of a key pair; its settings are those of the first who asks."""
        with self._lock:
            found = self._outboxes.get(pair)
            if found is None:
                host = self._host(pair.host)
                found = self._outboxes[pair] = Outbox(pair, host, settings, self)
            return found

    def put(self, outbox: Outbox, record: Record) -> None:
        """Take a span; it is dropped if too many wait, and when the program is over."""
        if self._is_over:
            return
        if not self._is_to_finish:
            self._is_to_finish = True
            finish_worker(self.finish)
        with self._lock:
            is_full = outbox.is_full or self._bytes >= _MOST_BYTES
            if not is_full:
                outbox.records.append(record)
                self._count(outbox, record.size)
                self._plan(outbox)
        if is_full:
            outbox.warn("queue", "too many wait to be sent, so newer ones are dropped")

    def flush(self, outbox: Outbox) -> None:
        """Send what waits in one outbox now, and wait until it is sent or has failed."""
        with self._lock:
            self._hurry(outbox)
            if not outbox.tries:
                return
        self._load()
        with self._lock:
            self._progress.wait_for(lambda: not outbox.tries, 2 * outbox.settings.timeout)

    def finish(self) -> None:
        """At the end of the program: send what waits, for one time-out at most."""
        with self._lock:
            waiting = [outbox for outbox in self._outboxes.values() if not outbox.is_empty]
            for outbox in waiting:
                self._hurry(outbox)
        if waiting:
            self._load()
        with self._lock:
            seconds = max((outbox.settings.timeout for outbox in waiting), default=0)
            # Without a thread there is nobody to wait for: none can be started once a program ends.
            self._progress.wait_for(
                lambda: not (self._threads and any(row.tries for row in waiting)), seconds
            )
        # What is collected from here on may find a lock held by a thread that does not run any more.
        self._is_over = True

    def _load(self) -> None:
        """Load what sends, which takes seconds on a busy machine: the time-outs are for the server."""
        with contextlib.suppress(Exception):  # told by the send itself
            self._delivery()

    def _begin(self) -> None:
        # Reentrant, because a stream that is collected while the lock is held ends its call, which is a put.
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._plans: list[tuple[float, int, Outbox]] = []
        self._numbers = itertools.count()
        self._bytes = 0
        self._threads = 0
        self._is_over = False
        self._is_watched = False
        self._is_to_finish = False

    def _renew(self) -> object:
        """In a forked child: no threads, and nothing of the parent's, which sends that itself."""
        left = self._lock, self._work, self._progress, self._plans
        self._begin()
        self._hosts = weakref.WeakValueDictionary()
        for outbox in list(self._outboxes.values()):
            outbox.forget()
            outbox.host = self._host(outbox.pair.host)
        return left

    def _host(self, name: str) -> Host:
        found = self._hosts.get(name)
        if found is None:
            found = self._hosts[name] = Host()
        return found

    def _hurry(self, outbox: Outbox) -> None:
        """Have it sent at once, even while it rests; one failure is enough, beside that of what is on its way."""
        if not outbox.is_empty:
            outbox.tries = 1 + outbox.is_sending
            self._plan(outbox)

    def _plan(self, outbox: Outbox) -> None:
        """Say when it is sent next, if that is sooner than what was planned. What is on its way plans at its end."""
        if outbox.is_sending or outbox.is_empty:
            return
        now = time.monotonic()
        is_now = outbox.tries or not outbox.records or len(outbox.records) >= outbox.batch
        self._plan_at(outbox, now if is_now else now + outbox.settings.interval)

    def _plan_at(self, outbox: Outbox, due: float) -> None:
        if outbox.due is None or due < outbox.due:
            outbox.due = due
            heapq.heappush(self._plans, (due, next(self._numbers), outbox))
            if not self._is_watched or self._plans[0][2] is outbox:
                self._watch()

    def _watch(self) -> None:
        """See to it that one thread waits for the next plan, whatever the others are at."""
        if self._is_watched:
            self._work.notify()
        elif self._threads < _MOST_THREADS:
            thread = threading.Thread(target=self._run, name="genai-traces", daemon=True)
            self._threads += 1
            self._is_watched = True
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending
                self._threads -= 1
                self._is_watched = False

    def _run(self) -> None:
        while self._run_one():
            pass  # nothing of a send is kept while the thread waits for the next

    def _run_one(self) -> bool:
        job = self._next()
        outcome = self._done(job)
        goes_on = self._settle(job, outcome)
        if outcome.problem:
            job.outbox.warn("send", outcome.problem)
        return goes_on

    def _done(self, job: Job) -> Outcome:
        try:
            return self._delivery()(job)
        except Exception as error:  # noqa: BLE001  the thread goes on with what others have to send
            return Outcome(f"some are lost: {type(error).__name__}")

    def _next(self) -> Job:
        """Wait for the next send. This thread is the one that waits, until it has one."""
        with self._lock:
            while (job := self._due()) is None:
                seconds = self._plans[0][0] - time.monotonic() if self._plans else None
                self._work.wait(seconds)
            self._is_watched = False
            if self._plans:
                self._watch()
            return job

    def _due(self) -> Job | None:
        """The first send that is due and may begin. What may not is planned anew, or waits behind others."""
        now = time.monotonic()
        while self._plans and self._plans[0][0] <= now:
            due, _, outbox = heapq.heappop(self._plans)
            if outbox.due != due:
                continue  # something sooner was planned since
            outbox.due = None
            if outbox.is_sending or outbox.is_empty:
                continue
            rest = max(outbox.rest.until, outbox.host.rest.until)
            if rest > now and not outbox.tries:
                self._plan_at(outbox, rest)
            elif outbox.lane.is_full:
                outbox.lane.behind.append(outbox)
            else:
                return self._begun(outbox)
        return None

    def _begun(self, outbox: Outbox) -> Job:
        lane = outbox.lane
        lane.busy += 1
        outbox.is_sending = True
        if outbox.records:
            number = min(outbox.batch, len(outbox.records))
            records = tuple(outbox.records[:number])
            del outbox.records[:number]
            self._count(outbox, -sum(record.size for record in records))
            return Job(outbox, lane, records)
        medium = outbox.media.pop(0)
        self._count(outbox, -medium.size)
        return Job(outbox, lane, medium=medium)

    def _settle(self, job: Job, outcome: Outcome) -> bool:
        """Note how a send went, and say whether this thread is the one that waits for the next."""
        outbox, lane = job.outbox, job.lane
        with self._lock:
            lane.busy -= 1
            outbox.is_sending = False
            behind, lane.behind = lane.behind, []
            for other in behind:
                self._plan_at(other, 0.0)
            self._judge(job, outcome)
            for medium in outcome.media:
                if not outbox.is_full:
                    outbox.media.append(medium)
                    self._count(outbox, medium.size)
            if outbox.is_empty:
                outbox.tries = 0
            self._plan(outbox)
            self._progress.notify_all()
            goes_on = not self._is_watched
            self._is_watched = True
            self._threads -= not goes_on
            return goes_on

    def _judge(self, job: Job, outcome: Outcome) -> None:
        outbox = job.outbox
        if outcome.is_large:
            outbox.batch = max(len(job.records) // 2, 1)
            self._put_back(job)
        elif outcome.is_later:
            outbox.tries = max(outbox.tries - 1, 0)
            (outbox.host if outcome.is_host else outbox).rest.begin(outcome.pause)
            self._put_back(job)
        else:
            outbox.batch = min(outbox.batch * 2, outbox.settings.batch)
            outbox.rest.end()
            outbox.host.rest.end()

    def _put_back(self, job: Job) -> None:
        outbox = job.outbox
        outbox.records[:0] = job.records
        size = sum(record.size for record in job.records)
        if job.medium is not None:
            outbox.media.insert(0, job.medium)
            size += job.medium.size
        self._count(outbox, size)

    def _count(self, outbox: Outbox, size: int) -> None:
        outbox.bytes += size
        self._bytes += size
