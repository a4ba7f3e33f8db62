"""Answers in Converse's shape, from a script or made up."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.bedrock.checks import tool_specs
from genai_integrations.testing.providers.bedrock.reasoning import (
    is_claude,
    signature_of,
    thinking_of,
)
from genai_integrations.testing.providers.bedrock.usage import (
    PromptCache,
    output_words,
    reasoning_words,
    scripted_reasoning,
    scripted_usage,
)
from genai_integrations.testing.providers.dialect import Script
from genai_integrations.testing.providers.schemas import example_of

WORDS = re.compile(r"\s*\S+|\s+$")
"""How a text falls into the pieces of a stream."""

_NUMBERS = itertools.count(1)
_LATENCY = 12
_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filtered",
}
_REASONING_TOKENS = "/usage/output_tokens_details"
_STOP_SEQUENCE = "/stop_sequence"


@dataclass(slots=True)
class _Draft:
    """An answer on its way into Converse's shape."""

    content: list[dict[str, Any]]
    texts: list[str] | None = None
    stop: str = "end_turn"
    stop_sequence: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    whole: dict[str, Any] = field(default_factory=dict)


def reply_of(
    body: Mapping[str, Any], model: str, script: Script, cache: PromptCache
) -> tuple[dict[str, Any], list[str] | None]:
    """The answer to a request, and the pieces its text was scripted in, if it was."""
    reply: Any = script.reply
    if callable(reply):
        reply = reply(body)
    draft = _default(body, model, script.speaker) if reply is None else _scripted(reply, model)
    if not draft.whole:
        _shorten(draft, body, filtered=script.filtered)
    counted = cache.usage(body, model, output_words(draft.content))
    answer: dict[str, Any] = {
        "metrics": {"latencyMs": _LATENCY},
        "output": {"message": {"content": draft.content, "role": "assistant"}},
        "stopReason": draft.stop,
        "usage": scripted_usage(counted, draft.usage),
    }
    return {**answer, **_extras(body, draft), **draft.whole}, draft.texts


