"""OpenAI's Responses API: text and function calls, whole and streamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.dialect import Answer, Piece, Script
from genai_integrations.testing.providers.openai.chat import completion_of
from genai_integrations.testing.providers.openai.dialect import OpenAIDialect
from genai_integrations.testing.providers.openai.errors import ApiError
from genai_integrations.testing.server import Received

_PATH = re.compile(r".*/responses")
_JSON = {"content-type": "application/json"}


class ResponsesDialect(OpenAIDialect):
    """`POST {prefix}/responses`. Keys and errors are those of the rest of OpenAI's API."""

    def recognises(self, request: Received) -> bool:
        """Whether the path is that of the Responses API."""
        return _PATH.fullmatch(request.path) is not None

    def refusal(self, request: Received) -> Answer | None:
        """What OpenAI checks before it asks a model."""
        body = request.body if isinstance(request.body, dict) else {}
        missing = next((name for name in ("model", "input") if not body.get(name)), None)
        if missing is None:
            return None
        error = ApiError(f"Missing required parameter: '{missing}'.", 400, param=missing)
        return Answer(400, json.dumps({"error": error.as_dict()}).encode(), _JSON)

    def answer(self, request: Received, script: Script) -> Answer:
        """A response, as the chat completion for the same conversation would be."""
        chat = {**request.body, "messages": list(_messages(request.body["input"])), "tools": None}
        completion, texts = completion_of(chat, request.model or "", script)
        response = _response(completion)
        if not request.body.get("stream"):
            return Answer(body=json.dumps(response).encode(), headers=_JSON)
        failed = {"type": "error", "code": "server_error", "message": "The server had an error."}
        return Answer(
            headers={"content-type": "text/event-stream"},
            pieces=list(_pieces(response, texts)),
            error_event=_event(failed),
        )


def _messages(given: str | list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    for item in given:
        if item.get("type", "message") == "message":
            content = item.get("content")
            parts = content if isinstance(content, list) else [{"text": content}]
            text = "".join(part.get("text") or "" for part in parts)
            yield {"role": item.get("role", "user"), "content": text}


def _response(completion: Mapping[str, Any]) -> dict[str, Any]:
    message = completion["choices"][0]["message"]
    usage = completion["usage"]
    number = str(completion["id"]).removeprefix("chatcmpl-")
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": completion["created"],
        "status": "completed",
        "model": completion["model"],
        "output": list(_output(message, number)),
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1,
        "top_p": 1,
    }


def _output(message: Mapping[str, Any], number: str) -> Iterator[dict[str, Any]]:
    if message.get("content"):
        text = {"type": "output_text", "text": message["content"], "annotations": []}
        yield {
            "type": "message",
            "id": f"msg_{number}",
            "status": "completed",
            "role": "assistant",
            "content": [text],
        }
    for call in message.get("tool_calls") or ():
        yield {
            "type": "function_call",
            "id": f"fc_{call['id']}",
            "call_id": call["id"],
            "status": "completed",
            **call["function"],
        }


def _pieces(response: Mapping[str, Any], texts: list[str] | None) -> Iterator[Piece]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield Piece(_event({"type": "response.created", "response": begun}))
    for at, item in enumerate(response["output"]):
        empty = {**item, "status": "in_progress", "content": []}
        yield Piece(
            _event({"type": "response.output_item.added", "output_index": at, "item": empty})
        )
        if item["type"] == "message":
            where = {"item_id": item["id"], "output_index": at, "content_index": 0}
            for text in texts or re.findall(r"\s*\S+", item["content"][0]["text"]):
                delta = {"type": "response.output_text.delta", **where, "delta": text}
                yield Piece(_event(delta), content=True)
        yield Piece(_event({"type": "response.output_item.done", "output_index": at, "item": item}))
    yield Piece(_event({"type": "response.completed", "response": dict(response)}), closing=True)


def _event(value: Mapping[str, object]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()
