"""The two loops that run a batch's steps: one for threads, one for event loops."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import Future
from typing import Any, Protocol

from genai_integrations.jobs.items import BatchItem, Entry
from genai_integrations.jobs.steps import Await, Begin, Ended, Give, Pull, Pulled, Step
from genai_integrations.runtime.background import own_loop

Steps = Generator[Step, Any, None]
"""A batch, step by step."""


class Asks(Protocol):
    """What a batch needs of a client."""

    @property
    def acompletion(self) -> Callable[..., Awaitable[Any]]:
        """Ask a model: `model`, `messages` and parameters."""
        ...

    @property
    def aembedding(self) -> Callable[..., Awaitable[Any]]:
        """Embed texts: `model`, `input` and parameters."""
        ...


async def asked(client: Asks, entry: Entry) -> Ended:
    """Send a request. Whatever goes wrong is its outcome: one broken request does not end a batch."""
    ask = client.aembedding if entry.is_embedding else client.acompletion
    try:
        return Ended(entry, await ask(**entry.request))
    except Exception as error:  # noqa: BLE001  as said above
        return Ended(entry, error)


def run(steps: Steps, requests: Iterable[object], client: Asks) -> Generator[BatchItem]:
    """Run a batch in the caller's thread, which also takes the requests: they may be a database's rows.

    The calls are made in a loop in a thread of its own, so that it works where a loop is running already. When the
    caller is done, or is interrupted, what is under way is cancelled.
    """
    source = iter(requests)
    ended: queue.SimpleQueue[Future[Ended]] = queue.SimpleQueue()
    with contextlib.closing(steps), own_loop("genai-batch") as loop:
        outcome: object = None
        while True:
            try:
                step = _next(steps, outcome)
            except StopIteration:
                return
            outcome = None
            try:
                if isinstance(step, Give):
                    yield step.item
                elif isinstance(step, Begin):
                    loop.submit(asked(client, step.entry)).add_done_callback(ended.put)
                elif isinstance(step, Await):
                    with contextlib.suppress(queue.Empty):
                        outcome = ended.get(timeout=step.seconds).result()
                elif isinstance(step, Pull):
                    outcome = _pulled(source) if ended.empty() else ended.get().result()
                else:
                    outcome = step.work()
            except Exception as error:  # noqa: BLE001  the batch ends with it, in good order
                outcome = _Raised(error)


async def arun(steps: Steps, requests: Any, client: Asks) -> AsyncGenerator[BatchItem]:
    """As `run`, in the running event loop. The requests may come asynchronously."""
    source = _Source(requests)
    try:
        outcome: object = None
        while True:
            try:
                step = _next(steps, outcome)
            except StopIteration:
                return
            outcome = None
            try:
                if isinstance(step, Give):
                    yield step.item
                    # Where the answers come from a file, nothing else here would let other tasks run.
                    await asyncio.sleep(0)
                elif isinstance(step, Begin):
                    source.begin(asked(client, step.entry))
                elif isinstance(step, Await):
                    outcome = await source.ended(step.seconds)
                elif isinstance(step, Pull):
                    outcome = await source.next()
                else:
                    outcome = await asyncio.to_thread(step.work)
            except Exception as error:  # noqa: BLE001  the batch ends with it, in good order
                outcome = _Raised(error)
    finally:
        await source.close()
        steps.close()


class _Source:
    """The caller's requests, and the outcomes of those that were sent.

    Args:
        requests: Come one by one, asynchronously or not.
    """

    def __init__(self, requests: Any) -> None:
        self._is_async = hasattr(requests, "__aiter__")
        self._requests = aiter(requests) if self._is_async else iter(requests)
        self._pulling: asyncio.Task[Pulled | None] | None = None
        self._tasks: set[asyncio.Task[Ended]] = set()
        self._ended: asyncio.Queue[asyncio.Task[Ended]] = asyncio.Queue()

    def begin(self, asking: Coroutine[Any, Any, Ended]) -> None:
        """Send a request."""
        task = asyncio.create_task(asking)
        self._tasks.add(task)
        task.add_done_callback(self._ended.put_nowait)

    async def next(self) -> Pulled | Ended | None:
        """The next request, or an outcome if one is there first: the next request may be long in coming."""
        if not self._ended.empty():
            return await self.ended()
        if not self._is_async:
            return _pulled(self._requests)
        pulling = self._pulling = self._pulling or asyncio.create_task(self._pull())
        first: set[asyncio.Task[Any]] = {pulling, *self._tasks}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not pulling.done():
            return await self.ended()
        self._pulling = None
        return pulling.result()

    async def ended(self, seconds: float | None = None) -> Ended | None:
        """The next outcome, None after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                task = await self._ended.get()
        except TimeoutError:
            return None
        self._tasks.discard(task)
        return task.result()

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        tasks = [*self._tasks, *([self._pulling] if self._pulling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pull(self) -> Pulled | None:
        async for request in self._requests:
            return Pulled(request)
        return None


class _Raised:
    """An error to raise within the batch."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _next(steps: Steps, outcome: object) -> Step:
    return steps.throw(outcome.error) if isinstance(outcome, _Raised) else steps.send(outcome)


def _pulled(source: Iterator[object]) -> Pulled | None:
    for request in source:
        return Pulled(request)
    return None
