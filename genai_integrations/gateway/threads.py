"""Threads of one kind of work: what is slow there holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A pool that is made when it is first used. For one event loop.

    The loop's own pool has few threads, which the calls of all projects share: nothing that waits for a database, a
    store or another server may be done there.

    Args:
        name: Of the threads.
        most: How many at once; what comes beside them waits.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._most, self._name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Let go of them; what one is at still answers, to nobody."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
