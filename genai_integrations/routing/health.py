"""A circuit breaker for each target: which ones have failed lately, and which one call finds out whether they are back.

A circuit is closed while its target answers, open while it cools down after failures, and half-open from the end of
the cooldown until one attempt, the probe, has shown whether the target is back.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from genai_integrations.connections.connection import Connection
from genai_integrations.routing.accounts import Accounts
from genai_integrations.routing.probe import Probe
from genai_integrations.routing.retry_budget import RetryBudget
from genai_integrations.runtime.fork import after_fork_in_child

WINDOW = 60.0
"""Seconds within which failures are counted against `allowed_fails`."""

LONGEST_COOLDOWN = 3600.0
"""Seconds after which a target is tried again whatever its `Retry-After` said.

A quota of a day may say 20 hours; within those a person may have raised it.
"""

MOST_CIRCUITS = 4096
"""Targets with failures that are remembered; a program that makes names up cannot fill the memory."""

REMEMBERED = 600.0
"""Seconds that a circuit stays half-open with nobody asking for its target, before it is forgotten."""

PROBE_GRACE = 1.0
"""Seconds a probe may live beyond its attempt's time-out, since that is noticed a little late on a busy machine."""

State = Literal["closed", "open", "half-open"]
"""What a circuit does with calls: lets them through, keeps them away, or lets one through."""


@dataclass(slots=True)
class _Circuit:
    """What is known of a target that has failed.

    Attributes:
        fails: Failures since the window began.
        window_ends_at: When those are forgotten.
        opened_at: When the present cooldown began; older attempts say nothing of it.
        open_until: When the cooldown ends; 0 while the circuit is closed.
        probe: The attempt that is under way in a half-open circuit, or was.
    """

    fails: int
    window_ends_at: float
    opened_at: float = 0.0
    open_until: float = 0.0
    probe: Probe | None = None

    def state(self, now: float) -> State:
        if not self.open_until:
            return "closed"
        return "open" if now < self.open_until else "half-open"

    def is_old(self, now: float) -> bool:
        forgotten_at = self.open_until + REMEMBERED if self.open_until else self.window_ends_at
        return now >= forgotten_at

    def running_probe(self, now: float) -> Probe | None:
        """The probe that is worth waiting for.

        One that is neither done nor expired: a call that was killed may never say how its attempt ended.
        """
        probe = self.probe
        return None if probe is None or probe.is_done or now >= probe.expires_at else probe

    def awaits_other(self, probe: Probe | None, now: float) -> bool:
        """Whether it is half-open, and another probe than this one decides."""
        running = self.running_probe(now)
        return self.state(now) == "half-open" and running is not None and running is not probe


@dataclass(frozen=True, slots=True)
class Admission:
    """How a call may use a target now. With neither attribute set: at once.

    Attributes:
        mine: The probe that this call's attempt is; the call must finish it.
        other: The probe of another call, whose outcome is to be waited for.
    """

    mine: Probe | None = None
    other: Probe | None = None


AT_ONCE = Admission()
"""What almost every call gets."""


