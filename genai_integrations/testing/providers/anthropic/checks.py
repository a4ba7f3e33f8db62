"""What Anthropic refuses before it asks a model."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from genai_integrations.testing.providers.anthropic.content import (
    Turn,
    breakpoints,
    check_blocks,
    check_messages,
    require_thinking,
)
from genai_integrations.testing.providers.anthropic.errors import (
    RefusalError,
    extra,
    missing,
    wrong,
)

PARAMETERS = frozenset({
    "cache_control", "container", "context_management", "diagnostics", "inference_geo", "max_tokens", "mcp_servers", "messages",
    "metadata", "model", "output_config", "service_tier", "speed", "stop_sequences", "stream", "system",
    "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p",
})  # fmt: skip
"""Every parameter of a request, without those of betas that are checked here."""

LATEST = "2026-10-21"
"""The version of the API that took the sampling parameters away."""

_SAMPLING = frozenset({"temperature", "top_k", "top_p"})
_MIN_BUDGET = 1024
_TOP_P_THINKING = 0.95
_TOOL_FIELDS = frozenset({
    "allowed_callers", "cache_control", "defer_loading", "description", "eager_input_streaming", "input_examples",
    "input_schema", "name", "strict", "type",
})  # fmt: skip
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_CHOICES = ("any", "auto", "none", "tool")
_FORCING = frozenset({"any", "tool"})


def check_request(
    body: Mapping[str, Any],
    betas: Collection[str],
    parameters: Collection[str] = PARAMETERS,
    *,
    version: str,
) -> None:
    """Refuse a request that the real API refuses.

    Args:
        body: The request.
        betas: The betas that it asked for.
        parameters: The names of parameters that are known.
        version: The version of the API.

    Raises:
        RefusalError: The request is wrong.
    """
    for name in ("max_tokens", "messages"):
        if name not in body:
            raise missing(name)
    known = set(parameters) - (_SAMPLING if version == LATEST else frozenset())
    if any(beta.startswith("structured-outputs-") for beta in betas):
        known.add("output_format")
    for name in body:
        if name not in known:
            raise extra(name)
    _check_values(body)
    turns = check_messages(body["messages"])
    if version == LATEST:
        _check_places(turns)
    _check_system(body.get("system"))
    _check_tools(body.get("tools"))
    if any(turn.of("tool_use") for turn in turns) and not body.get("tools"):
        raise RefusalError(
            "Requests which include `tool_use` or `tool_result` blocks must define tools."
        )
    _check_choice(body)
    _check_thinking(body, interleaved=any(beta.startswith("interleaved-") for beta in betas))
    if (body.get("thinking") or {}).get("type") == "enabled":
        require_thinking(turns)
    _check_formats(body)
    breakpoints(body)


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema that the answer must follow, if there is one."""
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema = wanted.get("schema")
    return schema if isinstance(schema, dict) else None


def _check_values(body: Mapping[str, Any]) -> None:
    for name in ("max_tokens", "top_k"):
        _check_integer(name, body.get(name, 0))
    for name in ("temperature", "top_p"):
        value = body.get(name, 1)
        if not isinstance(value, (int, float)):
            raise wrong(name, "a valid number")
        if not 0 <= value <= 1:
            raise RefusalError(f"{name}: range: 0..1")
    if not isinstance(body.get("stream", False), bool):
        raise wrong("stream", "a valid boolean")
    stops = body.get("stop_sequences", [])
    if not isinstance(stops, list):
        raise wrong("stop_sequences", "a valid list")
    if not all(isinstance(stop, str) and stop.strip() for stop in stops):
        raise RefusalError("stop_sequences: each stop sequence must contain non-whitespace")
    _require_known("metadata", body.get("metadata") or (), {"user_id"})


