"""Replies and chunks in OpenAI's wire shape to LangChain's messages."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCall, ToolCallChunk, tool_call_chunk
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from genai_integrations.routing.reply import Reply
from genai_integrations.routing.route import Route

Wire = dict[str, Any]


def chat_result(reply: Reply) -> ChatResult:
    """A whole reply."""
    wire = reply.wire
    usage = usage_metadata(wire.get("usage"))
    metadata = response_metadata(wire, reply.route)
    generations = [
        ChatGeneration(
            message=_message(choice, wire, usage, metadata),
            generation_info={"finish_reason": choice.get("finish_reason")},
        )
        for choice in wire["choices"]
    ]
    return ChatResult(
        generations=generations,
        llm_output={"model_name": metadata["model_name"], "token_usage": wire.get("usage")},
    )


def chunk_of(wire: Wire) -> ChatGenerationChunk | None:
    """One chunk with content; None for one that has nothing to say."""
    choices = wire.get("choices")
    if not choices:
        return None
    choice = choices[0]
    delta = choice.get("delta") or {}
    calls = delta.get("tool_calls")
    message = AIMessageChunk(
        content=delta.get("content") or "",
        id=wire.get("id"),
        additional_kwargs=_additional(delta),
        tool_call_chunks=[_call_chunk(call) for call in calls] if calls else [],
    )
    finish = choice.get("finish_reason")
    if finish:
        message.response_metadata = {"finish_reason": finish}
    return ChatGenerationChunk(message=message)


def last_chunk(wire: Wire, route: Route) -> ChatGenerationChunk:
    """The chunk that closes a stream: usage, and who answered."""
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            id=wire.get("id"),
            usage_metadata=usage_metadata(wire.get("usage")),
            response_metadata=response_metadata(wire, route),
        )
    )


def response_metadata(wire: Wire, route: Route) -> dict[str, Any]:
    """Who answered, and what was tried."""
    served = route.attempts[-1]
    return {
        "id": wire.get("id"),
        "model_name": wire.get("model") or served.model,
        "model_provider": served.provider,
        "system_fingerprint": wire.get("system_fingerprint"),
        "route": route.as_dict(),
    }


def usage_metadata(usage: Wire | None) -> UsageMetadata | None:
    """LangChain's token counts, with cache and reasoning details where they were reported."""
    if not usage:
        return None
    prompt = usage.get("prompt_tokens") or 0
    completion = usage.get("completion_tokens") or 0
    told_in = usage.get("prompt_tokens_details") or {}
    told_out = usage.get("completion_tokens_details") or {}
    inputs = {
        "cache_read": told_in.get("cached_tokens"),
        "cache_creation": told_in.get("cache_creation_tokens"),
        "audio": told_in.get("audio_tokens"),
    }
    outputs = {
        "reasoning": told_out.get("reasoning_tokens"),
        "audio": told_out.get("audio_tokens"),
    }
    return UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=usage.get("total_tokens") or prompt + completion,
        input_token_details=cast("InputTokenDetails", _told(inputs)),
        output_token_details=cast("OutputTokenDetails", _told(outputs)),
    )


def _told(details: dict[str, Any]) -> dict[str, Any]:
    return {name: count for name, count in details.items() if count is not None}


def _message(
    choice: Wire, wire: Wire, usage: UsageMetadata | None, metadata: dict[str, Any]
) -> AIMessage:
    message = choice.get("message") or {}
    calls: list[ToolCall] = []
    invalid = []
    for raw in message.get("tool_calls") or ():
        try:
            parsed = parse_tool_call(raw, return_id=True)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, the call is kept as invalid
            invalid.append(make_invalid_tool_call(raw, str(error)))
        else:
            if parsed:
                calls.append(cast("ToolCall", parsed))
    return AIMessage(
        content=message.get("content") or "",
        additional_kwargs=_additional(message),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage,
        response_metadata={**metadata, "finish_reason": choice.get("finish_reason")},
        id=wire.get("id"),
    )


def _additional(message: Wire) -> dict[str, Any]:
    kept = {}
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if reasoning:
        kept["reasoning_content"] = reasoning
    if message.get("refusal"):
        kept["refusal"] = message["refusal"]
    return kept


def _call_chunk(raw: Wire) -> ToolCallChunk:
    function = raw.get("function") or {}
    return tool_call_chunk(
        name=function.get("name"),
        args=function.get("arguments"),
        id=raw.get("id"),
        index=raw.get("index"),
    )
