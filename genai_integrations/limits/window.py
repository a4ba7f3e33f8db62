"""One name's use in the last minute, exactly: a log of what was let through, not a counter of fixed minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from genai_integrations.limits.claims import NEVER, Claim, Refusal, Row

SECONDS = 60.0
"""The window of `rpm` and `tpm`."""


@dataclass(slots=True)
class Entry:
    """What was let through at a moment."""

    at: float
    requests: int
    tokens: int


class Window:
    """What one limit has let through. Whoever has it holds the gate's lock.

    Args:
        seconds: How long the window is.

    Attributes:
        running: Calls at once.
        full_until: Until when Redis says that there is no room.
    """

    __slots__ = ("_log", "_requests", "_seconds", "_tokens", "full_until", "running")

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._log: deque[Entry] = deque()
        self._requests = self._tokens = 0
        self.running = 0
        self.full_until = 0.0

    def refusal(self, row: Row, claim: Claim, ahead: Sequence[Claim], now: float) -> Refusal | None:
        """Why there is no room for a claim, None if there is.

        Args:
            row: The limit.
            claim: What is asked.
            ahead: Who waits before it: what comes free is theirs first.
            now: The moment.
        """
        self._expire(now)
        limit, name = row.limit, row.name
        if limit.rpm is not None and row.requests:
            over = self._requests + len(ahead) + row.requests - limit.rpm
            if over > 0:
                told = f"{name} is at its limit of {limit.rpm} requests a minute"
                return Refusal(name, "rpm", told, self._free_at(over, now, of_tokens=False))
        if limit.tpm is not None:
            if claim.tokens > limit.tpm:
                told = f"the request takes about {claim.tokens} tokens, and {name} is limited to {limit.tpm} a minute: shorten it, or lower max_tokens"  # fmt: skip
                return Refusal(name, "tpm", told, NEVER)
            over = self._tokens + sum(one.tokens for one in ahead) + claim.tokens - limit.tpm
            if over > 0:
                told = f"{name} is at its limit of {limit.tpm} tokens a minute"
                return Refusal(name, "tpm", told, self._free_at(over, now, of_tokens=True))
        if limit.max_parallel is not None and row.slots:
            over = self.running + len(ahead) + row.slots - limit.max_parallel
            if over > 0:
                told = f"{name} is at its limit of {limit.max_parallel} calls at once"
                return Refusal(name, "max_parallel", told, now + UNTIL_TOLD)
        if self.full_until > now and not ahead:
            told = f"{name} is at its limit, which other processes share"
            return Refusal(name, "rpm", told, self.full_until)
        return None

    def add(self, row: Row, claim: Claim, now: float) -> Entry:
        """Let a claim through."""
        entry = Entry(now, row.requests, claim.tokens)
        self._log.append(entry)
        self._requests += row.requests
        self._tokens += claim.tokens
        self.running += row.slots
        return entry

    def correct(self, entry: Entry, tokens: int) -> None:
        """What it really took."""
        # After its minute it is out of the log, and its number in no sum.
        if entry.tokens >= 0:
            self._tokens += tokens - entry.tokens
            entry.tokens = tokens

    def take_back(self, entry: Entry, row: Row) -> None:
        """It was not sent."""
        if entry.tokens >= 0:
            self._requests -= entry.requests
            self.correct(entry, 0)
            entry.requests = 0
        self.running -= row.slots

    def _free_at(self, over: int, now: float, *, of_tokens: bool) -> float:
        """When so much will have left the window. Beyond what is in it, a window later: those ahead fill it again."""
        freed, last = 0, now
        for entry in self._log:
            freed += entry.tokens if of_tokens else entry.requests
            last = entry.at + self._seconds
            if freed >= over:
                return last
        rounds = -(-(over - freed) // max(freed, 1)) if not of_tokens else 1
        return last + self._seconds * rounds

    def _expire(self, now: float) -> None:
        log = self._log
        while log and log[0].at + self._seconds <= now:
            entry = log.popleft()
            self._requests -= entry.requests
            self._tokens -= entry.tokens
            entry.tokens = -1


UNTIL_TOLD = 1.0
"""Seconds after which somebody who waits for a place looks again, if nobody has said that one is free."""
