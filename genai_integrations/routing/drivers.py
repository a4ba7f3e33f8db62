"""The two loops that run a call's flow: one for threads, one for event loops. They do the I/O and decide nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import CallError, GenAIError, InvalidReplyError
from genai_integrations.routing.deadline import (
    Within,
    aprompt_stream,
    chunks_until,
    prompt_stream,
    words_of,
)
from genai_integrations.routing.flow import Flow, flow
from genai_integrations.routing.parts import Parts
from genai_integrations.routing.probe import async_wait_for_any, wait_for_any
from genai_integrations.routing.steps import (
    Admit,
    AwaitFirst,
    AwaitProbe,
    Begin,
    Drop,
    FindPrompt,
    Follow,
    Hand,
    Judge,
    Keep,
    Load,
    Opened,
    Prepare,
    Ready,
    Recall,
    Renew,
    Send,
    Step,
    Wait,
)
from genai_integrations.routing.streams import (
    MOST_EMPTY,
    AsyncReplyStream,
    ReplyStream,
    is_decisive,
    no_content,
)
from genai_integrations.runtime.surroundings import last_words, require_event_loop
from genai_integrations.transports.chunks import Line, arestated_stream, restated_stream
from genai_integrations.transports.http.patience import Patience

if TYPE_CHECKING:
    from genai_integrations.routing.running import Running


class SyncDriver:
    """Runs flows in the caller's thread.

    Args:
        parts: What the flows share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._is_ready = parts.transport.is_ready

    def run(self, request: Request) -> Reply | ReplyStream:
        """Answer a request; a stream when its first content is there.

        Raises:
            GenAIError: It cannot be answered.
        """
        call = flow(request, self._parts, self._is_ready)
        try:
            done = self._drive(call)
        except GenAIError as error:
            # Without the frames between here and the attempt, which tell nobody but us anything.
            raise error.with_traceback(None) from error.__cause__
        except (ImportError, RuntimeError) as error:
            raise last_words(error) or error from None
        if isinstance(done, Hand):
            return ReplyStream(call, done, self._drive)
        return done  # type: ignore[return-value]  # it is new

    def _drive(self, flow: Flow, outcome: Any = None) -> Reply | Hand | None:
        """Run a flow to its end, or to where it hands out a stream; one that did so gets how the stream ended."""
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Hand):
                return step
            try:
                outcome = HANDLERS[type(step)](self._parts, step)
            except GenAIError as error:
                outcome = error
            except BaseException as error:
                outcome = _failed_attempt(step, error)
                if outcome is None:
                    _thrown(flow, error)
                    raise


