"""What Bedrock says against a conversation whose shape is right."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.bedrock.errors import invalid, model_refused
from genai_integrations.testing.providers.bedrock.reasoning import check_reasoning
from genai_integrations.testing.providers.bedrock.shapes import check_body


def check_conversation(body: Any, model: str) -> None:
    """Refuse a request that Converse refuses.

    Raises:
        ServiceError: The request is wrong.
    """
    check_body("Converse", body)
    messages = body.get("messages") or []
    _check_turns(messages)
    for index, message in enumerate(messages):
        _check_content(message, f"messages.{index}")
    _check_tools(body, messages)
    _check_results(messages)
    _check_documents(messages)
    _check_cache(body, model)
    _check_schema(body, model)
    check_reasoning(body, model)


def blocks_of(
    messages: list[dict[str, Any]], kind: str
) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Every content block of that kind, with the indices of its message and of itself."""
    for index, message in enumerate(messages):
        for place, block in enumerate(message["content"]):
            if kind in block:
                yield index, place, block[kind]


def _check_turns(messages: list[dict[str, Any]]) -> None:
    roles = [message["role"] for message in messages if message["role"] != "system"]
    if not roles or roles[0] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a "
            "user message."
        )
    if any(one == other for one, other in itertools.pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the conversation "
            "alternates between user and assistant roles and try again."
        )


def _check_content(message: Mapping[str, Any], where: str) -> None:
    if not message["content"]:
        raise invalid(
            f"The content field in the Message object at {where} is empty. Add a ContentBlock object to the "
            "content field and try again."
        )
    for place, block in enumerate(message["content"]):
        if "text" in block and not block["text"].strip():
            raise invalid(
                f"The text field in the ContentBlock object at {where}.content.{place} is blank. Add text to "
                "the text field, and try again."
            )


def _check_tools(body: Mapping[str, Any], messages: list[dict[str, Any]]) -> None:
    config = body.get("toolConfig")
    used = any(any(blocks_of(messages, kind)) for kind in ("toolUse", "toolResult"))
    if used and not config:
        raise invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )
    wanted = ((config or {}).get("toolChoice") or {}).get("tool")
    if wanted and wanted["name"] not in {spec["name"] for spec in tool_specs(body)}:
        raise invalid(
            f"The tool {wanted['name']} in toolConfig.toolChoice is not one of toolConfig.tools."
        )


def _check_cache(body: Mapping[str, Any], model: str) -> None:
    """Nova takes marks in messages and instructions, and none among its tools."""
    if "amazon.nova" not in model:
        return
    for index, tool in enumerate((body.get("toolConfig") or {}).get("tools") or ()):
        if "cachePoint" in tool:
            raise invalid(
                f"Malformed input request: #/toolConfig/tools/{index}: extraneous key [cachePoint] is not "
                "permitted, please reformat your input and try again."
            )


def _check_schema(body: Mapping[str, Any], model: str) -> None:
    """Models that know nothing of Converse's field for a schema, each in its own words."""
    wanted = (body.get("outputConfig") or {}).get("textFormat")
    if not wanted:
        return
    if "claude-3" in model or "claude-opus-4-7" in model:
        raise model_refused("output_config.format: Extra inputs are not permitted")
    if "amazon.nova" in model:
        raise invalid(
            "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and "
            "try again."
        )
    if _is_open(json.loads(wanted["structure"]["jsonSchema"]["schema"])):
        raise model_refused(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )


def _is_open(schema: object) -> bool:
    """Whether an object in it may have further keys."""
    if isinstance(schema, list):
        return any(map(_is_open, schema))
    if not isinstance(schema, dict):
        return False
    is_open = schema.get("type") == "object" and schema.get("additionalProperties") is not False
    return is_open or any(map(_is_open, schema.values()))


def tool_specs(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tools that a request offers."""
    tools = (body.get("toolConfig") or {}).get("tools") or ()
    return [tool["toolSpec"] for tool in tools if tool.get("toolSpec")]


def _check_results(messages: list[dict[str, Any]]) -> None:
    asked: list[str] = []
    for index, message in enumerate([*messages, {"content": []}]):
        answered = [
            block["toolResult"]["toolUseId"]
            for block in message["content"]
            if "toolResult" in block
        ]
        missing = [each for each in asked if each not in answered]
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{index}.content for the following Ids: "
                f"{', '.join(missing)}"
            )
        if len(answered) > len(asked):
            raise invalid(
                f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse "
                "blocks of previous turn."
            )
        asked = [
            block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block
        ]


def _check_documents(messages: list[dict[str, Any]]) -> None:
    results = [block["content"] for _, _, block in blocks_of(messages, "toolResult")]
    names = [document["name"] for _, _, document in blocks_of(messages, "document")]
    names += [row["document"]["name"] for row in itertools.chain(*results) if "document" in row]
    if len(names) != len(set(names)):
        raise invalid("Messages can not contain duplicate document names.")
    for index, _, _ in blocks_of(messages, "document"):
        if not any("text" in block for block in messages[index]["content"]):
            raise invalid("A text block must be included when using documents.")
