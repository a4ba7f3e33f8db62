"""What OpenAI refuses before it asks a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from genai_integrations.testing.providers.openai.by_model import check_model
from genai_integrations.testing.providers.openai.errors import (
    ApiError,
    invalid,
    missing,
    wrong_value,
)
from genai_integrations.testing.providers.openai.published import checked, parameters
from genai_integrations.testing.providers.openai.strict_schemas import check_strict

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")

_AZURE_ONLY = frozenset({"data_sources"})
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}


_CHAT = "CreateChatCompletionRequest"
_EMBEDDING = "CreateEmbeddingRequest"


def check_chat(body: Mapping[str, Any], model: str, also_accepts: frozenset[str]) -> None:
    """Refuse a chat request that OpenAI refuses: by role, by model, by its published shapes, by its schemas.

    Raises:
        ApiError: The request is wrong.
    """
    _check_names(body, parameters(_CHAT) | _AZURE_ONLY | also_accepts)
    if "messages" not in body:
        raise missing("messages")
    messages = body["messages"]
    if not isinstance(messages, list):
        raise invalid("messages", "expected an array of objects", "invalid_type")
    if not messages:
        raise invalid(
            "messages", "empty array. Expected an array with minimum length 1", "empty_array"
        )
    _check_messages(messages)
    _check_values(body)
    _check_tools(body)
    for index, message in enumerate(messages):
        _check_images(message, f"messages[{index}]")
    check_model(model, body)
    refusal = checked(_CHAT)({"model": model, **_without(body, also_accepts)}, "")
    if refusal is not None:
        raise refusal
    check_strict(body)


def check_embedding(body: Mapping[str, object], model: str) -> None:
    """Refuse an embedding request that the real API refuses.

    Raises:
        ApiError: The request is wrong.
    """
    _check_names(body, parameters(_EMBEDDING))
    if "input" not in body:
        raise missing("input")
    given = body["input"]
    if given in ("", []) or (isinstance(given, list) and "" in given):
        raise ApiError("'$.input' is invalid. Input cannot be an empty string or array.", 400)
    refusal = checked(_EMBEDDING)({"model": model, **body}, "")
    if refusal is not None:
        raise refusal


def _without(value: Any, names: frozenset[str]) -> Any:
    """A request without these keys, wherever they stand."""
    if not names or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return [_without(row, names) for row in value]
    return {key: _without(inner, names) for key, inner in value.items() if key not in names}


def _check_names(body: Mapping[str, object], known: Collection[str]) -> None:
    unknown = [name for name in body if name not in known]
    if unknown:
        what = "argument" if len(unknown) == 1 else "arguments"
        raise ApiError(f"Unrecognized request {what} supplied: {', '.join(unknown)}", 400)


def _check_messages(messages: list[object]) -> None:
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise invalid(where, "expected an object", "invalid_type")
        role = message.get("role")
        if role not in _ROLES:
            raise wrong_value(f"{where}.role", role, _ROLES)
        if role == "tool":
            _close_call(message, open_calls, where)
            continue
        _require_closed(open_calls, where)
        _check_content(message, where)
        open_calls = _calls(message, where)
    _require_closed(open_calls, f"messages[{len(messages)}]")


def _calls(message: Mapping[str, object], where: str) -> list[str]:
    """The ids of the calls that a message makes."""
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise invalid(f"{where}.tool_calls", "expected an array of objects", "invalid_type")
    return [call.get("id") for call in calls]


def _check_content(message: Mapping[str, object], where: str) -> None:
    content = message.get("content")
    if content is None and message["role"] != "assistant":
        raise invalid(f"{where}.content", "expected a string, got null", "invalid_type")
    if content is None and not message.get("tool_calls") and not message.get("function_call"):
        raise invalid(f"{where}.content", "expected a string, got null", "invalid_type")
    if content is not None and not isinstance(content, (str, list)):
        raise invalid(f"{where}.content", "expected a string or an array", "invalid_type")


# The words are those of a public report: openai/openai-node#1030.
def _check_images(message: Mapping[str, Any], where: str) -> None:
    content, role = message.get("content"), message["role"]
    parts = content if role != "user" and isinstance(content, list) else ()
    if any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts):
        raise ApiError(
            f"Invalid '{where}'. Image URLs are only allowed for messages with role 'user', but this message with "
            f"role '{role}' contains an image URL.",
            400,
            param=where,
            code="invalid_value",
        )


def _close_call(message: Mapping[str, object], open_calls: list[str], where: str) -> None:
    call = message.get("tool_call_id")
    if call not in open_calls:
        raise ApiError(
            "Invalid parameter: messages with role 'tool' must be a response to a preceding message "
            "with 'tool_calls'.",
            400,
            param=f"{where}.role",
        )
    open_calls.remove(call)


def _require_closed(open_calls: list[str], where: str) -> None:
    if open_calls:
        raise ApiError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. No response for: {', '.join(map(str, open_calls))}",
            400,
            param=f"{where}.role",
        )


def _check_values(body: Mapping[str, object]) -> None:
    for name, (lowest, highest) in _RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, (int, float)):
            raise invalid(name, "expected a decimal", "invalid_type")
        if not lowest <= value <= highest:
            raise invalid(name, f"expected a value from {lowest} to {highest}", "out_of_range")
    for name in ("n", "max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise invalid(name, "expected an integer of at least 1", "integer_below_min_value")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise ApiError(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            400,
            param="max_tokens",
        )
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(message, 400, param="stream_options")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise invalid("tools", "expected an array of objects", "invalid_type")
    if tools is not None and not tools:
        raise invalid(
            "tools", "empty array. Expected an array with minimum length 1", "empty_array"
        )
    if body.get("tool_choice") is not None and not tools:
        message = "'tool_choice' is only allowed when 'tools' are specified."
        raise ApiError(f"Invalid value for 'tool_choice': {message}", 400, param="tool_choice")
    for index, tool in enumerate(tools or ()):
        if not _named(tool, "function"):
            raise missing(f"tools[{index}].function.name")
    wanted = body.get("response_format")
    is_schema = isinstance(wanted, dict) and wanted.get("type") == "json_schema"
    if is_schema and not _named(wanted, "json_schema"):
        raise missing("response_format.json_schema.name")


def _named(part: object, key: str) -> bool:
    """Whether an object has another one at that key, with a name."""
    held = part.get(key) if isinstance(part, dict) else None
    return isinstance(held, dict) and bool(held.get("name"))
