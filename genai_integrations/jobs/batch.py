"""A batch of live calls, as a generator that yields the step to do next and is sent how that went.

It does no I/O but the journal's lines, which the operating system takes at once. A request is taken from the caller only
when there is room for it, so a million of them need the memory of a few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from genai_integrations.errors import BudgetExceededError, ConfigurationError
from genai_integrations.jobs.allowance import Allowance, Worst
from genai_integrations.jobs.items import BatchItem, Entry, entry_of, item_of
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.jobs.progress import Listener, Progress
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
        deadline: Seconds in which providers' own batches may be waited for; None asks everything live.
        clock: Seconds that never go back.
        first_look: Seconds after which a provider's batch is looked at for the second time.
    """

    max_concurrency: int = 8
    ordered: bool = True
    on_progress: Listener | None = None
    journal: BatchJournal | None = None
    max_usd: float | None = None
    worst: Worst = lambda _: None
    total: int | None = None
    deadline: float | None = None
    clock: Callable[[], float] = time.monotonic
    first_look: float = 5.0


def batch_steps(options: Options) -> Flow:
    """A batch of live calls, from opening its journal to closing it."""
    journal = options.journal
    if journal is None:
        yield from Batch(options).steps()
        return
    yield Do(journal.open)
    try:
        if journal.has_open_states:
            raise ConfigurationError(
                f"journal={str(journal.path)!r} has batches at providers, which are paid for: "
                'give deadline= again, such as "24h", or "1s" to take what is done and ask the rest now'
            )
        yield from Batch(options).steps()
        yield Do(journal.sync)
    finally:
        journal.close()


class Batch:
    """One run; `steps` reads from top to bottom."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._journal = options.journal
        spent = self._journal.spent if self._journal else 0.0
        self._allowance = Allowance(options.max_usd, spent)
        self._under_way = 0
        self._pulled = 0
        self._given = 0
        self._done = self._failed = 0
        self._refusal: BudgetExceededError | None = None
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
        if (known := (yield from self._recalled(entry))) is not None:
            self._allowance.met(known.cost)
            yield from self._arrived(known)
        elif self._is_paid(entry) or (yield from self._is_affordable(entry)):
            yield from self._send(entry)
        else:
            yield from self._arrived(BatchItem(index, error=self._refusal))

    def _recalled(self, entry: Entry) -> Generator[Step, Any, BatchItem | None]:
        """What an earlier run was answered."""
        return self._journal.answer(entry) if self._journal else None
        yield

    def _is_paid(self, entry: Entry) -> bool:  # noqa: ARG002  a provider may have it already
        """Whether it costs nothing more."""
        return False

    def _is_affordable(self, entry: Entry) -> Generator[Step, Any, bool]:
        """Whether there is money for a request, which may wait for calls under way to be cheaper than feared."""
        if self._allowance.limit is None:
            return True
        if self._refusal is not None:
            return False
        worst = yield Do(lambda: self._options.worst(entry.request))
        while not self._allowance.has_room(worst):
            if not self._under_way:
                self._refusal = self._allowance.refusal(worst)
                return False
            yield from self._ended((yield Await()))
        self._allowance.promise(entry.index, worst)
        return True

    def _send(self, entry: Entry) -> Flow:
        self._under_way += 1
        yield Begin(entry)

    def _ended(self, ended: Ended) -> Flow:
        """Write an outcome down, and give what may be given."""
        self._under_way -= 1
        entry = ended.entry
        item = item_of(entry.index, ended.outcome)
        self._allowance.settle(entry.index, item.cost)
        if self._journal is not None:
            self._journal.add(entry, item)
            if self._journal.is_due:
                yield Do(self._journal.sync)
        yield from self._arrived(item)

    def _arrived(self, item: BatchItem) -> Flow:
        self._done += 1
        self._failed += item.error is not None
        self._tell()
        if not self._options.ordered:
            self._given += 1
            yield Give(item)
            return
        self._hold(item)
        while (next_ := self._next()) is not None:
            self._given += 1
            yield Give(next_)

    def _tell(self) -> None:
        """How far it is."""
        options = self._options
        if options.on_progress is not None:
            done, spent = self._done, self._allowance.spent
            told = Progress(done, self._failed, options.total, spent, self._submitted())
            options.on_progress(told)

    def _submitted(self) -> int:
        """Requests that providers have in batches of their own."""
        return 0

    def _hold(self, item: BatchItem) -> None:
        self._waiting[item.index] = item

    def _next(self) -> BatchItem | None:
        """The item that is to be given next, if it is there."""
        return self._waiting.pop(self._given, None)