class Health:
    """The circuits of all targets, by the targets' names. Shared by every call of a client, in every thread and loop.

    A target without failures has no circuit in memory, and asking for it takes no lock. What changes a circuit takes
    one: two probes at a time, or a `Retry-After` overwritten by a shorter cooldown, would be wrong for long. The lock
    is re-entrant, because the collector may close an abandoned stream, and report its failure, inside it.

    Args:
        allowed_fails: Failures within a minute before a target cools down.
        cooldown_time: Seconds it is then left alone; with 0 no circuit opens but by a `Retry-After`.
        clock: Monotonic seconds.

    Attributes:
        retries: The budget of retries, over all targets.
        accounts: Those without credit.
        rehearsed: Targets whose failures are a rehearsal, of which other processes are not told.
        changed: Cooldowns that began or ended here since they were last told to other processes: for each target the
            moment its cooldown ends, 0 where it is back. Stays empty where nobody shares them.
    """

    def __init__(
        self,
        allowed_fails: int = 0,
        cooldown_time: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.retries = RetryBudget()
        self.accounts = Accounts(clock)
        self._allowed = allowed_fails
        self._cooldown = cooldown_time
        self._clock = clock
        # In the order of their last failures, so that the first one is the first to be forgotten.
        self._records: OrderedDict[str, _Circuit] = OrderedDict()
        self._lock = threading.RLock()
        self.changed: dict[str, float] = {}
        self.rehearsed: set[str] = set()
        self._of_hurried: Health | None = None
        # What other processes have told, by hash, until somebody asks for the target.
        self._heard: dict[str, float] = {}
        self._hashed: Callable[[str], str] | None = None
        after_fork_in_child(self._after_fork)

    def share(self, hashed: Callable[[str], str]) -> None:
        """From here on note what other processes are to be told, and take over what they tell.

        Args:
            hashed: Gives the name that they have for a target.
        """
        self._hashed = hashed

    def hear(self, heard: Mapping[str, float], told: Mapping[str, float]) -> None:
        """Other processes have told of cooldowns, and were told of this one's.

        Args:
            heard: By the hash of the target when its cooldown ends, 0 where it is back.
            told: What they know now of `changed`.
        """
        with self._lock:
            for target, ends in told.items():
                if self.changed.get(target) == ends:
                    del self.changed[target]
            self._heard.update(heard)
            while len(self._heard) > MOST_CIRCUITS:
                del self._heard[next(iter(self._heard))]

    def free_at(self, target: str) -> float:
        """A number to order targets by: 0 for one that may be tried now, else the moment its cooldown ends or ended.

        A half-open target whose probe is under way is not free, though its cooldown is over.
        """
        circuit = self._known(target)
        if circuit is None:
            return 0.0
        now = self._clock()
        if circuit.state(now) == "half-open" and circuit.running_probe(now) is None:
            return 0.0
        return circuit.open_until

    def cooling(self) -> dict[str, float]:
        """The targets that are left alone now, and for how many seconds more."""
        if not self._records:
            return {}
        now = self._clock()
        with self._lock:
            known = [
                (target, circuit.open_until - now) for target, circuit in self._records.items()
            ]
        return {target: left for target, left in known if left > 0}

    def running_probe(self, target: str) -> Probe | None:
        """The probe of a target whose outcome is worth waiting for."""
        circuit = self._records.get(target)
        return None if circuit is None else circuit.running_probe(self._clock())

    def admit(self, target: str, timeout: float, *, only_as_probe: bool = False) -> Admission:
        """How an attempt may be made at a target now.

        While the circuit is open every attempt is admitted: who asks for a target that cools has nowhere else to go.

        Args:
            target: Its name.
            timeout: Seconds that the attempt may take.
            only_as_probe: Whether one attempt at a time is admitted while the circuit is open, too.
        """
        circuit = self._known(target)
        if circuit is None:
            return AT_ONCE
        # If another call closes it just now, this one probes a target that is back, and nobody waits for that.
        with self._lock:
            now = self._clock()
            state = circuit.state(now)
            if state == "closed" or (state == "open" and not only_as_probe):
                return AT_ONCE
            running = circuit.running_probe(now)
            if running is not None:
                return Admission(other=running)
            circuit.probe = Probe(timeout, now + timeout + PROBE_GRACE)
            return Admission(mine=circuit.probe)

    def failed(
        self, target: str, retry_after: float | None = None, probe: Probe | None = None
    ) -> None:
        """Count a failure, and open the circuit if that is one too many.

        Args:
            target: Its name.
            retry_after: Seconds the target asks to be left alone; opens the circuit at once.
            probe: The probe that the failed attempt was, if it was one.
        """
        now = self._clock()
        with self._lock:
            circuit = self._circuit(target, now)
            if circuit.awaits_other(probe, now) and not retry_after:
                # An attempt from before the cooldown's end; the probe will say how things are now.
                return
            circuit.fails += 1
            # A circuit that is not closed has used up its allowance: whatever fails there opens it again.
            if circuit.fails > self._allowed or circuit.open_until or retry_after:
                self._open(circuit, now, retry_after or 0.0)
                self._note(target, circuit.open_until)
            if circuit.probe is probe:
                circuit.probe = None

    def timed_out(self, target: str, probe: Probe | None = None) -> None:
        """Count a time-out of a call that gave the target as much time as the client's own settings do."""
        self.failed(target, None, probe)

    def of_hurried(self) -> Health:
        """The circuits that calls in a hurry share among themselves; see `routing.hurry`."""
        with self._lock:
            if self._of_hurried is None:
                self._of_hurried = Health(self._allowed, self._cooldown, self._clock)
            return self._of_hurried

    def succeeded(self, target: str, began: float = 0.0) -> None:
        """Close the circuit, and forget its failures.

        Args:
            target: Its name.
            began: When the attempt began that succeeded, on the clock given. One that is older than a cooldown says
                nothing of it, and neither does one of which this is not known.
        """
        if target not in self._records:
            # Almost always, and then no lock is needed.
            return
        with self._lock:
            circuit = self._records.get(target)
            if circuit is None or began < circuit.opened_at:
                return
            del self._records[target]
            self._note(target, 0.0)
        if circuit.probe is not None:
            # Whoever waits for it need not any more, whether or not it was the probe that succeeded.
            circuit.probe.finish()

    def forget(self, target: str, connection: Connection) -> None:
        """Close the circuit of a target, and fill its account: what was told of them was a rehearsal."""
        self.succeeded(target, math.inf)
        self.accounts.answered(connection, math.inf)
        self._of_hurried = None
        self.rehearsed.discard(target)

    def _after_fork(self) -> None:
        """After a fork, in the child: no call is under way, and no thread is left that could give the lock back."""
        self._lock = threading.RLock()
        self.changed = {}
        for circuit in self._records.values():
            circuit.probe = None

    def _note(self, target: str, ends: float) -> None:
        """Keep for other processes that a cooldown began or ended."""
        if self._hashed is not None and target not in self.rehearsed:
            self.changed[target] = ends
            while len(self.changed) > MOST_CIRCUITS:
                del self.changed[next(iter(self.changed))]

    def _known(self, target: str) -> _Circuit | None:
        """The circuit of a target, with what another process has told of it."""
        if self._heard and self._hashed is not None:
            with self._lock:
                ends = self._heard.pop(self._hashed(target), None)
                # What this process has seen itself since, it knows better.
                if ends is not None and target not in self.changed:
                    self._take_over(target, ends)
        return self._records.get(target)

    def _take_over(self, target: str, ends: float) -> None:
        now = self._clock()
        if ends > now:
            circuit = self._circuit(target, now)
            if ends > circuit.open_until:
                circuit.opened_at = now if circuit.state(now) != "open" else circuit.opened_at
                circuit.open_until = ends
        elif not ends and (known := self._records.pop(target, None)) and known.probe is not None:
            known.probe.finish()

    def _open(self, circuit: _Circuit, now: float, retry_after: float) -> None:
        ends = now + min(max(self._cooldown, retry_after), LONGEST_COOLDOWN)
        # A later failure never makes a target free earlier than it had said.
        if ends > max(circuit.open_until, now):
            begins_anew = retry_after or circuit.state(now) != "open"
            circuit.opened_at = now if begins_anew else circuit.opened_at
            circuit.open_until = ends

    def _circuit(self, target: str, now: float) -> _Circuit:
        """The circuit of a target that has just failed."""
        circuit = self._records.get(target)
        if circuit is None:
            circuit = self._records[target] = _Circuit(0, now + WINDOW)
        elif circuit.window_ends_at <= now:
            circuit.fails, circuit.window_ends_at = 0, now + WINDOW
        self._records.move_to_end(target)
        self._forget(now)
        return circuit

    def _forget(self, now: float) -> None:
        """Let go of circuits that are old, and of the oldest if they are too many."""
        while len(self._records) > 1:
            name, oldest = next(iter(self._records.items()))
            if not oldest.is_old(now) and len(self._records) <= MOST_CIRCUITS:
                return
            del self._records[name]
