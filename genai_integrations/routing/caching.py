"""Which answers may be kept and given again; who keeps them, the router does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from genai_integrations.routing.policy import Plan
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import CACHE, Attempt
from genai_integrations.transports.wire import Wire


class AnswerStore(Protocol):
    """Keeps answers. It never raises, and what it gives is the caller's own."""

    def key(self, question: Wire) -> bytes | None:
        """What the answer to a question is kept under, None if it cannot be kept."""
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
        found = self._store.get(self._key)
        if found is None:
            return None
        target, connection, provider, model = found["by"]
        return found["reply"], Attempt(target, connection, provider, model, CACHE)

    def keep(self, reply: Wire, attempt: Attempt) -> None:
        """Keep a reply, if it is one to give again."""
        if self._key is None or self._control.get("no-store") or not _is_whole(reply):
            return
        by = [attempt.target, attempt.connection, attempt.provider, attempt.model]
        self._store.put(self._key, {"reply": reply, "by": by}, self._control.get("ttl"))


_NOT_ASKED = frozenset(("stream", "stream_options"))
"""How the answer is to be sent does not change what it is."""


def _question(request: Request, plan: Plan) -> Wire:
    targets = [target for group in (plan.targets, *plan.fallbacks) for target in group]
    return {
        "operation": request.operation,
        "model": request.model,
        "targets": [(target.name, target.connection.base_url) for target in targets],
        "body": {name: value for name, value in request.body.items() if name not in _NOT_ASKED},
    }


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
