"""A request for a response as the chat request that asks for the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def chat_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The chat request; what is the same in both, and the `input`, stay as they are."""
    chat: dict[str, Any] = {**body, "messages": list(_messages(body))}
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    chat["tools"] = [{"type": "function", "function": tool} for tool in functions] or None
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and choice["type"] == "function":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        wanted = {"type": "json_schema", "json_schema": wanted}
    chat["response_format"] = wanted or None
    chat["max_completion_tokens"] = body.get("max_output_tokens")
    return chat


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if body.get("instructions"):
        yield {"role": "developer", "content": body["instructions"]}
    given = body["input"]
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    for item in given:
        kind = item.get("type", "message")
        if kind == "message":
            yield {"role": item["role"], "content": _content(item["content"])}
        elif kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            yield {"role": "assistant", "content": None, "tool_calls": [call]}
        elif kind in ("function_call_output", "custom_tool_call_output"):
            content = _content(item["output"])
            yield {"role": "tool", "tool_call_id": item["call_id"], "content": content}


def _content(content: Any) -> Any:
    return content if isinstance(content, str) else [dict(part) for part in content]
