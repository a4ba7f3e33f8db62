"""Tools and schemas in every form that LangChain takes, to OpenAI's wire shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from genai_integrations.calls.schemas import strict_schema
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain.schemas import object_schema, recursive_schema

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
        ConfigurationError: One of them cannot be converted, and the text says which; or it is a tool and no list.
    """
    if isinstance(tools, (str, Mapping, BaseModel)) or not isinstance(tools, Iterable):
        raise ConfigurationError(
            f"tools must be a list, not one {type(tools).__name__}: write [tool]"
        )
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


def checked_schema(schema: Any) -> Any:
    """The schema of an answer that a tool is to give, if it is one; a JSON schema has a title then.

    Raises:
        ConfigurationError: It is no schema.
    """
    _function(schema)
    is_bare = isinstance(schema, dict) and "function" not in schema
    return object_schema(schema) if is_bare else schema


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
    """A schema as OpenAI's function; one without a title is called `response`.

    Raises:
        ConfigurationError: It is no schema.
    """
    if isinstance(schema, dict):
        if isinstance(schema.get("function"), dict):
            return dict(schema["function"])
        schema = object_schema(schema)
    try:
        function = dict(convert_to_openai_function(schema))
    except (ValueError, TypeError) as error:
        if isinstance(schema, dict):
            raise ConfigurationError(f"this JSON schema cannot be used: {_line(error)}") from None
        raise ConfigurationError(
            f"{schema!r} is not a schema for an answer: give a Pydantic class, a TypedDict or a JSON schema; "
            "a list or a choice of several goes into a field of one"
        ) from None
    whole = recursive_schema(schema, function.get("parameters") or {})
    return function if whole is None else {**function, "parameters": whole}


def _tool(at: int, tool: Tool, strict: bool | None) -> Wire:
    try:
        wire = convert_to_openai_tool(tool, strict=strict)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(f"tools[{at}] cannot be a tool: {_line(error)}") from None
    whole = recursive_schema(tool, wire)
    if whole is not None:
        wire = {**wire, "function": {**wire["function"], "parameters": whole}}
    if not tool_name(wire) and wire.get("type") == "function":
        raise ConfigurationError(f"tools[{at}] has no name")
    if strict:
        wire = _enforced_tool(tool, wire)
    given = tool if isinstance(tool, dict) else getattr(tool, "extras", None)
    marker = given.get("cache_control") if isinstance(given, Mapping) else None
    return {**wire, "cache_control": marker} if marker else wire


def _line(error: Exception) -> str:
    """What LangChain says of it, which has paragraphs."""
    return " ".join(str(error).split())


def _enforced_tool(tool: Tool, wire: Wire) -> Wire:
    """A strict tool with its parameters in the form that a provider enforces, where they have one."""
    given = convert_to_openai_tool(tool).get("function", {}).get("parameters") or {}
    given = recursive_schema(tool, given) or given
    closed = strict_schema(given) if given else None
    if closed is None:
        return wire
    return {**wire, "function": {**wire["function"], "parameters": closed}}