class AsyncDriver:
    """As `SyncDriver`, in the running event loop, which nothing here blocks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._is_ready = parts.transport.is_aready

    async def run(self, request: Request) -> Reply | AsyncReplyStream:
        """As `SyncDriver.run`."""
        require_event_loop()
        call = flow(request, self._parts, self._is_ready)
        try:
            done = await self._drive(call)
        except GenAIError as error:
            raise error.with_traceback(None) from error.__cause__
        except (ImportError, RuntimeError) as error:
            raise last_words(error) or error from None
        if isinstance(done, Hand):
            return AsyncReplyStream(call, done, self._drive)
        return done  # type: ignore[return-value]  # it is new

    async def _drive(self, flow: Flow, outcome: Any = None) -> Reply | Hand | None:
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Hand):
                return step
            try:
                outcome = await ASYNC_HANDLERS[type(step)](self._parts, step)
            except GenAIError as error:
                outcome = error
            except BaseException as error:
                outcome = _failed_attempt(step, error)
                if outcome is None:
                    _thrown(flow, error)
                    raise


def _load(parts: Parts, step: Load) -> Snapshot:
    registry = parts.registry
    return registry.refresh(step.refused, step.ends) if step.refused else registry.load(step.ends)


async def _aload(parts: Parts, step: Load) -> Snapshot:
    registry = parts.registry
    if step.refused:
        return await registry.arefresh(step.refused, step.ends)
    return await registry.aload(step.ends)


def _send(parts: Parts, step: Send, line: Line | None = None) -> Wire | Opened:
    patience = Patience(step.timeout, step.idle, step.ends, line)
    if not step.stream:
        reply = parts.transport.send(step.call, patience)
        return step.turn(reply) if step.turn else reply
    chunks = parts.transport.stream(step.call, patience)
    if line is not None:
        line.lead_to(chunks.close)
    if step.turn:
        chunks = restated_stream(chunks, step.turn)
    try:
        held = _first_content(chunks)
    except BaseException:
        chunks.close()
        raise
    patience.content_began()
    return Opened(held, prompt_stream(chunks, patience, step.stall) if step.stall else chunks)


async def _asend(parts: Parts, step: Send) -> Wire | Opened:
    if not step.stream:
        with Within(step.timeout, words_of(step.timeout, step.ends)):
            reply = await parts.transport.asend(step.call, step.timeout)
        return step.turn(reply) if step.turn else reply
    chunks = parts.transport.astream(step.call, max(step.timeout, step.idle, step.stall or 0.0))
    if step.turn:
        chunks = arestated_stream(chunks, step.turn)
    try:
        with Within(step.timeout, words_of(step.timeout, step.ends)):
            held = await _afirst_content(chunks)
    except BaseException:
        await chunks.aclose()
        raise
    if step.stall:
        chunks = aprompt_stream(chunks, step.stall)
    return Opened(held, chunks if step.ends is None else chunks_until(step.ends, chunks))


def _begin(parts: Parts, step: Begin) -> Running:
    from genai_integrations.routing.running import in_thread

    line = Line()

    def work() -> Wire | Opened | GenAIError:
        try:
            return _send(parts, step.send, line)
        except GenAIError as error:
            return error
        except BaseException as error:  # noqa: BLE001  a thread has nobody else to tell
            return _failed(error)

    return in_thread(work, line.hang_up)


async def _abegin(parts: Parts, step: Begin) -> Running:
    from genai_integrations.routing.running import in_task

    async def work() -> Wire | Opened | GenAIError:
        try:
            return await _asend(parts, step.send)
        except GenAIError as error:
            return error
        except Exception as error:  # noqa: BLE001  as of an attempt that is waited for
            return _failed(error)

    return in_task(work())


async def _ajudge(_parts: Parts, step: Judge) -> GenAIError | None:
    if step.may_block:
        return await asyncio.to_thread(step.judge, step.request, step.wire)
    return step.judge(step.request, step.wire)


def _renew(parts: Parts, step: Renew) -> None:
    """A call like any other, which costs and is recorded, but in a thread of its own: a loop may end with its call."""
    step.memory.renew(SyncDriver(parts).run)


async def _arenew(parts: Parts, step: Renew) -> None:
    _renew(parts, step)


HANDLERS: dict[type, Callable[[Parts, Any], Any]] = {
    Ready: lambda _, step: step.observer.prepare(),
    Load: _load,
    Recall: lambda _, step: step.memory.recall(),
    Admit: lambda _, step: step.room.take(step.target),
    Follow: lambda _, step: step.memory.follow(step.seconds),
    Renew: _renew,
    Prepare: lambda parts, step: parts.transport.prepare(step.call, step.ends),
    FindPrompt: lambda _, step: step.prompts.find(step.name, step.label),
    Send: _send,
    Judge: lambda _, step: step.judge(step.request, step.wire),
    Drop: lambda _, step: step.stream.rest.close(),
    Keep: lambda _, step: step.memory.keep(step.reply, step.attempt),
    Wait: lambda _, step: time.sleep(step.seconds),
    AwaitProbe: lambda _, step: wait_for_any(step.probes, step.seconds),
    Begin: _begin,
    AwaitFirst: lambda _, step: wait_for_any(step.running, step.seconds),
}
"""How a thread does each step. What it returns, or an error of ours that it raises, is sent back to the flow."""

ASYNC_HANDLERS: dict[type, Callable[[Parts, Any], Awaitable[Any]]] = {
    Ready: lambda _, step: asyncio.to_thread(step.observer.prepare),
    Load: _aload,
    Recall: lambda _, step: step.memory.arecall(),
    Admit: lambda _, step: step.room.atake(step.target),
    Follow: lambda _, step: step.memory.afollow(step.seconds),
    Renew: _arenew,
    Prepare: lambda parts, step: parts.transport.aprepare(step.call, step.ends),
    FindPrompt: lambda _, step: step.prompts.afind(step.name, step.label),
    Send: _asend,
    Judge: _ajudge,
    Drop: lambda _, step: step.stream.rest.aclose(),
    Keep: lambda _, step: step.memory.akeep(step.reply, step.attempt),
    Wait: lambda _, step: asyncio.sleep(step.seconds),
    AwaitProbe: lambda _, step: async_wait_for_any(step.probes, step.seconds),
    Begin: _abegin,
    AwaitFirst: lambda _, step: async_wait_for_any(step.running, step.seconds),
}
"""How an event loop does each step."""


def _failed_attempt(step: Step, error: BaseException) -> CallError | None:
    """The error of an attempt in which a transport raised something of its own; None for what ends the call."""
    if not isinstance(step, (Prepare, Send)) or not isinstance(error, Exception):
        return None
    return _failed(error)


def _failed(error: BaseException) -> CallError:
    failed = InvalidReplyError(f"the attempt ended with {type(error).__name__}")
    failed.__cause__ = error
    return failed


def _thrown(flow: Flow, error: BaseException) -> None:
    """Let a flow write down what ends it from outside: Ctrl-C, a cancellation, a defect."""
    with contextlib.suppress(StopIteration, type(error)):
        flow.throw(error)


def _first_content(chunks: Chunks) -> list[Wire]:
    """Chunks up to the first decisive one."""
    held = []
    for chunk in chunks:
        held.append(chunk)
        if is_decisive(chunk):
            return held
        if len(held) == MOST_EMPTY:
            break
    raise no_content(len(held))


async def _afirst_content(chunks: AsyncChunks) -> list[Wire]:
    held = []
    async for chunk in chunks:
        held.append(chunk)
        if is_decisive(chunk):
            return held
        if len(held) == MOST_EMPTY:
            break
    raise no_content(len(held))
