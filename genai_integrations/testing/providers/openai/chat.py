"""Chat completions in OpenAI's shape: from a script, whole and as the chunks of a stream."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.dialect import Piece, Script
from genai_integrations.testing.providers.schemas import example_of

_NUMBERS = itertools.count(1)
_WORDS = re.compile(r"\s*\S+|\s+$")
_FRAGMENT = 6

_SAFE = {
    kind: {"filtered": False, "severity": "safe"}
    for kind in ("hate", "self_harm", "sexual", "violence")
}


@dataclass(slots=True)
class _Draft:
    """One choice before it is put into OpenAI's shape."""

    message: dict[str, Any]
    pieces: list[str] | None = None
    finish: str = "stop"
    whole: dict[str, Any] = field(default_factory=dict)


def completion_of(
    body: Mapping[str, Any], model: str, script: Script, *, azure: bool = False
) -> tuple[dict[str, Any], list[str] | None]:
    """The completion for a request, and the pieces its text was scripted in, if it was."""
    draft = _draft(body, script)
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{next(_NUMBERS):024d}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": _choices(draft, body.get("n") or 1),
        "usage": _usage(body, draft.message, body.get("n") or 1),
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }
    if azure:
        completion["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        for choice in completion["choices"]:
            choice["content_filter_results"] = _SAFE
    return {**completion, **draft.whole}, draft.pieces


def _draft(body: Mapping[str, object], script: Script) -> _Draft:
    reply: Any = script.reply
    if callable(reply):
        reply = reply(body)
    draft = _default(body, script.speaker) if reply is None else _scripted(reply)
    if draft.whole:
        return draft
    if isinstance(draft.message.get("content"), str):
        _shorten(draft, body, filtered=script.filtered)
    return draft


def _scripted(reply: Any) -> _Draft:
    if isinstance(reply, str):
        return _Draft({"content": reply})
    if not isinstance(reply, Mapping):
        pieces = list(reply)
        return _Draft({"content": "".join(pieces)}, pieces)
    if "choices" in reply:
        return _Draft({}, whole=dict(reply))
    message = {"content": None, **reply}
    if message.get("tool_calls"):
        message["tool_calls"] = [_tool_call(call) for call in message["tool_calls"]]
        return _Draft(message, finish="tool_calls")
    return _Draft(message)


def _default(body: Mapping[str, Any], speaker: str) -> _Draft:
    last = body["messages"][-1]
    if last["role"] in {"tool", "function"}:
        return _Draft({"content": f"{speaker} says: the tool answered {_text(last)}"})
    choice = body.get("tool_choice")
    if choice == "required" or isinstance(choice, Mapping):
        return _forced_call(body["tools"], choice)
    wanted = body.get("response_format") or {}
    users = [_text(message) for message in body["messages"] if message["role"] == "user"]
    text = f"{speaker} says: {users[-1] if users else _text(last)}"
    if wanted.get("type") == "json_schema":
        text = json.dumps(example_of(wanted["json_schema"].get("schema", {})), ensure_ascii=False)
    elif wanted.get("type") == "json_object":
        text = json.dumps({"answer": text}, ensure_ascii=False)
    return _Draft({"content": text})


def _forced_call(tools: list[Any], choice: Any) -> _Draft:
    functions = [tool["function"] for tool in tools]
    function = functions[0]
    if isinstance(choice, Mapping):
        named = (choice.get("function") or {}).get("name")
        function = next((row for row in functions if row["name"] == named), function)
    arguments = example_of(function.get("parameters") or {"type": "object"})
    call = _tool_call({"name": function["name"], "arguments": arguments})
    # A call of a named function ends with "stop": that is how the real API tells it from a free choice.
    finish = "stop" if isinstance(choice, Mapping) else "tool_calls"
    return _Draft({"content": None, "tool_calls": [call]}, finish=finish)


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(
        call.get("function") or {k: call[k] for k in ("name", "arguments") if k in call}
    )
    arguments = function.setdefault("arguments", {})
    if not isinstance(arguments, str):
        function["arguments"] = json.dumps(arguments, ensure_ascii=False)
    number = call.get("id") or f"call_{next(_NUMBERS):024d}"
    return {"id": number, "type": "function", "function": function}


def _shorten(draft: _Draft, body: Mapping[str, Any], *, filtered: bool) -> None:
    """Cut the text where `stop`, the limit of tokens or the content filter cuts it."""
    text = whole = draft.message["content"]
    stops = body.get("stop") or ()
    for stop in (stops,) if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    words = _WORDS.findall(text)
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(words)
    if filtered:
        limit, draft.finish = len(words) // 2, "content_filter"
    elif len(words) > limit:
        draft.finish = "length"
    text = text if len(words) <= limit else "".join(words[:limit])
    draft.message["content"] = text
    if text != whole:
        draft.pieces = None


def _choices(draft: _Draft, count: int) -> list[dict[str, object]]:
    message = {"role": "assistant", "refusal": None, "annotations": [], **draft.message}
    return [
        {"index": index, "message": message, "logprobs": None, "finish_reason": draft.finish}
        for index in range(count)
    ]


def _usage(body: Mapping[str, Any], message: Mapping[str, Any], count: int) -> dict[str, Any]:
    prompt = sum(len(_text(each).split()) for each in body["messages"])
    reasoning = len((message.get("reasoning_content") or "").split())
    said = len(_text(message).split()) + reasoning
    for call in message.get("tool_calls") or ():
        said += len(call["function"]["arguments"].split()) + 1
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said * count,
        "total_tokens": prompt + said * count,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning * count,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return " ".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def error_piece(error: Mapping[str, object]) -> bytes:
    """An error as an event of a stream."""
    return _event(error).data


def pieces_of(
    completion: Mapping[str, Any], texts: list[str] | None, *, include_usage: bool
) -> list[Piece]:
    """A completion as the events of a stream, down to `[DONE]`."""
    head = {key: completion[key] for key in _HEAD if key in completion}
    head["object"] = "chat.completion.chunk"
    empty = {"usage": None} if include_usage else {}
    pieces = []
    if "prompt_filter_results" in completion:
        first = {"choices": [], "prompt_filter_results": completion["prompt_filter_results"]}
        pieces.append(_event({**head, "model": "", **first, **empty}))
    for choice in completion["choices"]:
        opened = {**head, "choices": [], **empty}
        pieces += [_chunk(opened, choice, delta) for delta in _deltas(choice["message"], texts)]
    for choice in completion["choices"]:
        finish = choice.get("finish_reason") or "stop"
        pieces.append(_chunk({**head, **empty}, choice, {}, finish))
    if include_usage:
        last = {**head, "choices": [], "usage": completion.get("usage")}
        pieces.append(_event(last, closing=True))
    return [*pieces, Piece(b"data: [DONE]\n\n", closing=True)]


_HEAD = ("id", "created", "model", "service_tier", "system_fingerprint")


def _deltas(message: Mapping[str, Any], texts: list[str] | None) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    yield {"role": "assistant", "content": None if content is None else "", "refusal": None}
    for word in _WORDS.findall(message.get("reasoning_content") or ""):
        yield {"reasoning_content": word}
    for word in texts if texts is not None else _WORDS.findall(content or ""):
        yield {"content": word}
    for word in _WORDS.findall(message.get("refusal") or ""):
        yield {"refusal": word}
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        opening = {**call, "index": index, "function": {**function, "arguments": ""}}
        yield {"tool_calls": [opening]}
        for start in range(0, len(function["arguments"]), _FRAGMENT):
            fragment = function["arguments"][start : start + _FRAGMENT]
            yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}


def _chunk(
    head: Mapping[str, object],
    choice: Mapping[str, object],
    delta: Mapping[str, object],
    finish: str | None = None,
) -> Piece:
    row = {
        "index": choice.get("index", 0),
        "delta": delta,
        "logprobs": None,
        "finish_reason": finish,
    }
    content = bool(delta) and "role" not in delta
    return _event({**head, "choices": [row]}, content=content, closing=finish is not None)


def _event(value: Mapping[str, object], *, content: bool = False, closing: bool = False) -> Piece:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Piece(b"data: " + data + b"\n\n", content, closing)
