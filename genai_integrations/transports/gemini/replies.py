"""Gemini's whole answers in OpenAI's form."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.calls.incoming import FINISH_REASONS
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ContentFilteredError, InvalidReplyError
from genai_integrations.transports.gemini.parts import logprobs_of, message_of
from genai_integrations.transports.gemini.sources import annotated, beside
from genai_integrations.transports.gemini.usage import tier_of, traffic_of, usage_of


def reply_of(answer: object, model: str) -> Wire:
    """A whole answer.

    Args:
        answer: Decoded.
        model: Which one was asked.

    Raises:
        ContentFilteredError: The prompt was not let through.
        InvalidReplyError: It is no answer, or an empty one.
    """
    if not isinstance(answer, Mapping):
        raise InvalidReplyError("the server's answer is not an answer of Gemini's")
    refuse_blocked(answer)
    choices = [
        _choice(candidate, at)
        for at, candidate in enumerate(answer.get("candidates") or ())
        if isinstance(candidate, Mapping)
    ]
    usage = usage_of(answer)
    if choices and not any(map(_says_something, choices)):
        refuse_nothing([choice["finish_reason"] for choice in choices], usage)
    kind = traffic_of(answer)
    for choice in choices if kind else ():
        choice["message"].setdefault("provider_specific_fields", {})["traffic_type"] = kind
    wire = {**head(answer, model), "object": "chat.completion", "choices": choices}
    wire |= tier_of(answer)
    return {**wire, "usage": usage} if usage else wire


def refuse_blocked(answer: Mapping[str, Any]) -> None:
    """Raise `ContentFilteredError` for a prompt that was not let through: such an answer has no candidates.

    https://ai.google.dev/api/generate-content#PromptFeedback
    """
    feedback = answer.get("promptFeedback")
    if isinstance(feedback, Mapping) and feedback.get("blockReason"):
        reason, said = feedback["blockReason"], feedback.get("blockReasonMessage")
        words = f": {' '.join(str(said).split())[:300]}" if said else ""
        raise ContentFilteredError(
            f"the provider's content filter blocked the prompt ({reason}){words}", code=str(reason)
        )


def refuse_nothing(finishes: Sequence[object], usage: Mapping[str, Any] | None) -> None:
    """Raise the error for an answer in which no candidate has said anything, if that is no answer.

    Gemini stops without a word now and then, and another try mostly brings an answer.
    """
    reasons = set(finishes)
    if reasons <= {"STOP", None} and not _generated(usage):
        raise InvalidReplyError("the provider answered with nothing")
    meant = {FINISH_REASONS.get(reason) for reason in reasons if isinstance(reason, str)}
    if meant == {"content_filter"}:
        words = ", ".join(sorted(map(str, reasons)))
        raise ContentFilteredError(f"the provider's content filter stopped the answer ({words})")


def head(answer: Mapping[str, Any], model: str) -> Wire:
    """What stands above the choices."""
    return {
        "id": answer.get("responseId") or f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": answer.get("modelVersion") or model,
    }


def finish_of(reason: object, *, calls: bool) -> Wire:
    """Why a candidate ended: `STOP` after calls too, which OpenAI has a word for."""
    if calls and reason == "STOP":
        return {"finish_reason": "tool_calls", "native_finish_reason": reason}
    return {"finish_reason": reason}


def _generated(usage: Mapping[str, Any] | None) -> bool:
    """Whether tokens of an answer were counted, beside those of a thought that led to none."""
    told = usage or {}
    thought = (told.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return bool((told.get("completion_tokens") or 0) > thought)


def _choice(candidate: Mapping[str, Any], at: int) -> Wire:
    content = candidate.get("content") or {}
    said = message_of(content.get("parts") or ())
    message: Wire = {"role": "assistant", "content": None, **said}
    rest = beside(candidate)
    if cited := annotated(rest.get("grounding_metadata"), message["content"] or ""):
        message["annotations"] = cited
    if rest:
        message["provider_specific_fields"] = {**said.get("provider_specific_fields", {}), **rest}
    choice: Wire = {"index": candidate.get("index", at), "message": message}
    choice |= finish_of(candidate.get("finishReason"), calls="tool_calls" in said)
    logprobs = logprobs_of(candidate)
    return {**choice, "logprobs": logprobs} if logprobs else choice


_SAID = ("content", "tool_calls", "images", "audio", "reasoning_content")


def _says_something(choice: Wire) -> bool:
    return any(choice["message"].get(name) for name in _SAID)
