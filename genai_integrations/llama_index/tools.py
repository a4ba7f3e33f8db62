"""Tools: how a call offers them, and what an answer calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from pydantic_core import from_json

from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index.replies import RawReply

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

_CHOICES = frozenset(("auto", "none", "required"))


def tool_params(
    tools: Sequence[BaseTool], choice: Any, *, required: bool, parallel: bool | None
) -> dict[str, Any]:
    """What a call sends to offer tools.

    Args:
        tools: The tools; none sends nothing.
        choice: `auto`, `none`, `required`, `any`, a tool's name, or OpenAI's dict; None decides by `required`.
        required: The model has to call a tool.
        parallel: Whether it may call several; None leaves it to the provider.

    Raises:
        ConfigurationError: They are no list of tools; agents take bare functions, an LLM does not.
    """
    rows = tools if isinstance(tools, Sequence) else [None]
    if not all(hasattr(row, "metadata") for row in rows):
        raise ConfigurationError(
            "tools must be a list such as [FunctionTool.from_defaults(function)]"
        )
    if not tools:
        return {}
    params = {
        "tools": [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools],
        "tool_choice": _choice(choice, required=required),
    }
    if parallel is not None:
        params["parallel_tool_calls"] = parallel
    return params


def named_choice(name: str) -> dict[str, Any]:
    """The choice of one tool."""
    return {"type": "function", "function": {"name": name}}


def _choice(choice: Any, *, required: bool) -> Any:
    if choice is None:
        return "required" if required else "auto"
    if choice == "any":
        return "required"
    if isinstance(choice, str) and choice not in _CHOICES:
        return named_choice(choice)
    return choice


def selections(response: ChatResponse) -> list[ToolSelection]:
    """The tools that an answer calls; while it streams, with the arguments that are there so far."""
    raw = response.raw
    growing = isinstance(raw, RawReply) and not raw.whole
    return [
        ToolSelection(
            tool_id=call.tool_call_id or "",
            tool_name=call.tool_name,
            tool_kwargs=_arguments(call.tool_kwargs, growing=growing),
        )
        for call in response.message.blocks
        if isinstance(call, ToolCallBlock)
    ]


def only_first_call(response: ChatResponse) -> ChatResponse:
    """The answer with one tool call at most, for a model that calls several though it should not."""
    calls = [row for row in response.message.blocks if isinstance(row, ToolCallBlock)]
    if len(calls) < 2:  # noqa: PLR2004  "several" is two
        return response
    message = response.message
    blocks = [
        row for row in message.blocks if not isinstance(row, ToolCallBlock) or row is calls[0]
    ]
    extra = {**message.additional_kwargs, "tool_calls": message.additional_kwargs["tool_calls"][:1]}
    short = ChatMessage(role=message.role, blocks=blocks, additional_kwargs=extra)
    return response.model_copy(update={"message": short})


def _arguments(given: dict[str, Any] | str, *, growing: bool) -> dict[str, Any]:
    """The arguments. A whole answer's are never completed by guessing: they would be acted upon."""
    if isinstance(given, dict):
        return given
    try:
        parsed = (
            from_json(given, allow_partial="trailing-strings") if growing else json.loads(given)
        )
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
