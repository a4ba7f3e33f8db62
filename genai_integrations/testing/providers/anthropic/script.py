"""What a scripted Claude says: a script, or the default answer, as blocks of content."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.anthropic.checks import schema_of
from genai_integrations.testing.providers.anthropic.thinking import redacted_block, thinking_block
from genai_integrations.testing.providers.dialect import Script
from genai_integrations.testing.providers.schemas import example_of

WORDS = re.compile(r"\s*\S+|\s+$")
"""The pieces that a text is streamed in, and the tokens that limits count."""

_NUMBERS = itertools.count(1)
_STOP_REASONS = {
    "content_filter": "refusal",
    "function_call": "tool_use",
    "length": "max_tokens",
    "stop": "end_turn",
    "tool_calls": "tool_use",
}
_ANSWER_TOOL = "json_tool_call"
"""LiteLLM offers this tool where an answer must follow a schema; with thinking it cannot force its use."""


@dataclass(slots=True)
class Draft:
    """An answer before it is put on the wire.

    Attributes:
        blocks: Its content; the `input` of a tool call is JSON text here.
        pieces: The pieces that its text was scripted in.
        stop_reason: Why it ends.
        stop_sequence: The text that ended it.
        usage: What the script says about usage.
        fields: Further fields of the message.
    """

    blocks: list[dict[str, Any]]
    pieces: list[str] | None = None
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


def draft_of(body: Mapping[str, Any], script: Script, call_prefix: str) -> Draft:
    """What to answer to a request that passed the checks.

    Args:
        body: The request.
        script: Who answers what.
        call_prefix: How the ids of tool calls begin.
    """
    reply: Any = script.reply
    if callable(reply):
        reply = reply(body)
    if isinstance(reply, Mapping) and reply.get("type") == "message":
        return _native(reply)
    draft = _default(body, script.speaker) if reply is None else _scripted(reply)
    _think(draft, body, script.speaker)
    _shorten(draft, body, filtered=script.filtered)
    for block in draft.blocks:
        if block["type"] == "tool_use" and block["id"] is None:
            block["id"] = f"{call_prefix}{next(_NUMBERS):022d}"
    return draft


def _native(message: Mapping[str, Any]) -> Draft:
    """A whole message in Anthropic's own shape."""
    stops = {key: message[key] for key in ("stop_reason", "stop_sequence") if key in message}
    shown = {key: message[key] for key in ("id", "model", "stop_details") if key in message}
    return Draft(_said(message), usage=message.get("usage") or {}, fields=shown, **stops)


def _scripted(reply: Any) -> Draft:
    if isinstance(reply, str):
        return Draft([_text(reply)])
    if not isinstance(reply, Mapping):
        pieces = list(reply)
        return Draft([_text("".join(pieces))], pieces)
    if "choices" in reply:
        choice = reply["choices"][0]
        around = {"finish_reason": choice.get("finish_reason"), "usage": reply.get("usage")}
        return _scripted({**choice["message"], **around})
    blocks = [*_thoughts(reply), *_said(reply)]
    calls = reply.get("tool_calls") or ()
    blocks += [_call(call) for call in calls]
    return Draft(blocks, stop_reason=_stop_reason(reply), usage=reply.get("usage") or {})


def _stop_reason(reply: Mapping[str, Any]) -> str:
    if reply.get("stop_reason"):
        return str(reply["stop_reason"])
    if reply.get("refusal"):
        return "refusal"
    reason = _STOP_REASONS.get(reply.get("finish_reason") or "stop", "end_turn")
    return "tool_use" if reason == "end_turn" and reply.get("tool_calls") else reason


