"""The form of an answer: a JSON schema that the API enforces, or else a tool whose arguments are the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.enforced_schemas import enforceable, of_tool
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.anthropic.draft import Draft
from genai_integrations.transports.anthropic.thinking import is_thinking

ANSWER = "json_tool_call"
"""The name of that tool. LiteLLM's, so that whoever knows the one path knows the other."""

_TOOL_WORDS = "Give your answer by calling this, in the form that its arguments have."
_JSON_WORDS = "Answer with one JSON object, and with nothing before or behind it."


def set_form(draft: Draft) -> None:
    """`response_format`. What has neither a schema nor JSON in it is left as it is."""
    wanted = draft.left.get("response_format")
    if not isinstance(wanted, Mapping):
        return
    schema = schema_in(wanted)
    if schema is not None:
        draft.take("response_format")
        form = enforceable(schema) if draft.model.enforces_schemas else None
        if form is None:
            _set_tool(draft, schema, (wanted.get("json_schema") or {}).get("description"))
        else:
            config = draft.body.get("output_config") or {}
            form = {"type": "json_schema", "schema": form}
            draft.body["output_config"] = {**config, "format": form}
    elif wanted.get("type") in ("json_object", "text"):
        draft.take("response_format")
        if wanted["type"] == "json_object":
            draft.words.append(_JSON_WORDS)


def schema_in(wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that an answer is wanted in."""
    form = wanted.get("json_schema")
    # The second place is LiteLLM's.
    schema = form.get("schema") if isinstance(form, Mapping) else wanted.get("response_schema")
    return schema if isinstance(schema, Mapping) else None


def is_answered_by_tool(body: Mapping[str, Any]) -> bool:
    """Whether a call of the tool named `ANSWER` is the answer to a request, in OpenAI's shape."""
    wanted = body.get("response_format")
    return isinstance(wanted, Mapping) and schema_in(wanted) is not None


def _set_tool(draft: Draft, schema: Mapping[str, Any], words: Any) -> None:
    tool: Wire = {
        "name": ANSWER,
        "description": words or _TOOL_WORDS,
        "input_schema": of_tool(schema),
    }
    others = draft.body.get("tools") or []
    draft.body["tools"] = [*others, tool]
    choice = draft.body.get("tool_choice") or {"type": "auto"}
    if is_thinking(draft.body) or not draft.model.can_be_forced:
        if choice["type"] == "none":
            draft.body["tool_choice"] = {"type": "auto"}
    elif not others or choice["type"] == "none":
        draft.body["tool_choice"] = {"type": "tool", "name": ANSWER}
    elif choice["type"] == "auto":
        # One of the others, or the answer: so neither is out of reach.
        draft.body["tool_choice"] = {**choice, "type": "any"}
