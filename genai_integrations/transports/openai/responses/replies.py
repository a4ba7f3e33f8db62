"""A whole response as a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import InvalidReplyError
from genai_integrations.models.usage import counted
from genai_integrations.transports.openai.responses.output import (
    KEPT,
    dicts,
    is_worth_keeping,
    message_of,
)


def completion_of(response: object) -> Wire:
    """The completion that a response is.

    Raises:
        InvalidReplyError: It is none, says nothing, or is not there yet.
    """
    output = response.get("output") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(output, list):
        raise InvalidReplyError("the server's answer has no output")
    head = {**head_of(response), "object": "chat.completion"}
    if failure := failure_of(response):
        return {**head, "choices": [{"index": 0, "message": {}, "error": failure}]}
    if response.get("status") in _NOT_YET:
        raise InvalidReplyError(
            f"the server's answer is {response['status']}: it is made in the background"
        )
    items = list(dicts(output))
    said = message_of(items)
    logprobs = said.pop("logprobs", None)
    message = {"role": "assistant", "content": None, **said, **kept_in(items)}
    finish = finish_of(response, items)
    if finish == "stop" and is_nothing(response, items):
        raise InvalidReplyError("the provider answered with nothing")
    choice = {"index": 0, "message": message, "finish_reason": finish}
    if logprobs:
        choice["logprobs"] = {"content": logprobs}
    return {**head, "choices": [choice], "usage": usage_of(response)}


_NOT_YET = ("queued", "in_progress")


def head_of(response: Wire) -> Wire:
    """What is beside the choices."""
    head = {
        "id": response.get("id"),
        "created": response.get("created_at"),
        "model": response.get("model"),
        "service_tier": response.get("service_tier"),
    }
    return {name: value for name, value in head.items() if value is not None}


def kept_in(output: Sequence[Wire]) -> Wire:
    """What a message keeps of the output, to be given back."""
    if not is_worth_keeping(output):
        return {}
    return {"provider_specific_fields": {KEPT: list(output)}}


def failure_of(response: Wire) -> Wire | None:
    """The error of a response that failed; None for any other."""
    status = response.get("status")
    if status not in ("failed", "cancelled"):
        return None
    error = response.get("error")
    return error if isinstance(error, dict) and error else {"message": f"the response was {status}"}


def finish_of(response: Wire, output: Sequence[Wire]) -> str:
    """Why it ended; in the server's word where that is no word of the chat API's."""
    if response.get("status") == "incomplete":
        why = response.get("incomplete_details")
        reason = why.get("reason") if isinstance(why, dict) else None
        return str(reason or "max_output_tokens")
    called = any(item.get("type") in ("custom_tool_call", "function_call") for item in output)
    return "tool_calls" if called else "stop"


def is_nothing(response: Wire, output: Sequence[Wire]) -> bool:
    """Whether there is no answer, only a thought or nothing, though the server says that it is whole."""
    if any(item.get("type") not in ("message", "reasoning") for item in output):
        return False
    said = message_of(output)
    if said.get("content") or said.get("refusal"):
        return False
    usage = counted(usage_of(response)) or {}
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    generated = usage.get("completion_tokens") or 0
    return bool(generated <= (thought if isinstance(thought, int) else 0))


def usage_of(response: Wire) -> dict[str, Any] | None:
    """The tokens by the chat API's names."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return None
    return {_USAGE.get(name, name): value for name, value in usage.items() if value is not None}


_USAGE: Mapping[str, str] = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
