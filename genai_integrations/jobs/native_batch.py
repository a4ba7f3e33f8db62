"""A batch whose requests go into providers' own batches where there are such, and are sent live where there are none.

All requests are taken first. What providers do not answer, or not in time, is sent live; so is the rest when the
deadline is near.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
from collections import deque
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from genai_integrations.calls.reply import Reply
from genai_integrations.errors import CallError, CredentialError, GenAIError
from genai_integrations.jobs.batch import Batch, Flow, Options
from genai_integrations.jobs.items import BatchItem, Entry
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.jobs.native_state import Group, Open
from genai_integrations.jobs.natives import Natives, Plans
from genai_integrations.jobs.spool import Spool
from genai_integrations.jobs.steps import Await, Begin, Do, Ended, Pull, Step
from genai_integrations.transports.batch_dialect import Job

_log = logging.getLogger("genai_integrations")

_SHARE, _MOST = 0.1, 3600.0
"""The share of the deadline, and the seconds at most, that are left for asking live what providers have not answered."""

_SLOWER, _SLOWEST = 1.5, 120.0
"""How much later each look is than the one before, and seconds between two at most."""

_AT_ONCE = 64
"""Results that are read before other things are seen to."""


def native_steps(options: Options, router: Plans) -> Flow:
    """A batch, from opening its journal to closing it. Without one it has one of its own until it is done."""
    journal = options.journal
    own = None if journal else Path(tempfile.mkdtemp(prefix="genai-batch-")) / "journal.jsonl"
    if journal is None:
        journal = BatchJournal(own or "")
        options = replace(options, journal=journal)
    yield Do(journal.open)
    spool = Spool()
    try:
        yield from _NativeBatch(options, journal, Natives(router, journal), spool).steps()
        yield Do(journal.sync)
    finally:
        spool.close()
        journal.close()
        if own is not None:
            _tidy(own, journal)


def _tidy(own: Path, journal: BatchJournal) -> None:
    """Remove a file that nobody named, unless a provider still has a batch that is paid for."""
    if journal.has_open_states:
        _log.warning("a provider still has batches: journal=%r goes on with them", str(own))
        return
    own.unlink(missing_ok=True)
    own.parent.rmdir()


class _NativeBatch(Batch):
    """One run; `steps` reads from top to bottom."""

    def __init__(
        self, options: Options, journal: BatchJournal, natives: Natives, spool: Spool
    ) -> None:
        super().__init__(options)
        self._kept = journal
        self._natives = natives
        self._spool = spool
        self._groups: dict[object, Group] = {}
        self._live: deque[int] = deque()
        self._unwritten: dict[int, Entry] = {}
        self._began = options.clock()
        self._deadline = options.deadline or 0.0
        self._pause = options.first_look
        self._next_look = 0.0

    def steps(self) -> Flow:
        """The batch."""
        while (outcome := (yield Pull())) is not None:
            if isinstance(outcome, Ended):
                yield from self._ended(outcome)
            else:
                yield from self._taken(outcome.request)
        self._natives.check()
        for group in list(self._groups.values()):
            yield from self._submit(group)
        self._groups.clear()
        for one in list(self._natives.open.values()):
            if not (yield Do(partial(self._natives.recover, one))):
                self._live.extend(one.rows)
                del self._natives.open[one.name]
        while self._live or self._under_way or self._natives.open:
            yield from self._next_thing()

    def _next_thing(self) -> Flow:
        """What is to be done now: a live call, a look at what providers have, or waiting for either."""
        now = self._elapsed()
        if self._live and self._under_way < self._options.max_concurrency:
            entry = self._entry(self._live.popleft())
            self._under_way += 1
            yield Begin(entry)
        elif self._natives.open and now >= self._next_look:
            for one in list(self._natives.open.values()):
                yield from self._look(one)
            self._next_look = self._elapsed() + self._pause
            self._pause = min(self._pause * _SLOWER, _SLOWEST)
        else:
            seconds = max(self._next_look - now, 0.0) if self._natives.open else None
            if (ended := (yield Await(seconds))) is not None:
                yield from self._ended(ended)

    def _look(self, one: Open) -> Flow:
        job: Job | None = yield Do(lambda: self._natives.look(one))
        if job is not None and job.is_over:
            yield from self._collect(one, job)
        elif self._elapsed() >= self._deadline:
            _log.warning(
                "the batch %s is not finished at the deadline: the rest is sent live", one.ids
            )
            yield from self._collect(one, Job(is_over=True), "left")
        elif not one.is_cancelled and self._elapsed() >= self._deadline - self._reserve():
            yield Do(lambda: self._natives.cancel(one))
            self._pause = self._options.first_look

    def _collect(self, one: Open, job: Job, state: str = "done") -> Flow:
        """Write down what a provider has answered, and have the rest sent live."""
        if job.why:
            _log.warning("the batch %s failed: %s", one.ids, job.why)
        is_last = self._elapsed() >= self._deadline - self._reserve()
        found, failed = self._natives.answers(one, job, self._entry, is_last=is_last), []
        while True:
            try:
                rows = yield Do(lambda: list(itertools.islice(found, _AT_ONCE)))
            except (CallError, CredentialError) as error:
                _log.warning("the results of batch %s are read again later: %s", one.ids, error)
                return
            if not rows:
                break
            for entry, reply in rows:
                if self._kept.has(entry.index):
                    continue
                if reply is None:
                    failed.append(entry.index)
                else:
                    yield from self._answered(entry, reply)
        # In the order of the requests, whatever that of the results is.
        self._live.extend(sorted(failed))
        yield Do(lambda: self._natives.done(one, state))

    def _answered(self, entry: Entry, reply: Reply) -> Flow:
        item = BatchItem(entry.index, reply, cost=reply.route.cost)
        self._allowance.settle(entry.index, item.cost)
        self._kept.add(entry, item)
        yield Do(lambda: self._natives.tell(entry, reply))
        yield from self._arrived(item)

    def _recalled(self, entry: Entry) -> Generator[Step, Any, BatchItem | None]:
        if (owner := self._natives.owner_of(entry.index)) is not None:
            self._spool.add(entry)
            self._natives.meet(owner, entry)
        return self._kept.answer(entry)
        yield

    def _send(self, entry: Entry) -> Flow:
        """Put a request into a batch, or keep it to be sent live."""
        if self._is_paid(entry):
            if self._allowance.limit is not None:
                worst = yield Do(lambda: self._options.worst(entry.request))
                self._allowance.promise(entry.index, worst)
            return
        if not self._spool.add(entry):
            self._unwritten[entry.index] = entry
            self._live.append(entry.index)
        elif (group := (yield Do(lambda: self._grouped(entry)))) is None:
            self._live.append(entry.index)
        elif self._natives.is_full(group):
            self._groups = {key: row for key, row in self._groups.items() if row is not group}
            yield from self._submit(group)

    def _grouped(self, entry: Entry) -> Group | None:
        """The batch that a request was put into, None if it is to be sent live: there it says what is wrong."""
        try:
            call = self._natives.call_of(entry)
            if call is None:
                return None
            key, account = self._natives.group_of(call)
            group = self._groups.get(key) or self._natives.new_group(account)
            self._natives.add(group, entry, call)
        except GenAIError:
            return None
        self._groups[key] = group
        return group

    def _submit(self, group: Group) -> Flow:
        if not (yield Do(lambda: self._natives.submit(group))):
            self._live.extend(group.rows)
        self._tell()

    def _submitted(self) -> int:
        return sum(len(one.rows) for one in self._natives.open.values())

    def _is_paid(self, entry: Entry) -> bool:
        return self._natives.owner_of(entry.index) is not None

    def _hold(self, item: BatchItem) -> None:
        if not self._kept.has(item.index):
            super()._hold(item)

    def _next(self) -> BatchItem | None:
        """Read from the journal: answers that wait for their turn may be a million."""
        if self._given >= self._pulled:
            return None
        return self._kept.item(self._given) if self._kept.has(self._given) else super()._next()

    def _entry(self, index: int) -> Entry:
        return self._unwritten.get(index) or self._spool.take(index)

    def _elapsed(self) -> float:
        return self._options.clock() - self._began

    def _reserve(self) -> float:
        return min(self._deadline * _SHARE, _MOST)
