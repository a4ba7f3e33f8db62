"""Tools and schemas in every form that LangChain takes, to OpenAI's wire shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

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
    if strict is None:
        strict = function.get("strict", fits_strictly(parameters))
    if strict:
        function = {key: value for key, value in function.items() if key != "strict"}
        parameters = convert_to_openai_function(function, strict=True)["parameters"]
    wanted = {"name": function["name"], "schema": parameters, "strict": strict}
    if function.get("description"):
        wanted["description"] = function["description"]
    return {"type": "json_schema", "json_schema": wanted}


def is_pydantic(schema: Any) -> bool:
    """Whether answers are to become objects of this class."""
    return isinstance(schema, type) and is_basemodel_subclass(schema)


def fits_strictly(schema: Any) -> bool:
    """Whether a schema keeps its meaning when all is required and nothing else allowed.

    That is what OpenAI wants of a strict schema. What may be left out must be allowed to be null then.
    """
    if not isinstance(schema, Mapping):
        return schema is not True
    if any(key in schema for key in _NEVER_STRICT) or schema.get("additionalProperties"):
        return False
    properties = schema.get("properties") or {}
    if _is_object(schema) and not properties:
        return False
    required = schema.get("required") or ()
    optional = (inner for name, inner in properties.items() if name not in required)
    if not all(map(_may_be_null, optional)):
        return False
    inner = [*properties.values(), *(schema.get("anyOf") or ())]
    inner += [schema["items"]] if "items" in schema else []
    inner += [row for key in ("$defs", "definitions") for row in (schema.get(key) or {}).values()]
    return all(map(fits_strictly, inner))


_NEVER_STRICT = ("allOf", "oneOf", "not", "if", "patternProperties", "prefixItems")


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


def _may_be_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = schema.get("type")
    return (
        kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(map(_may_be_null, schema.get("anyOf") or ()))
    )


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
    given = tool if isinstance(tool, dict) else getattr(tool, "extras", None)
    marker = given.get("cache_control") if isinstance(given, Mapping) else None
    return {**wire, "cache_control": marker} if marker else wire