def blocked_reply(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a guardrail says in the model's place when the prompt is refused."""
    text = "Sorry, the model cannot answer this question."
    return {
        "metrics": {"latencyMs": _LATENCY},
        "output": {"message": {"content": [{"text": text}], "role": "assistant"}},
        "stopReason": "guardrail_intervened",
        "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0},
        **_trace(body, "inputAssessment"),
    }


def _scripted(reply: Any, model: str) -> _Draft:
    if isinstance(reply, str):
        return _Draft([{"text": reply}] if reply else [])
    if not isinstance(reply, Mapping):
        pieces = list(reply)
        return _Draft([{"text": "".join(pieces)}], pieces)
    if "output" in reply:
        return _Draft([], whole=dict(reply))
    if "choices" not in reply:
        return _message(reply, model)
    choice = reply["choices"][0]
    draft = _message({**choice["message"], "usage": reply.get("usage")}, model)
    draft.stop = _STOPS.get(choice.get("finish_reason") or "stop", "end_turn")
    return draft


def _message(message: Mapping[str, Any], model: str) -> _Draft:
    content = [*_thoughts(message, model)]
    text = message.get("content")
    if isinstance(text, list):
        text = "".join(part.get("text", "") for part in text)
    if text:
        content.append({"text": text})
    calls = [_tool_use(call) for call in message.get("tool_calls") or ()]
    stop = "tool_use" if calls else "end_turn"
    return _Draft([*content, *calls], stop=stop, usage=message.get("usage") or {})


def _thoughts(message: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
    """The reasoning of a message, in parts with `thinking_blocks`, or as one text."""
    thoughts = []
    for block in message.get("thinking_blocks") or ():
        if block.get("type") == "redacted_thinking":
            thoughts.append({"reasoningContent": {"redactedContent": block["data"]}})
        else:
            thoughts.append(_thought(block["thinking"], model))
    if not thoughts and message.get("reasoning_content"):
        thoughts.append(_thought(message["reasoning_content"], model))
    return thoughts


def _thought(text: str, model: str) -> dict[str, Any]:
    signature = {"signature": signature_of(text)} if is_claude(model) else {}
    return {"reasoningContent": {"reasoningText": {"text": text, **signature}}}


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or call
    given = function.get("arguments") or {}
    if isinstance(given, str):
        given = json.loads(given)
    number = call.get("id") or f"tooluse_{next(_NUMBERS):022d}"
    return {"toolUse": {"toolUseId": number, "name": function["name"], "input": given}}


def _default(body: Mapping[str, Any], model: str, speaker: str) -> _Draft:
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    if "any" in choice or "tool" in choice:
        return _forced_call(body, choice.get("tool"))
    said = _last_words(body)
    text = f"{speaker} says: {said}"
    wanted = (body.get("outputConfig") or {}).get("textFormat")
    if wanted:
        schema = json.loads(wanted["structure"]["jsonSchema"]["schema"])
        text = json.dumps(example_of(schema), ensure_ascii=False)
    thoughts = [_thought(f"{speaker} thinks about: {said}", model)] if thinking_of(body) else []
    return _Draft([*thoughts, {"text": text}])


def _forced_call(body: Mapping[str, Any], named: Mapping[str, Any] | None) -> _Draft:
    specs = tool_specs(body)
    spec = next((each for each in specs if named and each["name"] == named["name"]), specs[0])
    arguments = example_of(spec["inputSchema"].get("json") or {"type": "object"})
    return _Draft(
        [_tool_use({"name": spec["name"], "arguments": arguments})],
        stop="tool_use",
    )


def _last_words(body: Mapping[str, Any]) -> str:
    """What the user said last, or what the last tool answered."""
    last = [message for message in body["messages"] if message["role"] == "user"][-1]["content"]
    texts = [_text(block) for block in last if "text" in block or "guardContent" in block]
    results = [block["toolResult"] for block in last if "toolResult" in block]
    if results and not texts:
        return f"the tool answered {' '.join(map(_text, results[-1]['content']))}"
    return " ".join(texts)


def _text(block: Mapping[str, Any]) -> str:
    match block:
        case {"text": str(text)} | {"guardContent": {"text": {"text": str(text)}}}:
            return text
        case {"json": value}:
            return json.dumps(value, ensure_ascii=False)
        case _:
            return ""


def _shorten(draft: _Draft, body: Mapping[str, Any], *, filtered: bool) -> None:
    """Cut the text where a stop sequence, the limit of tokens or a filter cuts it."""
    block = next((each for each in draft.content if "text" in each), None)
    if block is None:
        return
    limits = body.get("inferenceConfig") or {}
    text = whole = block["text"]
    for stop in limits.get("stopSequences") or ():
        before, found, _ = text.partition(stop)
        if found:
            text, draft.stop, draft.stop_sequence = before, "stop_sequence", stop
    words = WORDS.findall(text)
    limit = limits.get("maxTokens", len(words))
    if filtered:
        guarded = bool(body.get("guardrailConfig"))
        limit = len(words) // 2
        draft.stop = "guardrail_intervened" if guarded else "content_filtered"
    elif len(words) > limit:
        draft.stop = "max_tokens"
    block["text"] = text if len(words) <= limit else "".join(words[:limit])
    if block["text"] != whole:
        draft.texts = None
    if not block["text"]:
        draft.content.remove(block)


def _extras(body: Mapping[str, Any], draft: _Draft) -> dict[str, Any]:
    """What a request gets only because it asked for it."""
    extras: dict[str, Any] = {
        name: body[name] for name in ("performanceConfig", "serviceTier") if body.get(name)
    }
    paths = body.get("additionalModelResponseFieldPaths") or ()
    fields: dict[str, Any] = {}
    if _REASONING_TOKENS in paths:
        said = scripted_reasoning(draft.usage)
        tokens = reasoning_words(draft.content) if said is None else said
        fields["usage"] = {"output_tokens_details": {"thinking_tokens": tokens}}
    if _STOP_SEQUENCE in paths:
        fields["stop_sequence"] = draft.stop_sequence
    if fields:
        extras["additionalModelResponseFields"] = fields
    if draft.stop == "guardrail_intervened":
        extras |= _trace(body, "outputAssessments")
    return extras


def _trace(body: Mapping[str, Any], side: str) -> dict[str, Any]:
    config = body.get("guardrailConfig") or {}
    if config.get("trace", "disabled") == "disabled":
        return {}
    found = {"type": "VIOLENCE", "confidence": "HIGH", "action": "BLOCKED", "detected": True}
    assessment: Any = {"contentPolicy": {"filters": [found]}}
    name = config.get("guardrailIdentifier") or "guardrail"
    assessments = {name: assessment if side == "inputAssessment" else [assessment]}
    return {"trace": {"guardrail": {side: assessments}}}
