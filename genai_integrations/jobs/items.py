"""What is asked in a batch, and what comes of each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.args import PER_CALL
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import TRACE_PARAMS
from genai_integrations.calls.route import Route
from genai_integrations.errors import CallError, ConfigurationError
from genai_integrations.jobs.keys import key_of
from genai_integrations.runtime.given import shown


@dataclass(frozen=True, slots=True)
class BatchItem:
    """The result of one request of a batch.

    Attributes:
        index: Which request it was, from 0.
        reply: The answer; None if there is none.
        error: Why there is none; None if there is one.
        cost: US dollars of all its attempts, None if not known. The answer of an earlier run has what it cost then.
        is_earlier: Whether the answer was in the journal, from an earlier run: nobody was asked now.
    """

    index: int
    reply: Reply | None = None
    error: Exception | None = None
    cost: float | None = None
    is_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that can be sent.

    Attributes:
        index: Which one, from 0.
        key: A hash of what is asked.
        request: As the caller gave it: `model`, `messages` or `input`, and parameters.
    """

    index: int
    key: str
    request: Mapping[str, Any]

    @property
    def is_embedding(self) -> bool:
        """Whether vectors are wanted."""
        return "input" in self.request


_LIKE = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}'


def entry_of(index: int, request: object) -> Entry:
    """A request, if it is one.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(request, Mapping) or not all(isinstance(name, str) for name in request):
        raise ConfigurationError(
            f"a request of a batch must be a dict like {_LIKE}, not {type(request).__name__}"
        )
    if not isinstance(request.get("model"), str):
        raise ConfigurationError(
            f"a request of a batch needs a model, such as {_LIKE}, not {shown(request.get('model'))}"
        )
    if ("messages" in request) == ("input" in request):
        raise ConfigurationError(
            "a request of a batch needs either messages, for an answer, or input, for embeddings"
        )
    if request.get("stream"):
        raise ConfigurationError("a batch returns whole answers: leave stream out of its requests")
    try:
        return Entry(index, key_of(_asked(request)), request)
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError("the request cannot be written as JSON") from None


def item_of(index: int, outcome: Reply | Exception) -> BatchItem:
    """What came of a request that was sent."""
    if isinstance(outcome, Reply):
        return BatchItem(index, outcome, cost=outcome.route.cost)
    route = outcome.route if isinstance(outcome, CallError) else None
    cost = route.cost if isinstance(route, Route) else None
    # Its frames hold the whole call, and there may be a million of them.
    return BatchItem(index, error=outcome.with_traceback(None), cost=cost)


_BESIDE = TRACE_PARAMS | PER_CALL
"""What says how a call is made or recorded, not what is asked: another time-out does not make another request."""


def _asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if _BESIDE.isdisjoint(request):
        return request
    return {name: value for name, value in request.items() if name not in _BESIDE}
