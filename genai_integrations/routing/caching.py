"""Which answers may be kept and given again; who keeps them, the router does not know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from typing import Protocol, runtime_checkable

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, Attempt
from genai_integrations.calls.wire import Wire
from genai_integrations.routing.deployments import Plan, Target

_log = logging.getLogger("genai_integrations")


class AnswerStore(Protocol):
    """Keeps answers. What it gives is the caller's own.

    A store that raises keeps and gives nothing for that call, which goes on. From an event loop it is called in a
    thread, unless it says `blocks = False` because it does no I/O, or is an `AsyncAnswerStore`.
    """

    def key(self, question: Wire) -> bytes | None:
        """What the answer to a question is kept under, None if it cannot be kept. It does no I/O."""
        ...

    def get(self, key: bytes) -> Wire | None:
        """The answer, None if it is not there."""
        ...

    def put(self, key: bytes, answer: Wire, ttl: float | None) -> None:
        """Keep an answer.

        Args:
            key: See `key`.
            answer: As JSON's values.
            ttl: Seconds; None is the store's own.
        """
        ...


@runtime_checkable
class AsyncAnswerStore(AnswerStore, Protocol):
    """A store that is awaited where there is an event loop."""

    def aget(self, key: bytes) -> Awaitable[Wire | None]:
        """As `get`."""
        ...

    def aput(self, key: bytes, answer: Wire, ttl: float | None) -> Awaitable[None]:
        """As `put`."""
        ...


class Memory:
    """What is remembered of one question.

    Args:
        store: Keeps the answers.
        request: The question. Its `args.cache` may keep it from being looked up, or from being kept.
        plan: Who would be asked.
    """

    def __init__(self, store: AnswerStore, request: Request, plan: Plan) -> None:
        self._store = store
        self._control = request.args.cache
        self._key = store.key(_question(request, plan))

    def recall(self) -> tuple[Wire, Attempt] | None:
        """The kept reply and an attempt that stands for it, None if there is none to give."""
        if self._key is None or self._control.get("no-cache"):
            return None
        try:
            return _recalled(self._store.get(self._key))
        except Exception as error:  # noqa: BLE001  a store is anybody's, and a call does not need it
            _missed(error)
            return None

    async def arecall(self) -> tuple[Wire, Attempt] | None:
        """As `recall`, without blocking the loop."""
        store, key = self._store, self._key
        if key is None or not getattr(store, "blocks", True):
            return self.recall()
        if not isinstance(store, AsyncAnswerStore):
            return await asyncio.to_thread(self.recall)
        if self._control.get("no-cache"):
            return None
        try:
            return _recalled(await store.aget(key))
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)
            return None

    def keep(self, reply: Wire, attempt: Attempt) -> None:
        """Keep a reply, if it is one to give again."""
        if self._key is None or not self._keeps(reply):
            return
        try:
            self._store.put(self._key, _entry(reply, attempt), self._control.get("ttl"))
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)

    async def akeep(self, reply: Wire, attempt: Attempt) -> None:
        """As `keep`, without blocking the loop."""
        store, key = self._store, self._key
        if key is None or not self._keeps(reply):
            return
        if not getattr(store, "blocks", True):
            self.keep(reply, attempt)
        elif not isinstance(store, AsyncAnswerStore):
            await asyncio.to_thread(self.keep, reply, attempt)
        else:
            try:
                await store.aput(key, _entry(reply, attempt), self._control.get("ttl"))
            except Exception as error:  # noqa: BLE001  as above
                _missed(error)

    def _keeps(self, reply: Wire) -> bool:
        return not self._control.get("no-store") and _is_whole(reply)


def _recalled(entry: Wire | None) -> tuple[Wire, Attempt] | None:
    if entry is None:
        return None
    target, connection, provider, model = entry["by"]
    return entry["reply"], Attempt(target, connection, provider, model, CACHE)


def _entry(reply: Wire, attempt: Attempt) -> Wire:
    by = [attempt.target, attempt.connection, attempt.provider, attempt.model]
    return {"reply": reply, "by": by}


def _missed(error: Exception) -> None:
    _log.warning("the store of answers failed, and the call goes on: %s", type(error).__name__)


_NOT_ASKED = frozenset(("stream", "stream_options"))
"""How the answer is to be sent does not change what it is."""


def _question(request: Request, plan: Plan) -> Wire:
    targets = [target for group in (plan.targets, *plan.fallbacks) for target in group]
    question: Wire = {
        "operation": request.operation,
        "model": request.model,
        "targets": sorted(map(_answering, targets)),
        "body": {name: value for name, value in request.body.items() if name not in _NOT_ASKED},
    }
    # They may change the answer, such as a provider's beta; only then are they a part of what is asked.
    return {**question, "headers": dict(request.headers)} if request.headers else question


def _answering(target: Target) -> tuple[str, ...]:
    """What of a target may change an answer. Which is asked first does not: a strategy may put them in any order."""
    connection, defaults = target.connection, target.deployment.defaults
    said = (repr(sorted(defaults.items())),) if defaults else ()
    return (target.name, connection.base_url or "", *said)


_WHOLE = frozenset(("stop", "tool_calls", "function_call"))
"""Reasons for the end of an answer that is all there. One cut at a limit or by a filter is asked for anew."""


def _is_whole(reply: Wire) -> bool:
    if "choices" not in reply:
        return True
    choices = reply["choices"]
    return bool(choices) and all(row.get("finish_reason") in _WHOLE for row in choices)


def chunks_of(reply: Wire) -> Iterator[Wire]:
    """A kept reply as a stream: each answer in one piece, its end, the usage."""
    head = {name: value for name, value in reply.items() if name not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    for choice in reply["choices"]:
        begun = {name: value for name, value in choice.items() if name != "message"}
        yield {
            **head,
            "choices": [{**begun, "delta": _delta(choice["message"]), "finish_reason": None}],
        }
    for at, choice in enumerate(reply["choices"]):
        end = {"index": choice.get("index", at), "delta": {}}
        yield {**head, "choices": [{**end, "finish_reason": choice["finish_reason"]}]}
    yield {**head, "choices": [], "usage": reply.get("usage")}


def _delta(message: Wire) -> Wire:
    if not message.get("tool_calls"):
        return message
    calls = [{"index": at, **call} for at, call in enumerate(message["tool_calls"])]
    return {**message, "tool_calls": calls}
