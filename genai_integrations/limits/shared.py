"""Limits and budgets that several processes share through one Redis server.

A claim asks the server once. What is put right after it goes through a queue and a thread of its own, so that no call
waits for it, and no end of a stream either. The places of calls at once are leases: the thread renews them, and those of
a process that was killed expire.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genai_integrations.errors import LimitError
from genai_integrations.limits.claims import Claim, Refusal
from genai_integrations.limits.rules import Budget, StoreAway
from genai_integrations.limits.scripts import PAY, SETTLE, TAKE
from genai_integrations.limits.spending import RUN, OnAlert, crossed, tell, too_much
from genai_integrations.limits.window import SECONDS
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.process_end import finish_worker
from genai_integrations.runtime.redis_link import RedisAway, RedisLink

LEASE = 30.0
"""Seconds after which the places of a process that was killed are free again."""

POLL = 0.1
"""Seconds after which a place is asked for again, which another process may have freed."""

_KEPT: Mapping[str, int] = {"day": 2 * 86_400, "month": 62 * 86_400}
"""Seconds for which a budget's number is kept, longer than its period."""

_AGAIN = 1.0
"""Seconds after which what the server did not hear is told again."""

_PATIENCE = 2.0
"""Seconds that the end of a process waits for what is queued."""

Work = Callable[[Any], object]


