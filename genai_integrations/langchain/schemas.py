"""JSON schemas that LangChain would make less of: without an object at the top, or of a class that holds itself."""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_core.tools import BaseTool

from genai_integrations.errors import ConfigurationError

Wire = dict[str, Any]

_REF = re.compile(r'"#/(?:\$defs|definitions)/([^"/]+)"')
_NAMED_FORMS = frozenset(("function", "name", "toolSpec"))
"""Keys of the providers' forms of a function, which bring a name and are converted by LangChain."""


def object_schema(schema: Wire) -> Wire:
    """A JSON schema with a title, an object at its top and its properties: of others, LangChain keeps the name only.

    Raises:
        ConfigurationError: It describes no object, which providers want of an answer.
    """
    if _NAMED_FORMS.intersection(schema):
        return schema
    whole = _at_its_reference(schema)
    if "properties" not in whole and whole.get("type") != "object":
        what = whole.get("type") or ", ".join(map(str, whole)) or "nothing"
        raise ConfigurationError(
            f"a JSON schema of an answer has to describe an object, and this one has {what} at its top: "
            "put it into a property of an object"
        )
    return {"title": "response", "properties": {}, **whole}


def recursive_schema(tool: object, made: Wire) -> Wire | None:
    """The JSON schema of a class that holds itself, or of a tool with such arguments; None of all others.

    LangChain writes what a schema refers to into it, and "anything", an empty schema, where that would not end.

    Args:
        tool: The class or tool.
        made: What LangChain made of it.
    """
    if "{}" not in json.dumps(made):
        return None
    # Tools of an MCP server have the JSON schema itself.
    given: Any = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    make = getattr(given, "model_json_schema", None)
    schema: Wire = make() if make is not None else given if isinstance(given, dict) else {}
    if not _recurses(schema.get("$defs") or {}):
        return None
    told = ("title", "description")
    return {key: value for key, value in _at_its_reference(schema).items() if key not in told}


def _at_its_reference(schema: Wire) -> Wire:
    """With what it refers to in the reference's place, if that is all that it is."""
    found: Any = schema
    for key in str(schema.get("$ref") or "").removeprefix("#/").split("/"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return schema
    return {key: value for key, value in schema.items() if key != "$ref"} | found


def _recurses(definitions: Wire) -> bool:
    """Whether one of them leads to itself."""
    leads = {name: set(_REF.findall(json.dumps(row))) for name, row in definitions.items()}
    for _ in leads:
        leads = {name: to.union(*(leads.get(row, ()) for row in to)) for name, to in leads.items()}
    return any(name in to for name, to in leads.items())
