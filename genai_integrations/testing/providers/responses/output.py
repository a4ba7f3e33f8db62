"""A response in OpenAI's shape, from the chat completion that says the same."""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBERS = itertools.count(1)
_WORDS = re.compile(r"\s*\S+|\s+$")
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


_NOTHING: Mapping[str, Any] = {"message": {}, "finish_reason": "stop"}


def encrypted(identity: str) -> str:
    """The content of a thought as its owner alone can read it."""
    return "gAAAA" + hashlib.sha256(identity.encode()).hexdigest()


def response_of(completion: Mapping[str, Any] | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """The response; without a completion, an empty one."""
    choice: Mapping[str, Any] = completion["choices"][0] if completion else _NOTHING
    number = f"{next(_NUMBERS):024d}"
    cut = _INCOMPLETE.get(choice["finish_reason"])
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": list(_output(choice["message"], number, body)),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "service_tier": body.get("service_tier") or "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(body.get("text") or {})},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_logprobs": body.get("top_logprobs", 0),
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": {
            **_usage(completion["usage"] if completion else {}),
            **(choice["message"].get("usage") or {}),
        },
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return {
        "input_tokens": usage.get("prompt_tokens", 0),
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.get("completion_tokens", 0),
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": usage.get("total_tokens", 0),
    }


def _output(
    message: Mapping[str, Any], number: str, body: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if thought := message.get("reasoning_content"):
        yield _reasoning(thought, f"rs_{number}", body)
    content = list(_content(message, body))
    if content:
        yield {
            "id": f"msg_{number}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": content,
        }
    for call in message.get("tool_calls") or ():
        identity = call["id"]
        yield {
            "id": f"fc_{identity.removeprefix('call_')}",
            "type": "function_call",
            "status": "completed",
            "call_id": identity,
            **call["function"],
        }


def _reasoning(thought: str, identity: str, body: Mapping[str, Any]) -> dict[str, Any]:
    item = {
        "id": identity,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": thought}],
    }
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = encrypted(identity)
    return item


def _content(message: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if text := message.get("content"):
        notes = [_annotation(note) for note in message.get("annotations") or ()]
        logprobs = list(_logprobs(text, body))
        yield {"type": "output_text", "annotations": notes, "logprobs": logprobs, "text": text}
    if refusal := message.get("refusal"):
        yield {"type": "refusal", "refusal": refusal}


def _annotation(note: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": note["type"], **(note.get(note["type"]) or {})}


def _logprobs(text: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each word, if they were asked for."""
    if "message.output_text.logprobs" not in (body.get("include") or ()):
        return
    for word in _WORDS.findall(text):
        one = {"token": word, "logprob": -0.25, "bytes": list(word.encode())}
        yield {**one, "top_logprobs": [one] * min(1, body.get("top_logprobs", 0))}
