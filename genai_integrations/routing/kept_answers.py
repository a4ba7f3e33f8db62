"""What is kept of an answer, and how it is given again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.pieces import chunks_of_entry
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, Attempt
from genai_integrations.calls.wire import Wire
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.shared_streams import AsyncReading, Reading


@dataclass(slots=True)
class Recalled:
    """An answer that another call got.

    Attributes:
        entry: What was kept of it; of one that is still coming, only who gives it.
        attempt: Stands for it in the route.
        age: Seconds since it came.
        is_stale: Whether its time is over.
        rest: The chunks of one that is still coming.
    """

    entry: Wire
    attempt: Attempt
    age: float = 0.0
    is_stale: bool = False
    rest: Reading | AsyncReading | None = None

    def chunks(self) -> Iterator[Wire]:
        """As a stream: in the pieces in which it came, or in one if it came whole."""
        if self.rest is not None:
            return iter(())
        if "pieces" in self.entry:
            return chunks_of_entry(self.entry["pieces"])
        return chunks_of(self.entry["reply"])


def recalled(kept: Kept | None) -> Recalled | None:
    """What a store gave, for the route."""
    if kept is None:
        return None
    return Recalled(kept.entry, stand_in(kept.entry["by"]), kept.age, kept.is_stale)


def stand_in(by: list[str]) -> Attempt:
    """The attempt that stands for a kept answer.

    Args:
        by: See `by_of`.
    """
    target, connection, provider, model = by
    return Attempt(target, connection, provider, model, CACHE)


def by_of(attempt: Attempt) -> list[str]:
    """Who answered, as JSON's values."""
    return [attempt.target, attempt.connection, attempt.provider, attempt.model]


def entry_of(reply: Wire, attempt: Attempt) -> Wire:
    """What is kept of an answer."""
    return {"reply": reply, "by": by_of(attempt)}


_NOT_ASKED = frozenset(("stream", "stream_options"))
"""How the answer is to be sent does not change what it is."""


def question_of(request: Request, plan: Plan) -> Wire:
    """All that the answer to a request depends on."""
    targets = [target for group in (plan.targets, *plan.fallbacks) for target in group]
    # Sorted, because a strategy that shuffles them asks the same ones all the same.
    addresses = sorted((target.name, target.connection.base_url or "") for target in targets)
    question: Wire = {
        "operation": request.operation,
        "model": request.model,
        "targets": addresses,
        "body": {name: value for name, value in request.body.items() if name not in _NOT_ASKED},
    }
    # They may change the answer, such as a provider's beta; only then are they a part of what is asked.
    return {**question, "headers": dict(request.headers)} if request.headers else question


_WHOLE = frozenset(("stop", "tool_calls", "function_call"))
"""Reasons for the end of an answer that is all there. One cut at a limit or by a filter is asked for anew."""


def is_whole(reply: Wire) -> bool:
    """Whether an answer came to its own end."""
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
