"""Tools and schemas in every form that LangChain takes, to OpenAI's wire shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from genai_integrations.calls.schemas import strict_schema
from genai_integrations.errors import ConfigurationError

Wire = dict[str, Any]
Tool = dict[str, Any] | type | Callable[..., Any] | BaseTool
"""What LangChain takes for a tool."""
Choice = str | dict[str, Any] | bool
"""What LangChain takes for the choice of one."""

_CHOICES = frozenset(("auto", "none", "required"))
_SCHEMA_KEYS = frozenset(("name", "schema", "strict", "description"))


def wire_tools(tools: Sequence[Tool], strict: bool | None) -> list[Wire]:
    """Convert tools.

    Raises:
        ConfigurationError: One of them cannot be converted; the text says which.
    """
    return [_tool(at, tool, strict) for at, tool in enumerate(tools)]


def wire_choice(choice: Choice, tools: Sequence[Wire]) -> str | Wire | None:
    """Convert a tool choice; None where there is nothing to say.

    Raises:
        ConfigurationError: It names a tool that is not there.
    """
    if isinstance(choice, dict):
        kind, name = choice.get("type"), choice.get("name")
        # Anthropic's own form: `any`, or `tool` with a name.
        plain = name if kind == "tool" else kind if kind in ("any", "auto", "none") else None
        return wire_choice(plain, tools) if plain else choice
    if choice is False:
        return None
    if choice is True or choice == "any":
        choice = "required"
    if choice in _CHOICES:
        return choice if tools else None
    names = [tool_name(tool) for tool in tools]
    if choice not in names:
        known = ", ".join(repr(name) for name in names if name) or "none"
        raise ConfigurationError(
            f"tool_choice={choice!r} names no tool: use auto, none, any, required or one of these: {known}"
        )
    return {"type": "function", "function": {"name": choice}}


def tool_name(tool: Wire) -> str | None:
    """The name of a tool on the wire; a provider's built-in tool has its type for one."""
    function = tool.get("function")
    return function.get("name") if isinstance(function, dict) else tool.get("type")


def response_format(schema: Any, strict: bool | None = None) -> Wire:
    """Have the answer follow a schema: Pydantic, TypedDict, JSON schema, or already in OpenAI's form.

    Raises:
        ConfigurationError: It is no schema.
    """
    if isinstance(schema, dict) and schema.get("type") in ("json_schema", "json_object", "text"):
        return schema
    if isinstance(schema, dict) and "schema" in schema and schema.keys() <= _SCHEMA_KEYS:
        return {"type": "json_schema", "json_schema": schema}
    function = _function(schema)
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    strict, parameters = _enforced(function, parameters, strict)
    wanted = {"name": function["name"], "schema": parameters, "strict": strict}
    if function.get("description"):
        wanted["description"] = function["description"]
    return {"type": "json_schema", "json_schema": wanted}


def is_pydantic(schema: Any) -> bool:
    """Whether answers are to become objects of this class."""
    return isinstance(schema, type) and is_basemodel_subclass(schema)


def _enforced(function: Wire, parameters: Wire, strict: bool | None) -> tuple[bool, Wire]:
    """Whether to have the provider hold an answer to the schema, and the schema for that."""
    if strict is None:
        strict = function.get("strict")
    closed = strict_schema(parameters) if strict is not False else None
    if closed is not None:
        return True, closed
    if strict:
        # Wanted all the same. LangChain's form of it changes what is accepted, but the caller has said so.
        bare = {key: value for key, value in function.items() if key != "strict"}
        return True, convert_to_openai_function(bare, strict=True)["parameters"]
    return False, parameters


def _function(schema: Any) -> Wire:
    """A schema as OpenAI's function; one without a title is called `response`."""
    if isinstance(schema, dict):
        if isinstance(schema.get("function"), dict):
            return dict(schema["function"])
        if "title" not in schema and "name" not in schema and "toolSpec" not in schema:
            schema = {"title": "response", **schema}
    try:
        return dict(convert_to_openai_function(schema))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"this is no schema for an answer: {error}") from None


def _tool(at: int, tool: Tool, strict: bool | None) -> Wire:
    try:
        wire = convert_to_openai_tool(tool, strict=strict)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(f"tools[{at}] cannot be a tool: {error}") from None
    if not tool_name(wire) and wire.get("type") == "function":
        raise ConfigurationError(f"tools[{at}] has no name")
    if strict:
        wire = _enforced_tool(tool, wire)
    given = tool if isinstance(tool, dict) else getattr(tool, "extras", None)
    marker = given.get("cache_control") if isinstance(given, Mapping) else None
    return {**wire, "cache_control": marker} if marker else wire


def _enforced_tool(tool: Tool, wire: Wire) -> Wire:
    """A strict tool with its parameters in the form that a provider enforces, where they have one."""
    given = convert_to_openai_tool(tool).get("function", {}).get("parameters")
    closed = strict_schema(given) if given else None
    if closed is None:
        return wire
    return {**wire, "function": {**wire["function"], "parameters": closed}}
