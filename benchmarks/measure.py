"""CPU time of pieces of work that compete: interleaved, in random order, medians."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

SETTLING = 0.03
"""Seconds to wait after a block, so that what it left to other threads is charged to it."""

_SEED = 20261121


@dataclass(slots=True)
class Contender:
    """One competitor in one row.

    Attributes:
        row: What is measured; contenders of one row are compared.
        name: Who.
        work: Does `units` units of it; asynchronous where `is_async`.
        units: Calls, or chunks, in one block.
        is_async: Whether `work` returns an awaitable.
        seconds: CPU seconds per unit, one for each round.
    """

    row: str
    name: str
    work: Callable[[], object]
    units: int
    is_async: bool = False
    seconds: list[float] = field(default_factory=list)

    @property
    def microseconds(self) -> float:
        """Median per unit."""
        return statistics.median(self.seconds) * 1e6


def interleave(
    contenders: Sequence[Contender], rounds: int, progress: Callable[[str], None]
) -> None:
    """Measure all contenders in every round, in a new random order; one round before does not count."""
    order = random.Random(_SEED)  # noqa: S311  the order must be the same in every run
    with asyncio.Runner() as runner:
        for number in range(rounds + 1):
            shuffled = order.sample(contenders, len(contenders))
            for at, contender in enumerate(shuffled):
                progress(
                    f"round {number} of {rounds}, {at + 1} of {len(shuffled)}: {contender.name}"
                )
                spent = _block(contender, runner)
                if number:
                    contender.seconds.append(spent / contender.units)


def _block(contender: Contender, runner: asyncio.Runner) -> float:
    """CPU seconds of all threads for one block."""
    gc.collect()
    if contender.is_async:
        return runner.run(_async_block(contender))
    started = time.process_time()
    contender.work()
    time.sleep(SETTLING)
    return time.process_time() - started


async def _async_block(contender: Contender) -> float:
    started = time.process_time()
    result = contender.work()
    if isinstance(result, Awaitable):
        await result
    await asyncio.sleep(SETTLING)
    return time.process_time() - started


def many(times: int, work: Callable[[], object]) -> Callable[[], None]:
    """The work, one after the other."""

    def block() -> None:
        for _ in range(times):
            work()

    return block


def at_once(times: int, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
    """The work, all at the same time."""

    async def block() -> None:
        await asyncio.gather(*(work() for _ in range(times)))

    return block


def drain(chunks: Iterable[object]) -> int:
    """Read a stream to its end, looking at nothing."""
    return sum(1 for _ in chunks)
