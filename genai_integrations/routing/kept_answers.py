"""What is kept of an answer, and how it is given again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.pieces import chunks_of_entry
from genai_integrations.calls.request import BETWEEN_US, Request
from genai_integrations.calls.route import CACHE, Attempt
from genai_integrations.calls.streamed import chunks_of
from genai_integrations.calls.wire import Wire
from genai_integrations.routing.deployments import Plan, Target
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
        is_similar: Whether it was given to the same question in other words.
    """

    entry: Wire
    attempt: Attempt
    age: float = 0.0
    is_stale: bool = False
    rest: Reading | AsyncReading | None = None
    is_similar: bool = False

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
    return Recalled(
        kept.entry, stand_in(kept.entry["by"]), kept.age, kept.is_stale, is_similar=kept.is_similar
    )


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
    question: Wire = {
        "operation": request.operation,
        "model": request.model,
        "targets": sorted(map(_answering, targets)),
        # `0.0` as `0`, as the key has it: a store would walk the whole request to find that one.
        "body": {
            name: int(value) if type(value) is float and value.is_integer() else value
            for name, value in request.body.items()
            if name not in _NOT_ASKED
        },
    }
    if plan.led_to:
        # Two names may lead to the same targets in another order, such as each other's fallbacks.
        question["led_to"] = plan.led_to
    link = request.trace.get("langfuse_prompt")
    if hasattr(link, "followed"):
        # Targets of another family are asked with another version: the messages say less than who asks without a link.
        question["prompt"] = [link.followed.prompt.name, link.followed.label]
    if request.spoken is not None:
        # Its own words may say more than their translation, such as where to cite from.
        question["spoken"] = {
            name: value
            for name, value in request.spoken.body.items()
            if name not in _NOT_ASKED and name not in BETWEEN_US
        }
    # They may change the answer, such as a provider's beta; only then are they a part of what is asked.
    return {**question, "headers": dict(request.headers)} if request.headers else question


def _answering(target: Target) -> tuple[str, ...]:
    """What of a target may change an answer. Which is asked first does not: a strategy may put them in any order."""
    connection, defaults = target.connection, target.deployment.defaults
    said = [repr(sorted(row.items())) for row in (defaults, target.said) if row]
    return (target.name, connection.base_url or "", *said)


_WHOLE = frozenset(("stop", "tool_calls", "function_call"))
"""Reasons for the end of an answer that is all there. One cut at a limit or by a filter is asked for anew."""


def is_whole(reply: Wire) -> bool:
    """Whether an answer came to its own end."""
    if "choices" not in reply:
        return True
    choices = reply["choices"]
    return bool(choices) and all(row.get("finish_reason") in _WHOLE for row in choices)
