"""Replies and chunks in OpenAI's wire shape to LangChain's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import (
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from genai_integrations.calls.extras import SIGNED, TOLD, USUAL, StreamedExtras, extras_of
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Route
from genai_integrations.calls.tool_calls import function_of
from genai_integrations.langchain.blocks import PROVIDER
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream

Wire = dict[str, Any]

_KEPT = ("refusal", "audio", "annotations", "images", "thinking_blocks", "function_call")
"""Parts of an answer for which a LangChain message has no field of its own."""

_MORE = frozenset((*_KEPT, *SIGNED, "reasoning_content", "tool_calls"))
"""Whatever a delta may bring but text."""


def chat_result(reply: Reply) -> ChatResult:
    """A whole reply."""
    wire = reply.wire
    metadata = response_metadata(wire, reply.route)
    usage = usage_metadata(wire.get("usage"))
    generations = []
    for choice in wire["choices"]:
        generations.append(_generation(choice, metadata, usage, wire))
        # What the call used is told once, however many answers it has.
        usage = None
    output = {"model_name": metadata["model_name"], "token_usage": wire.get("usage")}
    return ChatResult(generations=generations, llm_output=output)


def _generation(
    choice: Wire, metadata: dict[str, Any], usage: UsageMetadata | None, wire: Wire
) -> ChatGeneration:
    info = _ended(choice)
    if choice.get("logprobs"):
        info["logprobs"] = choice["logprobs"]
    message = choice.get("message") or {}
    calls, invalid = _calls(message)
    return ChatGeneration(
        message=AIMessage(
            content=message.get("content") or "",
            additional_kwargs=_kept(message, wire),
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=usage,
            response_metadata={**metadata, **info},
        ),
        generation_info=info,
    )


def _ended(choice: Wire) -> dict[str, Any]:
    """Why it ended, in OpenAI's word and in the server's, if that is another."""
    info = {"finish_reason": choice.get("finish_reason")}
    native = choice.get("native_finish_reason")
    return {**info, "native_finish_reason": native} if native else info


class StreamReader:
    """Reads the chunks of one stream. What is known only at its end is told in its last chunk."""

    __slots__ = ("_block", "_closed", "_ending", "_extras", "_wire")

    def __init__(self) -> None:
        self._wire: Wire = {}
        self._ending: Wire = {"finish_reason": None}
        self._extras = StreamedExtras()
        self._block = -1
        self._closed = True

    def chunk(self, wire: Wire) -> ChatGenerationChunk | None:
        """One chunk; None for one that has nothing to say yet."""
        self._wire = wire
        choices = wire.get("choices")
        if not choices:
            return None
        choice = choices[0]
        if choice.get("finish_reason"):
            self._ending = _ended(choice)
        delta = choice.get("delta") or {}
        text = delta.get("content")
        logprobs = choice.get("logprobs")
        if not _MORE.isdisjoint(delta):
            message = self._rich(delta, text or "")
        elif text or logprobs:
            message = _plain(text or "")
        else:
            return None
        if message is None:
            return None
        if logprobs:
            return ChatGenerationChunk(message=message, generation_info={"logprobs": logprobs})
        return ChatGenerationChunk(message=message)

    def last(self, route: Route) -> ChatGenerationChunk:
        """The chunk that closes the stream: why it ended, usage, and who answered."""
        message = AIMessageChunk(
            content="",
            additional_kwargs=self._extras.wire(self._wire),
            usage_metadata=usage_metadata(self._wire.get("usage")),
            response_metadata=response_metadata(self._wire, route),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=self._ending)

    def _rich(self, delta: Wire, text: Any) -> AIMessageChunk | None:
        """A chunk that brings more than text, or brings None of it."""
        self._extras.add(delta)
        kept = _additional(delta)
        calls = delta.get("tool_calls") or ()
        if not (kept or calls or text):
            return None
        if "thinking_blocks" in kept:
            kept["thinking_blocks"] = list(self._numbered(kept["thinking_blocks"]))
        return AIMessageChunk(
            content=text,
            additional_kwargs=kept,
            tool_call_chunks=[_call_chunk(call) for call in calls],
            response_metadata={"model_provider": PROVIDER},
        )

    def _numbered(self, pieces: list[Wire]) -> Iterator[Wire]:
        """Pieces of reasoning, with the number of the block they belong to: a signature closes one."""
        for piece in pieces:
            if self._closed:
                self._block += 1
            signature = piece.get("signature")
            self._closed = bool(signature) or piece.get("type") != "thinking"
            told = {key: value for key, value in piece.items() if value}
            yield {**told, "index": self._block}


def reader_of(stream: ReplyStream | AsyncReplyStream) -> StreamReader:
    """The reader of a stream, which may be one that can begin anew."""
    if not stream.recovers:
        return StreamReader()
    from genai_integrations.langchain.restarts import RestartReader

    return RestartReader()


_EMPTY = AIMessageChunk(content="")


def _plain(text: str) -> AIMessageChunk:
    """A chunk with nothing but text: a copy costs a third of a validation, which it cannot fail."""
    own: dict[str, Any] = {
        "content": text,
        "additional_kwargs": {},
        "response_metadata": {},
        "tool_calls": [],
        "invalid_tool_calls": [],
        "tool_call_chunks": [],
    }
    return _EMPTY.model_copy(update=own)


def response_metadata(wire: Wire, route: Route) -> dict[str, Any]:
    """Who answered, what was tried, and what it cost if that is known."""
    served = route.attempts[-1]
    tried = route.as_dict()
    told = {
        "id": wire.get("id"),
        "model_name": wire.get("model") or served.model,
        "model_provider": PROVIDER,
        "provider": served.provider,
        "system_fingerprint": wire.get("system_fingerprint"),
        "service_tier": wire.get("service_tier"),
        "route": tried,
        "cost": tried["cost"],
    }
    return {name: value for name, value in told.items() if value is not None}


def usage_metadata(usage: Wire | None) -> UsageMetadata | None:
    """LangChain's token counts, with cache and reasoning details where they were reported."""
    if not usage:
        return None
    prompt = usage.get("prompt_tokens") or 0
    completion = usage.get("completion_tokens") or 0
    told = UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=usage.get("total_tokens") or prompt + completion,
    )
    into = usage.get("prompt_tokens_details") or {}
    inputs = {
        "audio": into.get("audio_tokens"),
        "cache_creation": into.get("cache_creation_tokens"),
        "cache_read": into.get("cached_tokens"),
    }
    out = usage.get("completion_tokens_details") or {}
    outputs = {"audio": out.get("audio_tokens"), "reasoning": out.get("reasoning_tokens")}
    if details := _told(inputs):
        told["input_token_details"] = cast("InputTokenDetails", details)
    if details := _told(outputs):
        told["output_token_details"] = cast("OutputTokenDetails", details)
    return told


