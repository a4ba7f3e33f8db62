"""A model that plays along in each dialect: it reads what it is asked in the provider's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_support import filled

JOKE = {"setup": "Why?", "punchline": "Because."}
"""What LangChain's test of JSON mode asks for."""


@dataclass(frozen=True)
class Wanted:
    """What a request asks for.

    Attributes:
        tools: The schemas of the tools' arguments, by name.
        forced: The tool that must be called, `*` for any of them; None if none must.
        schema: The schema of the answer; None without one.
        answers_a_tool: The last turn is a tool's result.
    """

    tools: Mapping[str, Any]
    forced: str | None
    schema: Any
    answers_a_tool: bool


def played(wanted: Wanted, body: Mapping[str, Any]) -> Any:
    """The scripted reply: tools are called, schemas are followed."""
    if wanted.schema is not None:
        return json.dumps(_object(wanted.schema), ensure_ascii=False)
    if wanted.forced or (wanted.tools and not wanted.answers_a_tool):
        name = wanted.forced if wanted.forced in wanted.tools else next(iter(wanted.tools))
        return {"tool_calls": [{"name": name, "arguments": _object(wanted.tools[name])}]}
    if "JSON with 'setup' and 'punchline' keys" in json.dumps(body, ensure_ascii=False):
        return json.dumps(JOKE)
    return "I am well, thank you."


def _object(schema: Any) -> dict[str, Any]:
    """An object that fits; of an open schema the one that LangChain asks for."""
    return filled(_lowered(schema)) or (JOKE if schema.get("additionalProperties") else {})


def _lowered(schema: Any) -> Any:
    """Gemini writes types in capitals."""
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else _lowered(value)
            for key, value in schema.items()
        }
    return [_lowered(row) for row in schema] if isinstance(schema, list) else schema


def anthropic(body: Mapping[str, Any]) -> Any:
    """Messages."""
    choice = body.get("tool_choice") or {}
    forced = {"any": "*", "tool": choice.get("name")}.get(choice.get("type", ""))
    form = body.get("output_format") or (body.get("output_config") or {}).get("format") or {}
    tools = {tool["name"]: tool.get("input_schema") or {} for tool in body.get("tools") or ()}
    last = _parts(body["messages"][-1]["content"])
    result = any(part.get("type") == "tool_result" for part in last)
    tools = {} if choice.get("type") == "none" else tools
    return played(Wanted(tools, forced, form.get("schema"), result), body)


def gemini(body: Mapping[str, Any]) -> Any:
    """`generateContent`."""
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = calling.get("allowedFunctionNames") or ["*"]
    forced = names[0] if calling.get("mode") == "ANY" else None
    tools = dict(_declared(body)) if calling.get("mode") != "NONE" else {}
    config = body.get("generationConfig") or {}
    names_of_schemas = (
        "responseJsonSchema",
        "responseSchema",
        "response_json_schema",
        "response_schema",
    )
    schema = next((config[name] for name in names_of_schemas if name in config), None)
    last = body["contents"][-1]["parts"]
    result = any("functionResponse" in part for part in last)
    return played(Wanted(tools, forced, schema, result), body)


def _declared(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for tool in body.get("tools") or ():
        for row in tool.get("functionDeclarations") or tool.get("function_declarations") or ():
            yield row["name"], row.get("parametersJsonSchema") or row.get("parameters") or {}


def bedrock(body: Mapping[str, Any]) -> Any:
    """Converse."""
    config = body.get("toolConfig") or {}
    specs = [tool["toolSpec"] for tool in config.get("tools") or () if "toolSpec" in tool]
    tools = {spec["name"]: spec["inputSchema"]["json"] for spec in specs}
    choice = config.get("toolChoice") or {}
    forced = "*" if "any" in choice else (choice.get("tool") or {}).get("name")
    form = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    schema = (form.get("jsonSchema") or {}).get("schema")
    schema = json.loads(schema) if isinstance(schema, str) else schema
    last = body["messages"][-1]["content"]
    return played(Wanted(tools, forced, schema, any("toolResult" in part for part in last)), body)


def responses(body: Mapping[str, Any]) -> Any:
    """The Responses API."""
    own = [tool for tool in (body.get("tools") or ()) if "function" in tool]
    tools = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in own}
    choice = body.get("tool_choice")
    forced = choice["function"]["name"] if isinstance(choice, dict) else None
    forced = "*" if choice == "required" else forced
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    result = body["messages"][-1]["role"] == "tool"
    tools = {} if choice == "none" else tools
    return played(Wanted(tools, forced, schema, result), body)


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []
