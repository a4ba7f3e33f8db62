"""Judges: each looks at an answer that came whole and well-formed, and says whether it is one to give to the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Wire, finish_reasons, vectors_wanted
from genai_integrations.errors import ContentFilteredError, GenAIError, InvalidReplyError
from genai_integrations.routing.deployments import Plan
from genai_integrations.transports.remedies.remedy import Remedy
from genai_integrations.transports.remedies.restatements import schema_wanted
from genai_integrations.transports.remedies.rows import WEAKENS_SCHEMA

JudgeOfAnswers = Callable[[Request, Wire], GenAIError | None]
"""Takes the request and the reply (of a stream the first chunk that shows content or an end).

Gives None for an answer that is good, else the error that stands for it: the call goes on as if the target had failed.
"""


def one_vector_for_each_text(request: Request, wire: Wire) -> GenAIError | None:
    """Some models put all texts into one vector, without a word."""
    came, wanted = len(wire["data"]), vectors_wanted(request.body["input"])
    if came == wanted:
        return None
    error = InvalidReplyError(f"{came} vectors came back for {wanted} texts")
    error.is_of_request = True
    return error


def not_filtered(_request: Request, wire: Wire) -> GenAIError | None:
    """A content filter stopped the answer, and the program said where such a request may go instead."""
    if "content_filter" in finish_reasons(wire):
        return ContentFilteredError("the provider's content filter stopped the answer")
    return None


def fits_schema(request: Request, wire: Wire) -> GenAIError | None:
    """The schema was said in a way that nobody enforces, so its answer is checked here."""
    from genai_integrations.transports.remedies.answers import not_fitting, wholly_said
    from genai_integrations.transports.remedies.misfits import misfit

    schema = schema_wanted(request.body)
    if schema is None:
        return None
    for choice in wire["choices"]:
        text = choice["message"].get("content")
        if text and wholly_said(choice) and (reason := misfit(text, schema)):
            return not_fitting(reason)
    return None


def judges_of(
    request: Request, plan: Plan, remedies: Sequence[Remedy] = ()
) -> tuple[JudgeOfAnswers, ...]:
    """Who judges the answers to a request; nobody for most.

    Args:
        request: What was asked.
        plan: Where it may go.
        remedies: How it was said.
    """
    if request.operation == "embeddings":
        return (one_vector_for_each_text,)
    # Without somewhere else to go a filtered answer is the answer, as it is from the provider.
    judges = (not_filtered,) if ContentFilteredError in plan.instead else ()
    if (
        remedies
        and not request.stream
        and WEAKENS_SCHEMA.intersection(row.name for row in remedies)
    ):
        return (*judges, fits_schema)
    return judges
