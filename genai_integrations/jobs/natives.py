"""A batch's share that providers have in batches of their own: who has what, and what came of it.

Its methods wait for servers and disks, so they are done as steps. What is submitted is in the journal before the
provider hears of it, under a mark that the provider keeps, or that is in each request's name: a program that is killed
between the two finds the batch again, and pays for it once.
"""

from __future__ import annotations

import bisect
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request, chat_request, embedding_request
from genai_integrations.calls.route import BATCH, OK, Attempt, Route
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import (
    AuthenticationError,
    CallError,
    ConfigurationError,
    CredentialError,
    GenAIError,
    NotFoundError,
    RateLimitError,
)
from genai_integrations.jobs.items import Entry
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.jobs.native_state import Group, Open, opened, ranges
from genai_integrations.transports.batch_dialect import Account, BatchDialect, Job
from genai_integrations.transports.batching import Batching

_log = logging.getLogger("genai_integrations")

_PAUSES = (5.0, 20.0)
"""Seconds after which a batch is submitted again that was not taken, or whose answer did not come."""

WHY = "deadline=: at the provider's price for batches"


class Plans(Protocol):
    """What is needed of a router."""

    args: RouterArgs

    @property
    def batching(self) -> Batching | None:
        """Who asks providers for batches."""
        ...

    def batched_call(self, request: Request) -> WireCall | None:
        """How a request stands in a batch; None if it must be asked on its own."""
        ...

    def prices(self, name: str, target: str) -> Mapping[str, float] | None:
        """What the row of a name says that a target's tokens cost; None if it says nothing."""
        ...

    def tell(self, request: Request, route: Route, wire: Wire) -> None:
        """Tell the observers of an answer."""
        ...

    def connection(self, name: str) -> Connection | None:
        """A connection by its name, None if there is none."""
        ...

    def renewed(self, connection: Connection) -> Connection:
        """A connection whose key was refused, as it is stored now."""
        ...