def _check_integer(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(name, "a valid integer")
    if value < 0:
        raise wrong(name, "greater than or equal to 0")


def _require_known(where: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise extra(f"{where}.{name}")


def _check_places(turns: Iterable[Turn]) -> None:
    """The assistant gives no documents, and the user cites nothing."""
    for turn in turns:
        for where, block in turn.blocks:
            if turn.role == "assistant" and block["type"] == "document":
                raise RefusalError(f"{where}: `document` blocks can only be in `user` messages")
            if turn.role == "user" and block["type"] == "text" and block.get("citations"):
                raise extra(f"{where}.text.citations")


def _check_system(system: object) -> None:
    if system is not None and not isinstance(system, str):
        check_blocks(system, "system", ["text"])


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise wrong("tools", "a valid list")
    names = set()
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise wrong(f"tools.{index}", "a valid dictionary or object to extract fields from")
        if tool.get("type") in {None, "custom"}:
            _check_tool(tool, f"tools.{index}.custom")
        name = tool.get("name")
        if name is not None and name in names:
            raise RefusalError("tools: Tool names must be unique.")
        names.add(name)


def _check_tool(tool: Mapping[str, object], where: str) -> None:
    for name in ("name", "input_schema"):
        if name not in tool:
            raise missing(f"{where}.{name}")
    _require_known(where, tool, _TOOL_FIELDS)
    if not isinstance(tool["name"], str) or not _TOOL_NAME.fullmatch(tool["name"]):
        raise RefusalError(f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    _check_schema(tool["input_schema"], f"{where}.input_schema")


def _check_schema(schema: object, where: str) -> None:
    if not isinstance(schema, dict):
        raise wrong(where, "a valid dictionary")
    if "type" not in schema:
        raise missing(f"{where}.type")
    if schema["type"] != "object":
        raise wrong(f"{where}.type", "'object'")
    if any(name in schema for name in ("oneOf", "allOf", "anyOf")):
        raise RefusalError(
            f"{where}: input_schema does not support oneOf, allOf, or anyOf at the top level"
        )
    if not all(_PROPERTY.fullmatch(name) for name in schema.get("properties") or ()):
        raise RefusalError(
            f"{where}.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
        )


def _check_choice(body: Mapping[str, Any]) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    tag = choice.get("type") if isinstance(choice, dict) else None
    if tag not in _CHOICES:
        expected = ", ".join(repr(each) for each in _CHOICES)
        message = f"Input tag {tag!r} found using 'type' does not match any of the expected tags: {expected}"
        raise RefusalError(f"tool_choice: {message}")
    if tag == "tool" and "name" not in choice:
        raise missing("tool_choice.tool.name")
    names = [tool.get("name") for tool in body.get("tools") or ()]
    if tag == "any" and not names:
        raise RefusalError("tool_choice.any may only be specified while providing tools")
    if tag == "tool" and choice["name"] not in names:
        raise RefusalError(f"Tool '{choice['name']}' not found in provided tools")


def _check_thinking(body: Mapping[str, Any], *, interleaved: bool) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    tag = thinking.get("type") if isinstance(thinking, dict) else None
    if tag not in {"adaptive", "disabled", "enabled"}:
        message = f"Input tag {tag!r} found using 'type' does not match any of the expected tags: "
        raise RefusalError(f"thinking: {message}'adaptive', 'disabled', 'enabled'")
    if tag == "enabled":
        _check_budget(thinking, body["max_tokens"], interleaved=interleaved)
    if tag == "disabled":
        return
    if (body.get("tool_choice") or {}).get("type") in _FORCING:
        raise RefusalError("Thinking may not be enabled when tool_choice forces tool use.")
    if body.get("temperature", 1) != 1:
        raise RefusalError("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_p", 1) < _TOP_P_THINKING:
        raise RefusalError(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
        )
    if "top_k" in body:
        raise RefusalError("`top_k` must be unset when thinking is enabled.")


def _check_budget(thinking: Mapping[str, Any], limit: int, *, interleaved: bool) -> None:
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise missing("thinking.enabled.budget_tokens")
    if not isinstance(budget, int) or budget < _MIN_BUDGET:
        raise wrong("thinking.enabled.budget_tokens", f"greater than or equal to {_MIN_BUDGET}")
    if budget >= limit and not interleaved:
        raise RefusalError("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_formats(body: Mapping[str, Any]) -> None:
    config = body.get("output_config") or {}
    _require_known("output_config", config, {"effort", "format", "task_budget"})
    for where, wanted in (
        ("output_config.format", config.get("format")),
        ("output_format", body.get("output_format")),
    ):
        if wanted is None:
            continue
        if wanted.get("type") != "json_schema":
            raise wrong(f"{where}.type", "'json_schema'")
        if not isinstance(wanted.get("schema"), dict):
            raise missing(f"{where}.schema")
        for schema in _schemas(wanted["schema"]):
            if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
                message = (
                    "For 'object' type, 'additionalProperties' must be explicitly set to false"
                )
                raise RefusalError(f"{where}.schema: {message}")


def _schemas(schema: Any) -> Iterable[Mapping[str, Any]]:
    """A schema and all that are in it."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = [schema.get("items"), schema.get("not")]
    for name in ("properties", "$defs", "definitions"):
        inner += (schema.get(name) or {}).values()
    for name in ("anyOf", "allOf", "oneOf"):
        inner += schema.get(name) or ()
    for each in inner:
        yield from _schemas(each)
