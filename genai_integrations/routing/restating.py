"""A request said otherwise: again after a refusal, and the steps that one takes which is no plain one.

Loaded with the first such request. Most programs make none, and what reads refusals takes milliseconds to load.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.routing.steps import Opened, Part, Send
from genai_integrations.transports.remedies.answers import merged, turned_round
from genai_integrations.transports.remedies.refusals import refusal_of
from genai_integrations.transports.remedies.remedy import MOST_AT_ONCE, Remedy, applied, together
from genai_integrations.transports.remedies.rows import remedy_for

Outcome = Wire | Opened | GenAIError
"""What one request to a target brought."""

Sending = Callable[[tuple[Remedy, ...], str, float], Part[Outcome]]
"""One request to the target: takes how to say it, the reason for the route, and seconds."""


def restated(
    request: Request,
    remedies: tuple[Remedy, ...],
    error: GenAIError,
    left: Callable[[int], float],
    sent: Sending,
) -> Part[tuple[Outcome, Sequence[Remedy]]]:
    """The request said otherwise to the same target, as long as that says what it does not take.

    Args:
        request: What was asked.
        remedies: How it was said first.
        error: The target's refusal.
        left: Seconds that are left after so many requests of the attempt.
        sent: Sends it.

    Returns:
        What came of it in the end, and the remedies that worked.
    """
    drop_params = request.args.drop_params
    used: list[Remedy] = []
    while len(used) < MOST_AT_ONCE and (refusal := refusal_of(error)):
        body = applied(request.body, remedies)
        remedy = remedy_for(refusal, body, [*remedies, *used], drop_params)
        seconds = left(1 + len(used))
        if remedy is None or seconds <= 0:
            break
        used.append(remedy)
        remedies = together(remedies, remedy)
        outcome = yield from sent(remedies, remedy.name, seconds)
        if not isinstance(outcome, GenAIError):
            return outcome, used
        error = outcome
    return error, ()


def asked(send: Send, request: Request, remedies: tuple[Remedy, ...]) -> Part[Any]:
    """What the target answers to a request said otherwise; to texts that are too many for it, in several.

    Args:
        send: The step that sends the request as it is said now.
        request: What was asked.
        remedies: How it is said.
    """
    turn = turned_round(remedies, request.body, stream=request.stream)
    most = next((remedy.batch for remedy in remedies if remedy.batch), 0)
    if not most:
        return (yield send._replace(turn=turn))
    call, until, replies = send.call, time.monotonic() + send.timeout, []
    texts = call.body["input"]
    for start in range(0, len(texts), most):
        left = until - time.monotonic()
        if left <= 0:
            return RequestTimeoutError("the texts took longer than the time-out, in batches")
        part = dataclasses.replace(call, body={**call.body, "input": texts[start : start + most]})
        outcome = yield send._replace(call=part, stream=False, timeout=left)
        if isinstance(outcome, GenAIError):
            return outcome
        replies.append(outcome)
    return merged(replies)