def _told(details: dict[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in details.items() if isinstance(count, (int, float))}


def _calls(message: Wire) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for raw in message.get("tool_calls") or ():
        function = function_of(raw)
        name, arguments, identity = function.get("name"), function.get("arguments"), raw.get("id")
        found = _arguments(arguments)
        if isinstance(found, dict) and name:
            calls.append(tool_call(name=name, args=found, id=identity))
        else:
            problem = found if isinstance(found, str) else "the call has no name"
            invalid.append(invalid_tool_call(name=name, args=arguments, id=identity, error=problem))
    return calls, invalid


def _arguments(text: Any) -> dict[str, Any] | str:
    """The arguments of a call, or what is wrong with them. Some servers write none as nothing."""
    if not text or text == "null":
        return {}
    try:
        found = json.loads(text, strict=False)
    except (ValueError, TypeError, RecursionError) as error:
        return f"the arguments are not JSON: {error}"
    return found if isinstance(found, dict) else "the arguments are not a JSON object"


def _kept(message: Wire, wire: Wire) -> dict[str, Any]:
    kept = _additional(message)
    if USUAL.issuperset(message) and not any(name in wire for name in TOLD):
        return kept
    return {**kept, **extras_of(message, wire)}


def _additional(message: Wire) -> dict[str, Any]:
    kept = {name: message[name] for name in _KEPT if message.get(name)}
    if message.get("reasoning_content"):
        kept["reasoning_content"] = message["reasoning_content"]
    return kept


def _call_chunk(raw: Wire) -> ToolCallChunk:
    function = function_of(raw)
    return tool_call_chunk(
        name=function.get("name"),
        args=function.get("arguments"),
        id=raw.get("id"),
        index=raw.get("index"),
    )


def combined(llm_outputs: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """One `llm_output` of several calls: the tokens of all, and the first one's model."""
    outputs = [output for output in llm_outputs if output]
    usage: dict[str, int] = {}
    for output in outputs:
        for name, value in (output.get("token_usage") or {}).items():
            if isinstance(value, int):
                usage[name] = usage.get(name, 0) + value
    return {**outputs[0], "token_usage": usage} if outputs else {}