class Natives:
    """The batches that providers have.

    Args:
        router: Says where requests go.
        journal: Keeps the state.
        now: Seconds since 1970.
    """

    def __init__(
        self, router: Plans, journal: BatchJournal, now: Callable[[], float] = time.time
    ) -> None:
        self._router = router
        self._journal = journal
        self._now = now
        self._count = len(journal.states)
        try:
            self.open: dict[str, Open] = {
                name: opened(name, state)
                for name, state in journal.states.items()
                if state.get("state") == "submitted"
            }
        except (KeyError, TypeError, ValueError):
            raise journal.wrong("a line about a provider's batch is damaged") from None
        # By first and last row. There may be a million rows, so each has no place of its own.
        self._owned = sorted(
            (first, last, one.name)
            for one in self.open.values()
            for first, last in ranges(one.rows)
        )

    def call_of(self, entry: Entry) -> WireCall | None:
        """How a request stands in a batch; None if it is sent live.

        Raises:
            GenAIError: Nobody serves it, or it cannot work.
        """
        if self._router.batching is None:
            return None
        return self._router.batched_call(self._request(entry))

    def group_of(self, call: WireCall) -> tuple[object, Account]:
        """What the requests of one batch have in common."""
        account = self._batching.account(call)
        headers = tuple(sorted(account.headers.items()))
        return (id(account.connection), account.model, account.operation, headers), account

    def new_group(self, account: Account) -> Group:
        """An empty one."""
        self._count += 1
        return Group(account, f"{self._journal.mark}-{self._count}")

    def add(self, group: Group, entry: Entry, call: WireCall) -> None:
        """Put a request into a batch."""
        line = self._batching.line(call, f"{group.mark}-{entry.index}")
        group.lines.append(line)
        group.rows.append(entry.index)
        group.seen.add(entry.key)
        group.size += len(line) + 1

    def is_full(self, group: Group) -> bool:
        """Whether it is to be submitted before another request comes."""
        batches = self._batches(group.account)
        return len(group.rows) >= batches.most or group.size >= batches.most_bytes

    def owner_of(self, index: int) -> Open | None:
        """The batch of an earlier run that has a request, None if none has it."""
        at = bisect.bisect_right(self._owned, (index, math.inf, "")) - 1
        if at < 0 or index > self._owned[at][1]:
            return None
        return self.open[self._owned[at][2]]

    def meet(self, one: Open, entry: Entry) -> None:
        """A request of a batch that was submitted by an earlier run; they come in the order of its rows."""
        one.seen.add(entry.key)

    def check(self) -> None:
        """Every request has been seen: are those of open batches the same as then?

        Raises:
            ConfigurationError: They are not, and the provider answers something else.
        """
        for one in self.open.values():
            if one.seen.count < len(one.rows) or str(one.seen) != one.digest:
                raise ConfigurationError(
                    f"the journal's batch {', '.join(one.ids) or one.mark} was begun with other requests: "
                    "run it with those, or name another file"
                )

    def submit(self, group: Group) -> bool:
        """Have a batch made; False if the provider does not take it, and its requests are sent live.

        Raises:
            ConfigurationError: The journal cannot be written: nothing is submitted then.
        """
        account, least = group.account, self._batches(group.account).least
        if len(group.rows) < least:
            _log.info("a batch takes %d requests or more: these are sent live", least)
            return False
        name = group.mark.rpartition("-")[2]
        target = (account.connection.name, account.model, account.operation)
        one = Open(
            name, account, target, group.mark, group.rows, self._now(), str(group.seen), group.seen
        )
        self._keep(one)
        failure = self._make(one, group)
        if failure is not None:
            where, count = account.connection.name, len(group.rows)
            _log.warning("%s takes no batch (%s): %d requests are sent live", where, failure, count)
            self._keep(one, "refused")
            return False
        self._keep(one)
        self.open[name] = one
        return True

    def _make(self, one: Open, group: Group) -> GenAIError | None:
        """Have a batch made, and note its id; what went wrong if it was not.

        Raises:
            GenAIError: Nobody knows whether it was made: the journal has what finds it.
        """
        batches, is_unclear = self._batches(group.account), False
        for pause in (*_PAUSES, None):
            try:
                # It may have been made though its answer did not come.
                one.ids = self._found(one) if is_unclear else ()
                if not one.ids:
                    asking = batches.submit(group.account, group.lines, group.mark)
                    one.ids = [self._batching.do(asking)]
            except GenAIError as error:
                failure, is_unclear = error, is_unclear or _is_unclear(error)
            else:
                return None
            if pause is None or not (is_unclear or isinstance(failure, RateLimitError)):
                break
            self._batching.wait(pause)
        one.ids = self._found(one) if is_unclear else ()
        return None if one.ids else failure

    def recover(self, one: Open) -> bool:
        """Find a batch again after a restart, by its mark if its id was not written down; False if there is none.

        Raises:
            ConfigurationError: Its connection is not there any more.
        """
        if one.account is None:
            name, model, operation = one.target
            connection, batching = self._router.connection(name), self._router.batching
            if (
                connection is None
                or batching is None
                or batching.dialect(connection, model) is None
            ):
                raise self._journal.wrong(
                    f"it has a batch at the connection {name!r}, which is paid for, and that connection is gone"
                )
            one.account = batching.account_of(connection, model, operation)
        if not one.ids:
            one.ids = self._found(one)
            self._keep(one, "submitted" if one.ids else "refused")
        return bool(one.ids)

    def look(self, one: Open) -> Job | None:
        """How a batch is; None if the provider cannot be asked now, or one that is gone, as over.

        Of several that it may be, the first whose results have its mark.
        """
        assert one.account is not None  # noqa: S101  `check` has seen to it
        batches = self._batches(one.account)
        try:
            jobs = [(each, self._batching.do(batches.look(one.account, each))) for each in one.ids]
            return self._of_several(one, jobs)
        except NotFoundError:
            return Job(is_over=True, why="the provider does not know it any more")
        except AuthenticationError as error:
            # A key may be changed within a day; the next look has the new one.
            self._renew(one, one.account)
            _log.info("the batch %s cannot be looked at now: %s", one.ids, error)
        except (CallError, CredentialError) as error:
            _log.info("the batch %s cannot be looked at now: %s", one.ids, error)
        return None

    def _renew(self, one: Open, account: Account) -> None:
        try:
            connection = self._router.renewed(account.connection)
        except CredentialError as error:
            _log.info("the key of batch %s cannot be read again now: %s", one.ids, error)
        else:
            one.account = replace(account, connection=connection)

    def _of_several(self, one: Open, jobs: Sequence[tuple[str, Job]]) -> Job:
        """The job of a batch, of those that it may be: all of them are to be over for that."""
        if not all(job.is_over for _, job in jobs):
            return Job(is_over=False)
        if len(jobs) == 1:
            return jobs[0][1]
        assert one.account is not None  # noqa: S101  as above
        batches = self._batches(one.account)
        for each, job in jobs:
            first = next(self._rows(one, job), None)
            told = batches.outcome(first).custom_id if first else None
            if told and told.startswith(f"{one.mark}-"):
                one.ids = [each]
                self._keep(one)
                return job
        return Job(is_over=True, why="it was not made")

    def cancel(self, one: Open) -> None:
        """Ask for the end of a batch; what is done by then comes."""
        assert one.account is not None  # noqa: S101  as above
        one.is_cancelled = True
        batches = self._batches(one.account)
        for each in one.ids:
            try:
                self._batching.do(batches.cancel(one.account, each))
            except GenAIError as error:
                _log.info("the batch %s cannot be cancelled: %s", each, error)

    def answers(
        self, one: Open, job: Job, take: Callable[[int], Entry], *, is_last: bool
    ) -> Iterator[tuple[Entry, Reply | None]]:
        """Each request with its answer, or with None for one that is to be sent live.

        Args:
            one: The batch.
            job: How it is.
            take: Gives a request again.
            is_last: Whether there is no time to read results again that cannot be read now.

        Raises:
            CallError: They cannot be read now. The provider has them still, and they are paid for.
            CredentialError: As above.
        """
        assert one.account is not None  # noqa: S101  as above
        batches, left = self._batches(one.account), set(one.rows)
        try:
            for at, row in enumerate(self._rows(one, job)):
                outcome = batches.outcome(row)
                index = _index(outcome.custom_id, one, at)
                if index not in left:
                    continue
                left.discard(index)
                if not self._journal.has(index):
                    entry = take(index)
                    yield entry, self._reply(one, entry, outcome.answer)
        except (CallError, CredentialError) as error:
            if not is_last and _may_pass(error):
                raise
            _log.warning("the results of batch %s cannot be read to the end: %s", one.ids, error)
        for index in sorted(left):
            yield take(index), None

    def tell(self, entry: Entry, reply: Reply) -> None:
        """Tell the observers of an answer, once: after it is in the journal."""
        self._router.tell(self._request(entry), reply.route, reply.wire)

    def done(self, one: Open, state: str = "done") -> None:
        """Everything of it is in the journal."""
        self._keep(one, state)
        del self.open[one.name]

    @property
    def _batching(self) -> Batching:
        found = self._router.batching
        assert found is not None  # noqa: S101  `call_of` has seen to it
        return found

    def _request(self, entry: Entry) -> Request:
        given = dict(entry.request)
        model = given.pop("model")
        given.pop("stream", None)
        if entry.is_embedding:
            return embedding_request(model, given.pop("input"), given, self._router.args)
        return chat_request(model, given.pop("messages"), given, self._router.args, stream=False)

    def _batches(self, account: Account) -> BatchDialect:
        found = self._batching.dialect(account.connection, account.model)
        assert found is not None  # noqa: S101  as above
        return found

    def _found(self, one: Open) -> Sequence[str]:
        assert one.account is not None  # noqa: S101  as above
        asking = self._batches(one.account).find(one.account, one.mark, len(one.rows), one.since)
        taken = {each for other in self.open.values() if other is not one for each in other.ids}
        return [each for each in self._batching.do(asking) if each not in taken]

    def _rows(self, one: Open, job: Job) -> Iterator[Mapping[str, Any]]:
        assert one.account is not None  # noqa: S101  as above
        yield from job.rows
        for file in job.files:
            yield from self._batching.rows(self._batches(one.account).fetch(one.account, file))

    def _reply(self, one: Open, entry: Entry, answer: object) -> Reply | None:
        account = one.account
        if answer is None or account is None:
            return None
        connection, model = account.connection, account.model
        try:
            asked = self._request(entry)
            body = {"model": model, **asked.body}
            call = WireCall(connection, model, account.operation, body, asked.args.drop_params)
            wire = self._batching.reply(call, answer)
        except GenAIError:
            return None
        provider = connection.provider.name
        attempt = Attempt(f"{connection.name}/{model}", connection.name, provider, model, BATCH)
        attempt.outcome, attempt.usage = OK, wire.get("usage")
        attempt.answered = str(wire["model"]) if wire.get("model") else None
        attempt.ms = max(self._now() - one.since, 0.0) * 1000
        attempt.prices = self._router.prices(asked.model, attempt.target)
        return Reply(wire, Route(entry.request["model"], [attempt], WHY))

    def _keep(self, one: Open, state: str = "submitted") -> None:
        self._journal.keep_state(one.name, one.as_dict(state))


def _is_unclear(error: GenAIError) -> bool:
    """Whether the batch may have been made though this came back."""
    return isinstance(error, CallError) and (error.status or 500) >= 500  # noqa: PLR2004  HTTP's own


def _may_pass(error: CallError | CredentialError) -> bool:
    """Whether the same request may go well a while later; a key may be changed by then."""
    return _is_unclear(error) or isinstance(
        error, (CredentialError, RateLimitError, AuthenticationError)
    )


def _index(custom_id: str | None, one: Open, at: int) -> int:
    """Which request a result is of; -1 if of none of the batch."""
    if custom_id is None:
        return one.rows[at] if at < len(one.rows) else -1
    mark, _, index = custom_id.rpartition("-")
    return int(index) if mark == one.mark and index.isdecimal() and len(index) < 16 else -1  # noqa: PLR2004