def _thoughts(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    blocks = [_block(block) for block in reply.get("thinking_blocks") or ()]
    if not blocks and reply.get("reasoning_content"):
        blocks.append(thinking_block(reply["reasoning_content"]))
    return blocks


def _said(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = reply.get("content") or reply.get("refusal")
    if isinstance(content, str):
        return [_text(content)]
    return [_block(block) for block in content or ()]


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    """A scripted block, signed if the script left that to the server."""
    match block:
        case {"type": "tool_use" | "server_tool_use" | "mcp_tool_use", "input": given}:
            return {"id": None, **block, "input": _json(given)}
        case {"type": "thinking", "thinking": str(text)} if not block.get("signature"):
            return thinking_block(text)
        case {"type": "redacted_thinking"} if "data" not in block:
            return redacted_block("")
    return dict(block)


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or call
    arguments = _json(function.get("arguments") or {})
    return {"type": "tool_use", "id": call.get("id"), "name": function["name"], "input": arguments}


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _default(body: Mapping[str, Any], speaker: str) -> Draft:
    last = _content(body["messages"][-1])
    results = [block for block in last if block["type"] == "tool_result"]
    tool = _wanted_tool(body, results)
    if tool is not None:
        arguments = example_of(tool.get("input_schema") or {"type": "object"})
        return Draft(
            [_call({"name": tool["name"], "arguments": arguments})], stop_reason="tool_use"
        )
    if results and not _words_of(last):
        answered = _words_of(_content(results[-1]))
        return Draft([_text(f"{speaker} says: the tool answered {answered}")])
    schema = schema_of(body)
    if schema is not None:
        return Draft([_text(json.dumps(example_of(schema), ensure_ascii=False))])
    return Draft([_text(f"{speaker} says: {_asked(body)[-1]}")])


def _wanted_tool(
    body: Mapping[str, Any], results: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The tool that must be called now; one that has just answered is not called again."""
    choice = body.get("tool_choice") or {"type": "auto"}
    tools = {tool["name"]: tool for tool in body.get("tools") or () if "name" in tool}
    answered = {block["tool_use_id"] for block in results}
    done = {
        block["name"]
        for message in body["messages"]
        for block in _content(message)
        if block["type"] == "tool_use" and block["id"] in answered
    }
    match choice["type"]:
        case "any":
            return None if done else next(iter(tools.values()))
        case "tool":
            return None if choice["name"] in done else tools[choice["name"]]
        case "auto" if _ANSWER_TOOL not in done:
            return tools.get(_ANSWER_TOOL)
    return None


def _asked(body: Mapping[str, Any]) -> list[str]:
    """What the user said, message by message; nothing where there are only results or images."""
    return [_words_of(_content(each)) for each in body["messages"] if each["role"] == "user"]


def _content(holder: Mapping[str, Any]) -> list[Any]:
    content = holder.get("content") or []
    return [_text(content)] if isinstance(content, str) else content


def _words_of(blocks: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(block["text"] for block in blocks if block["type"] == "text")


def _think(draft: Draft, body: Mapping[str, Any], speaker: str) -> None:
    """A model that is told to think does so, also where the script says nothing about it."""
    thinking = body.get("thinking") or {}
    thoughts = [block for block in draft.blocks if block["type"].endswith("thinking")]
    if thinking.get("type") in {"adaptive", "enabled"} and not thoughts:
        question = next(filter(None, reversed(_asked(body))), "")
        draft.blocks.insert(0, thinking_block(f"{speaker} thinks about: {question}"))
    if thinking.get("display") == "omitted":
        draft.blocks = [
            thinking_block(block["thinking"], omitted=True)
            if block["type"] == "thinking"
            else block
            for block in draft.blocks
        ]


def _shorten(draft: Draft, body: Mapping[str, Any], *, filtered: bool) -> None:
    """Cut the answer where a stop sequence, the limit of tokens or the safety system cuts it."""
    if body["max_tokens"] == 0:  # only the cache is to be filled
        draft.blocks, draft.stop_reason = [], "max_tokens"
        return
    kept: list[dict[str, Any]] = []
    for block in draft.blocks:
        if filtered and block["type"] == "tool_use":
            continue
        if block["type"] == "text":
            whole = block["text"]
            cut = _cut(draft, whole, body, filtered=filtered)
            kept += [{**block, "text": cut}] if cut else []
            if cut == whole:
                continue
            draft.pieces = None
            break
        kept.append(block)
    draft.blocks = kept
    if filtered:
        draft.stop_reason, draft.stop_sequence = "refusal", None


def _cut(draft: Draft, text: str, body: Mapping[str, Any], *, filtered: bool) -> str:
    stops = [stop for stop in body.get("stop_sequences") or () if stop in text]
    if stops:
        draft.stop_sequence = min(stops, key=text.find)
        draft.stop_reason = "stop_sequence"
        text = text.partition(draft.stop_sequence)[0]
    words = WORDS.findall(text)
    limit = len(words) // 2 if filtered else body["max_tokens"]
    if len(words) <= limit:
        return text
    draft.stop_reason, draft.stop_sequence = "max_tokens", None
    return "".join(words[:limit])
