"""A task that is cancelled by us, and its owner who is cancelled by somebody else."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.gateway.operation import Operation
from genai_integrations.runtime.cancelling import Interruption, end_task
from genai_integrations.transports.litellm.feed import Feed


class Stubborn:
    """Work that takes its time to end when it is cancelled."""

    def __init__(self):
        self.is_told = asyncio.Event()
        self.may_end = asyncio.Event()

    async def run(self):
        """Until it is cancelled, and may end."""
        try:
            await asyncio.Event().wait()
        finally:
            self.is_told.set()
            await self.may_end.wait()


async def ended_while_cancelled(owner, work):
    """Cancel the owner while it waits for its work to end; whether it heard of that."""
    await work.is_told.wait()
    owner.cancel()
    await asyncio.sleep(0)
    work.may_end.set()
    await asyncio.wait((owner,))
    return owner.cancelled()


async def test_an_owner_that_is_cancelled_hears_of_it():
    """It was swallowed where the owner waited for the task itself."""
    work = Stubborn()
    task = asyncio.create_task(work.run())
    await asyncio.sleep(0)
    owner = asyncio.create_task(end_task(task))

    assert await ended_while_cancelled(owner, work)
    await asyncio.wait((task,))
    assert task.cancelled()


@pytest.mark.parametrize("raises", [False, True])
async def test_how_a_task_ends_is_nobodys_concern(raises):
    """Neither its cancellation nor its error reaches the owner, nor the loop's log."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            if raises:
                raise OSError

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end_task(task)
    del task

    assert told == []


@pytest.mark.parametrize("others", [False, True])
async def test_an_interruption_is_told_from_a_cancellation(others):
    """Who interrupts itself goes on, unless somebody else has cancelled it too."""

    async def work():
        own = Interruption()
        asyncio.get_running_loop().call_soon(own.make)
        if others:
            asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not own.is_over():
                raise
        return "went on"

    task = asyncio.create_task(work())
    await asyncio.wait((task,))

    assert task.cancelled() is others
    if not others:
        assert task.result() == "went on"
        assert task.cancelling() == 0


async def test_a_worker_that_is_cancelled_at_its_end_hears_of_it(monkeypatch):
    """The lifespan waits for the task that writes figures."""
    work, began = Stubborn(), asyncio.Event()

    async def tick(_operation):
        began.set()
        await work.run()

    monkeypatch.setattr(Operation, "_tick", tick)

    async def worker():
        async with Operation().running():
            await began.wait()

    assert await ended_while_cancelled(asyncio.create_task(worker()), work)


async def test_who_closes_a_stream_and_is_cancelled_hears_of_it():
    """And the stream is closed all the same."""
    work = Stubborn()
    is_closed = asyncio.Event()

    async def chunks():
        try:
            yield {}
            await work.run()
        finally:
            is_closed.set()

    feed = Feed(chunks())
    assert await feed.batch() == [{}]
    await asyncio.sleep(0)

    assert await ended_while_cancelled(asyncio.create_task(feed.close()), work)
    assert is_closed.is_set()
