"""A batch of live calls, as a generator that yields the step to do next and is sent how that went.

It does no I/O but the journal's lines, which the operating system takes at once. A request is taken from the caller only
when there is room for it, so a million of them need the memory of a few.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.jobs.items import BatchItem, entry_of, item_of
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.jobs.progress import Listener, Progress
from genai_integrations.jobs.purse import Purse, Worst
from genai_integrations.jobs.steps import Await, Begin, Do, Ended, Give, Pull, Step

Flow = Generator[Step, Any, None]

_AHEAD = 4
"""Times `max_concurrency` that requests may be ahead of one that is waited for, where items are given in order."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a batch is run.

    Attributes:
        max_concurrency: Calls at a time.
        ordered: Whether items are given in the order of the requests, or as they come.
        on_progress: Told after each item.
        journal: Where answers are kept.
        max_usd: US dollars that all of it may cost.
        worst: What a request can cost.
        total: Requests that there are, None if that is not known.
    """

    max_concurrency: int = 8
    ordered: bool = True
    on_progress: Listener | None = None
    journal: BatchJournal | None = None
    max_usd: float | None = None
    worst: Worst = lambda _: None
    total: int | None = None


def batch_steps(options: Options) -> Flow:
    """A batch, from opening its journal to closing it."""
    journal = options.journal
    if journal is not None:
        yield Do(journal.open)
    try:
        yield from _Batch(options).steps()
        if journal is not None:
            yield Do(journal.sync)
    finally:
        if journal is not None:
            journal.close()


class _Batch:
    """One run; `steps` reads from top to bottom."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._journal = options.journal
        spent = self._journal.spent if self._journal else 0.0
        self._purse = Purse(options.max_usd, spent, options.worst)
        self._under_way = 0
        self._pulled = 0
        self._given = 0
        self._done = self._failed = 0
        self._is_over = False
        self._waiting: dict[int, BatchItem] = {}
        self._failure: Exception | None = None

    def steps(self) -> Flow:
        """The batch."""
        is_all = False
        while not is_all or self._under_way:
            try:
                outcome = yield Await() if is_all or not self._has_room() else Pull()
                if isinstance(outcome, Ended):
                    yield from self._ended(outcome)
                elif outcome is None:
                    is_all = True
                else:
                    yield from self._taken(outcome.request)
            except Exception as error:
                if is_all:
                    raise
                self._failure, is_all = error, True
        if self._failure is not None:
            raise self._failure

    def _has_room(self) -> bool:
        options = self._options
        ahead = self._pulled - self._given
        return (
            self._under_way < options.max_concurrency and ahead < _AHEAD * options.max_concurrency
        )

    def _taken(self, request: object) -> Flow:
        """Begin a request, or give at once what is known of it."""
        index, self._pulled = self._pulled, self._pulled + 1
        try:
            entry = entry_of(index, request)
        except ConfigurationError as error:
            yield from self._arrived(BatchItem(index, error=error))
            return
        if self._journal is not None and (known := self._journal.answer(entry)) is not None:
            self._purse.met(known.cost)
            yield from self._arrived(known)
            return
        # What is under way may turn out cheaper than its worst case, and leave room.
        while not self._is_over and not self._purse.has_room(entry.request):
            if not self._under_way:
                self._is_over = True
                break
            yield from self._ended((yield Await()))
        if self._is_over:
            yield from self._arrived(BatchItem(index, error=self._purse.refusal()))
            return
        self._purse.promise(index, entry.request)
        self._under_way += 1
        yield Begin(entry)

    def _ended(self, ended: Ended) -> Flow:
        """Write an outcome down, and give what may be given."""
        self._under_way -= 1
        entry = ended.entry
        item = item_of(entry.index, ended.outcome)
        self._purse.settle(entry.index, item.cost)
        if self._journal is not None:
            self._journal.add(entry, item)
            if self._journal.is_due:
                yield Do(self._journal.sync)
        yield from self._arrived(item)

    def _arrived(self, item: BatchItem) -> Flow:
        self._done += 1
        self._failed += item.error is not None
        options = self._options
        if options.on_progress is not None:
            told = Progress(self._done, self._failed, options.total, self._purse.spent)
            options.on_progress(told)
        if not options.ordered:
            self._given += 1
            yield Give(item)
            return
        self._waiting[item.index] = item
        while (next_ := self._waiting.pop(self._given, None)) is not None:
            self._given += 1
            yield Give(next_)