class SharedLimits:
    """The server's side of a `Gate`. Safe for threads, for several event loops and after fork.

    Args:
        link: To the server.
        when_away: What to do while it does not answer.
        space: Whose limits they are; clients of another project on the same server have others.
        on_alert: Told when a share of a budget is used up.
        clock: Monotonic seconds.
        wall: Seconds since 1970.
        seconds: How long the window of `rpm` and `tpm` is.
        lease: Seconds that a place lasts without being renewed.
    """

    def __init__(
        self,
        link: RedisLink,
        when_away: StoreAway = "local",
        space: str = "",
        *,
        on_alert: OnAlert | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        seconds: float = SECONDS,
        lease: float = LEASE,
    ) -> None:
        self._link = link
        self._when_away = when_away
        self._space = f"genai:{{{space or 'limits'}}}"
        self._clock = clock
        self._wall = wall
        self._window_ms = round(seconds * 1000)
        self._lease_ms = round(lease * 1000)
        self._me = secrets.token_hex(6)
        self._on_alert = on_alert
        self._told: set[tuple[str, float]] = set()
        self._known: dict[str, int] = {}
        self._owed: dict[str, int] = {}
        self._alone: dict[str, int] = {}
        self._unsettled: deque[tuple[float, Work]] = deque()
        self._leases: dict[tuple[str, str], None] = {}
        self._queue: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_to_finish = False
        # Re-entrant: the collector may end a stream inside it.
        self._lock = threading.RLock()
        after_fork_in_child(self._renew)

    def take(self, claim: Claim) -> Refusal | None:
        """Ask the server to let a claim in; why it does not, or None. While it is away, what is known here decides.

        Raises:
            LimitError: The server is away, and it does matter.
        """
        keys, arguments = self._asked(claim)
        try:
            answer = self._link.ask(lambda redis: redis.eval(TAKE, len(keys), *keys, *arguments))
        except RedisAway as error:
            return self._without(claim, error)
        return self._answered(claim, answer)

    async def atake(self, claim: Claim) -> Refusal | None:
        """As `take`, without blocking the loop."""
        keys, arguments = self._asked(claim)
        try:
            answer = await self._link.aask(
                lambda redis: redis.eval(TAKE, len(keys), *keys, *arguments)
            )
        except RedisAway as error:
            return self._without(claim, error)
        return self._answered(claim, answer)

    def settled(self, claim: Claim, tokens: int | None, cost: int | None) -> None:
        """Put right what a claim took, soon, and free the places of its attempt. It never waits."""
        self._pay(claim, (claim.nanos if cost is None else cost))
        if claim.counted == "there":
            frees = [row.name for row in claim.rows if row.slots and not row.lasts]
            self._settle(claim, -1 if tokens is None else tokens, "keep", frees)

    def given_back(self, claim: Claim) -> None:
        """It was not sent."""
        self._pay(claim, 0)
        self.abandoned(claim)

    def abandoned(self, claim: Claim) -> None:
        """It was not sent, and nobody knows whether the server had let it in. Money stays reserved: never too little."""
        if claim.counted == "there":
            self._settle(claim, 0, "0", [row.name for row in claim.rows if row.slots])

    def left(self, claim: Claim, names: Sequence[str]) -> None:
        """Free the places that a call kept."""
        if claim.counted == "there":
            self._settle(claim, -1, "keep", names)

    def flush(self, seconds: float = _PATIENCE) -> None:
        """Send what is queued, and wait for it."""
        if self._thread is None:
            return
        done = threading.Event()
        self._put(lambda _: done.set())
        done.wait(seconds)

    def _asked(self, claim: Claim) -> tuple[list[str], list[str | int]]:
        claim.key = f"{self._me}:{claim.key}"
        keys: list[str] = []
        arguments: list[str | int] = [claim.key, self._window_ms, self._lease_ms, len(claim.rows)]
        for row in claim.rows:
            keys += self._keys(row.name)
            bounds = (row.limit.rpm, row.limit.tpm, row.limit.max_parallel)
            arguments += [-1 if bound is None else bound for bound in bounds]
            arguments += [row.requests, claim.tokens, row.slots]
        for name, budget in self._budgets(claim).items():
            key = self._budget_key(name, claim.periods[name])
            keys.append(key)
            arguments += [budget.nanos, claim.nanos, self._known.get(key, 0), _KEPT[budget.per]]
        return keys, arguments

    def _answered(self, claim: Claim, answer: list[Any]) -> Refusal | None:
        budgets = self._budgets(claim)
        if int(answer[0]) == 0:
            claim.counted = "there"
            for row in claim.rows:
                if row.slots:
                    self._leases[self._keys(row.name)[2], claim.key] = None
            for name, total in zip(budgets, answer[1:], strict=True):
                self._known[self._budget_key(name, claim.periods[name])] = int(total)
            self._start()
            return None
        number, what = int(answer[0]), answer[1].decode()
        if number > 0:
            return self._refusal(claim.rows[number - 1].name, what, int(answer[2]) / 1000)
        name = list(budgets)[-1 - number]
        refusal = too_much(name, budgets[name], int(answer[2]), claim, self._wall())
        return refusal or Refusal(name, "usd", f"the budget {name!r} is spent", float("inf"))

    def _refusal(self, name: str, what: str, seconds: float) -> Refusal:
        if what == "max_parallel":
            seconds = POLL
        told = {"rpm": "requests a minute", "tpm": "tokens a minute"}.get(what, "calls at once")
        text = f"{name} is at its limit of {told}, which other processes share"
        return Refusal(name, what, text, self._clock() + max(seconds, 0.001))

    def _without(self, claim: Claim, error: RedisAway) -> Refusal | None:
        """What this process knows: the windows are looked at by the gate, here the money of all as it was last."""
        if self._when_away == "fail":
            raise LimitError(
                # Which one, the cause says: a gateway's callers are not to know.
                "the Redis server that shares the limits cannot be reached, and limits_away='fail' lets nothing through"
            ) from error
        now = self._wall()
        for name, budget in self._budgets(claim).items():
            key = self._budget_key(name, claim.periods[name])
            # What the server said last, what it was not told yet, and what is under way without it.
            sums = self._known, self._owed, self._alone
            refusal = too_much(name, budget, sum(row.get(key, 0) for row in sums), claim, now)
            if refusal is not None:
                return refusal
        claim.counted = "here"
        for name in self._budgets(claim):
            self._add(self._alone, self._budget_key(name, claim.periods[name]), claim.nanos)
        return None

    def _add(self, sums: dict[str, int], key: str, change: int) -> None:
        with self._lock:
            sums[key] = sums.get(key, 0) + change

    def _pay(self, claim: Claim, cost: int) -> None:
        """Say what a claim did cost. What the server cannot hear now it is told later."""
        if not claim.counted:
            return
        for name, budget in self._budgets(claim).items():
            period = claim.periods[name]
            key = self._budget_key(name, period)
            if claim.counted == "here":
                self._add(self._alone, key, -claim.nanos)
                self._add(self._owed, key, cost)
            else:
                self._add(self._owed, key, cost - claim.nanos)
            self._put(self._pay_off)
            self._put(functools.partial(self._alert, name, budget, period))

    def _pay_off(self, redis: Any) -> None:
        for key in list(self._owed):
            with self._lock:
                change = self._owed.pop(key, 0)
            if not change:
                continue
            try:
                known = self._known.get(key, 0)
                total = redis.eval(PAY, 1, key, change, known, _KEPT["month"])
            except BaseException:
                self._add(self._owed, key, change)
                raise
            self._known[key] = int(total)

    def _alert(self, name: str, budget: Budget, period: str, redis: Any) -> None:
        """Tell of shares that all processes together have used up: one of them does, once."""
        key = self._budget_key(name, period)
        for alert in crossed(name, budget, self._known.get(key, 0), period):
            if (key, alert.share) not in self._told:
                self._told.add((key, alert.share))
                if redis.set(f"{key}:told:{alert.share:g}", 1, nx=True, ex=_KEPT[budget.per]):
                    tell(self._on_alert, (alert,))

    def _settle(self, claim: Claim, tokens: int, requests: str, frees: Sequence[str]) -> None:
        keys: list[str] = []
        arguments: list[str | int] = [claim.key, len(claim.rows)]
        for row in claim.rows:
            _, sums, places = self._keys(row.name)
            keys += (sums, places)
            is_free = row.name in frees
            arguments += [tokens, requests, int(is_free)]
            if is_free:
                self._leases.pop((places, claim.key), None)
        if keys:
            ends = time.monotonic() + self._lease_ms / 1000
            self._unsettled.append((ends, functools.partial(_settled, keys, arguments)))
            self._put(self._settle_all)

    def _settle_all(self, redis: Any) -> None:
        """Put right what is over. What the server does not hear is told again until its leases end by themselves."""
        for _ in range(len(self._unsettled)):
            ends, work = self._unsettled.popleft()
            if time.monotonic() < ends:
                try:
                    work(redis)
                except BaseException:
                    # Behind the others: one that is refused must not hold them up.
                    self._unsettled.append((ends, work))
                    raise

    def _put(self, work: Work) -> None:
        # A simple queue may be put to from a finaliser, whatever the thread was doing.
        self._queue.put(work)
        self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(self._queue,), name="genai-limits", daemon=True
                )
                self._thread.start()
                atexit.register(self.flush)
                if not self._is_to_finish:
                    self._is_to_finish = True
                    finish_worker(self.flush)

    def _run(self, works: queue.SimpleQueue[Work]) -> None:
        """Until there is nothing to send, to renew and to owe."""
        pause = self._lease_ms / 3000
        renewed_at = time.monotonic()
        while True:
            try:
                work = works.get(timeout=_AGAIN if self._unsettled or self._owed else pause)
            except queue.Empty:
                if self._is_idle(works):
                    return
                work = self._catch_up
            with contextlib.suppress(RedisAway):
                self._link.ask(work)
            if time.monotonic() - renewed_at >= pause:
                renewed_at = time.monotonic()
                with contextlib.suppress(RedisAway):
                    self._link.ask(self._prolong)

    def _catch_up(self, redis: Any) -> None:
        """Tell what the server has not heard."""
        self._settle_all(redis)
        self._pay_off(redis)

    def _is_idle(self, works: queue.SimpleQueue[Work]) -> bool:
        with self._lock:
            if self._leases or self._owed or self._unsettled or not works.empty():
                return False
            atexit.unregister(self.flush)
            self._thread = None
            return True

    def _prolong(self, redis: Any) -> None:
        leases = list(self._leases)
        if not leases:
            return
        seconds, micros = redis.time()
        ends = seconds * 1000 + micros // 1000 + self._lease_ms
        with redis.pipeline(transaction=False) as pipe:
            for places, claim in leases:
                pipe.zadd(places, {claim: ends}, xx=True)
                pipe.pexpire(places, self._lease_ms * 2)
            pipe.execute()

    def _budgets(self, claim: Claim) -> dict[str, Budget]:
        """Those that are shared: a run is one process's own."""
        return {name: row for name, row in claim.budgets.items() if row.per != RUN}

    def _keys(self, name: str) -> tuple[str, str, str]:
        return f"{self._space}:{name}:log", f"{self._space}:{name}:sums", f"{self._space}:{name}:places"  # fmt: skip

    def _budget_key(self, name: str, period: str) -> str:
        return f"{self._space}:{name}:usd:{period}"

    def _renew(self) -> object:
        """In a forked child: thread, calls and debts are the parent's."""
        old = self._queue, self._lock, self._thread
        self._me = secrets.token_hex(6) + str(os.getpid())
        self._queue = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._thread = None
        self._is_to_finish = False
        self._owed, self._alone, self._leases = {}, {}, {}
        self._unsettled = deque()
        return old


def _settled(keys: Sequence[str], arguments: Sequence[str | int], redis: Any) -> object:
    """Told twice it does no harm: it says how things are, and not how they change."""
    return redis.eval(SETTLE, len(keys), *keys, *arguments)
