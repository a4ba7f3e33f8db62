"""What Gemini is going to say: from a script, or from the request alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.dialect import Script
from genai_integrations.testing.providers.gemini.checks import functions_of
from genai_integrations.testing.providers.schemas import example_of

_WORDS = re.compile(r"\s*\S+|\s+$")
_FINISHES = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}


@dataclass(slots=True)
class Draft:
    """One candidate before it is put into Gemini's shape.

    Attributes:
        thought: What it thinks first.
        text: What it says.
        pieces: How the text was scripted, if it was scripted in pieces.
        calls: The functions it calls: name, `args` and perhaps an id.
        finish: Why it ends.
        usage: Counts to report instead of the counted ones.
        whole: A reply that was scripted in Gemini's own shape.
    """

    thought: str = ""
    text: str = ""
    pieces: Sequence[str] | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish: str = "STOP"
    usage: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] | None = None


def words_of(text: str) -> list[str]:
    """The words of a text, each with the spaces before it."""
    return _WORDS.findall(text)


def draft_of(body: Any, request: Mapping[str, Any], script: Script) -> Draft:
    """What to say to a request.

    Args:
        body: The request as it came, which scripted functions get.
        request: The same, as `shapes.read` gives it.
        script: What was scripted.
    """
    reply: Any = script.reply
    if callable(reply):
        reply = reply(body)
    draft = _default(request, script.speaker) if reply is None else _scripted(reply)
    if draft.whole is None and not draft.calls:
        _shorten(draft, request.get("generationConfig", {}), filtered=script.filtered)
    return draft


def text_of(content: Mapping[str, Any]) -> str:
    """The text of one turn, without thoughts."""
    texts = (part.get("text", "") for part in content["parts"] if not part.get("thought"))
    return " ".join(text for text in texts if text.strip())


def result_of(response: Mapping[str, object]) -> str:
    """What a function's result says."""
    for name in ("content", "output", "result", "error"):
        if isinstance(response.get(name), str):
            return str(response[name])
    return json.dumps(response, ensure_ascii=False)


def _scripted(reply: Any) -> Draft:
    if isinstance(reply, str):
        return Draft(text=reply)
    if not isinstance(reply, Mapping):
        pieces = list(reply)
        return Draft(text="".join(pieces), pieces=pieces)
    if "candidates" in reply or "promptFeedback" in reply:
        return Draft(whole=reply)
    if "choices" in reply:
        choice = reply["choices"][0]
        draft = _message({**choice["message"], "usage": reply.get("usage")})
        draft.finish = _FINISHES.get(choice.get("finish_reason"), draft.finish)
        return draft
    return _message(reply)


def _message(message: Mapping[str, Any]) -> Draft:
    draft = Draft(
        thought=message.get("reasoning_content") or "",
        text=message.get("content") or "",
        usage=message.get("usage") or {},
    )
    for call in message.get("tool_calls") or ():
        function = call.get("function") or call
        arguments = function.get("arguments", {})
        try:
            args = json.loads(arguments) if isinstance(arguments, str) else arguments
        except ValueError:
            # Gemini's calls are objects: what is no object never leaves the server.
            return Draft(draft.thought, finish="MALFORMED_FUNCTION_CALL", usage=draft.usage)
        number = {"id": call["id"]} if "id" in call else {}
        draft.calls.append({**number, "name": function["name"], "args": args})
    return draft


def _default(request: Mapping[str, Any], speaker: str) -> Draft:
    last = request["contents"][-1]
    config = request.get("generationConfig", {})
    thinks = config.get("thinkingConfig", {}).get("includeThoughts", False)
    thought = f"{speaker} thinks about it." if thinks else ""
    results = [part["functionResponse"] for part in last["parts"] if "functionResponse" in part]
    if results:
        said = ", ".join(result_of(result.get("response", {})) for result in results)
        return Draft(thought, f"{speaker} says: the tool answered {said}")
    call = _forced_call(request)
    if call:
        return Draft(thought, calls=[call])
    users = [text_of(each) for each in request["contents"] if each.get("role", "user") != "model"]
    text = f"{speaker} says: {users[-1] if users else text_of(last)}"
    if config.get("responseMimeType") == "application/json":
        schema = _wanted(config)
        answer = {"answer": text} if schema is None else example_of(_plain(schema))
        text = json.dumps(answer, ensure_ascii=False)
    return Draft(thought, text)


def _forced_call(request: Mapping[str, Any]) -> dict[str, Any] | None:
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    if config.get("mode", "AUTO").upper() != "ANY":
        return None
    allowed = config.get("allowedFunctionNames") or [each["name"] for each in functions_of(request)]
    function = next(each for each in functions_of(request) if each["name"] in allowed)
    schema = function.get("parameters") or function.get("parametersJsonSchema")
    args = example_of(_plain(schema or {"type": "object"}))
    return {"name": function["name"], "args": args}


def _wanted(config: Mapping[str, Any]) -> Any:
    return config.get("responseJsonSchema", config.get("responseSchema"))


def _plain(schema: Any) -> Any:
    """A schema with the types spelled as JSON Schema spells them."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {key: _plain(value) for key, value in schema.items()}
    if isinstance(schema.get("type"), str):
        out["type"] = schema["type"].lower()
    if "enum" in schema:
        out["enum"] = schema["enum"]
    return out


def _shorten(draft: Draft, config: Mapping[str, Any], *, filtered: bool) -> None:
    """Cut the text where a stop, the limit of tokens or the safety filter cuts it; thoughts count too."""
    text = draft.text
    for stop in config.get("stopSequences", ()):
        text = text.partition(stop)[0]
    words = words_of(text)
    limit = len(words)
    if filtered:
        limit, draft.finish = len(words) // 2, "SAFETY"
    elif "maxOutputTokens" in config:
        limit = max(0, config["maxOutputTokens"] - len(words_of(draft.thought)))
        if limit < len(words):
            draft.finish = "MAX_TOKENS"
    if limit < len(words):
        text = "".join(words[:limit])
    if text != draft.text:
        draft.text, draft.pieces = text, None
