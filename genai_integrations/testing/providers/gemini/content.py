"""Gemini's replies: whole, and as the chunks of a stream."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.testing.providers.dialect import Piece
from genai_integrations.testing.providers.gemini.draft import Draft, result_of, text_of, words_of
from genai_integrations.testing.providers.gemini.signatures import is_strict, signature_for

_NUMBERS = itertools.count(1)
_MEDIA_TOKENS = 258
_MODALITIES = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "application": "DOCUMENT"}
_UNSAFE = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]


def reply_of(
    draft: Draft, request: Mapping[str, Any], model: str, *, vertex: bool
) -> dict[str, Any]:
    """A whole reply."""
    head = {"modelVersion": model, "responseId": f"resp-{next(_NUMBERS):012d}"}
    if draft.whole is not None:
        usage = _usage(draft, request, 1, vertex=vertex)
        return {"usageMetadata": usage, **head, **draft.whole}
    config = request.get("generationConfig", {})
    count = config.get("candidateCount", 1)
    candidates = [
        {"content": _content(draft, config, model), "finishReason": draft.finish, "index": index}
        for index in range(count)
    ]
    for candidate in candidates:
        if draft.finish == "SAFETY":
            candidate["safetyRatings"] = _UNSAFE
        elif draft.finish == "MALFORMED_FUNCTION_CALL":
            candidate["finishMessage"] = "Malformed function call."
    usage = _usage(draft, request, count, vertex=vertex)
    return {"candidates": candidates, "usageMetadata": usage, **head}


def blocked_reply(request: Mapping[str, Any], model: str, message: str | None) -> dict[str, Any]:
    """The reply to a prompt that is not let through: it has no candidates."""
    feedback: dict[str, Any] = {"blockReason": "SAFETY", "safetyRatings": _UNSAFE}
    if message:
        feedback["blockReasonMessage"] = message
    usage = _usage(Draft(), request, 1, vertex=False)
    del usage["candidatesTokenCount"]
    number = f"resp-{next(_NUMBERS):012d}"
    head = {"modelVersion": model, "responseId": number}
    return {"promptFeedback": feedback, "usageMetadata": usage, **head}


def _content(draft: Draft, config: Mapping[str, Any], model: str) -> dict[str, Any]:
    thinking = config.get("thinkingConfig", {})
    parts: list[dict[str, Any]] = []
    if draft.thought and thinking.get("includeThoughts"):
        parts.append({"text": draft.thought, "thought": True})
    if draft.text:
        parts.append({"text": draft.text})
    for call in draft.calls:
        number = {"id": f"call{next(_NUMBERS):08d}"} if is_strict(model) else {}
        parts.append({"functionCall": {**number, **call}})
    thinks = thinking.get("includeThoughts") or thinking.get("thinkingBudget", 0) != 0
    if is_strict(model) or (thinks and draft.calls):
        _sign(parts)
    # An answer that is all thought has a content without parts.
    return {"parts": parts, "role": "model"} if parts else {"role": "model"}


def _sign(parts: Sequence[dict[str, Any]]) -> None:
    """Sign the first of the calls; without calls, the end of the text."""
    calls = [part for part in parts if "functionCall" in part]
    texts = [part for part in parts if not part.get("thought")]
    for part in calls[:1] or texts[-1:]:
        name = part.get("functionCall", {}).get("name", "")
        part["thoughtSignature"] = signature_for(name)


def _usage(draft: Draft, request: Mapping[str, Any], count: int, *, vertex: bool) -> dict[str, Any]:
    prompt = prompt_tokens(request)
    said = len(words_of(draft.text))
    said += sum(1 + len(json.dumps(call["args"]).split()) for call in draft.calls)
    counts = {
        "promptTokenCount": sum(prompt.values()),
        "candidatesTokenCount": said * count,
        "thoughtsTokenCount": len(words_of(draft.thought)) * count,
        **_native(draft.usage),
    }
    total = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    usage: dict[str, Any] = {"totalTokenCount": sum(counts[name] for name in total), **counts}
    if not usage["thoughtsTokenCount"]:
        del usage["thoughtsTokenCount"]
    if draft.usage:
        prompt = {"TEXT": counts["promptTokenCount"]}
    usage.setdefault("promptTokensDetails", _details(prompt))
    if usage.get("cachedContentTokenCount"):
        cached = {"TEXT": usage["cachedContentTokenCount"]}
        usage.setdefault("cacheTokensDetails", _details(cached))
    if vertex:
        said_details = _details({"TEXT": usage["candidatesTokenCount"]})
        usage = {"candidatesTokensDetails": said_details, "trafficType": "ON_DEMAND", **usage}
    return usage


def _native(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Scripted counts in Gemini's names, whose answer does not include the thoughts."""
    if "prompt_tokens" not in usage and "completion_tokens" not in usage:
        return dict(usage)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    thoughts = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    counts = {"thoughtsTokenCount": thoughts}
    if "prompt_tokens" in usage:
        counts["promptTokenCount"] = usage["prompt_tokens"]
    if "completion_tokens" in usage:
        counts["candidatesTokenCount"] = usage["completion_tokens"] - thoughts
    if cached:
        counts["cachedContentTokenCount"] = cached
    return counts


def prompt_tokens(request: Mapping[str, Any]) -> dict[str, int]:
    """The tokens of a prompt by modality: words, and a fixed number for each picture or document."""
    counts = {"TEXT": 0}
    system = request.get("systemInstruction")
    for content in [*([system] if system else ()), *request.get("contents", ())]:
        counts["TEXT"] += len(text_of(content).split())
        for part in content["parts"]:
            for kind in ("functionCall", "functionResponse"):
                value = part.get(kind, {})
                words = result_of(value.get("response", value.get("args", {}))).split()
                counts["TEXT"] += len(words) if value else 0
            _count_media(part, counts)
            for inner in part.get("functionResponse", {}).get("parts", ()):
                _count_media(inner, counts)
    return counts


def _count_media(part: Mapping[str, Any], counts: dict[str, int]) -> None:
    for kind in ("inlineData", "fileData"):
        if kind in part:
            start = part[kind].get("mimeType", "").partition("/")[0]
            modality = _MODALITIES.get(start, "TEXT")
            counts[modality] = counts.get(modality, 0) + _MEDIA_TOKENS


def _details(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items()]


@dataclass(frozen=True, slots=True)
class Framing:
    """How the chunks of a stream follow one another.

    Attributes:
        sse: As server-sent events, with `alt=sse`; else as the items of one JSON array.
    """

    sse: bool

    @property
    def content_type(self) -> str:
        """What the reply's header says."""
        return "text/event-stream" if self.sse else "application/json; charset=UTF-8"

    def frame(self, chunks: Sequence[tuple[Mapping[str, Any], bool]]) -> list[Piece]:
        """The writes of a stream, from chunks and whether each has content; the last one ends it."""
        pieces = []
        for index, (chunk, content) in enumerate(chunks):
            last = index == len(chunks) - 1
            if self.sse:
                data = b"data: " + dump(chunk) + b"\r\n\r\n"
            else:
                data = (b",\r\n" if index else b"[") + dump(chunk) + (b"]" if last else b"")
            pieces.append(Piece(data, content, closing=last))
        return pieces

    def error(self, error: Mapping[str, object]) -> bytes:
        """What an error looks like in the middle: among the events it is a bare object."""
        return dump(error) + b"\r\n" if self.sse else b",\r\n" + dump(error) + b"]"


def chunks_of(
    reply: Mapping[str, Any], texts: Sequence[str] | None
) -> list[tuple[Mapping[str, Any], bool]]:
    """A whole reply as chunks, each with whether it has content; the last says why it ends, and the usage."""
    head = {key: reply[key] for key in ("modelVersion", "responseId") if key in reply}
    usage = reply.get("usageMetadata") or {}
    running = {key: usage[key] for key in ("promptTokenCount", "trafficType") if key in usage}
    tail = {"usageMetadata": running, **head}
    chunks: list[tuple[Mapping[str, Any], bool]] = []
    ends = []
    for candidate in reply.get("candidates", ()):
        content = candidate.get("content", {})
        for part in _fragments(content.get("parts", ()), texts):
            row = {"content": {**content, "parts": [part]}, "index": candidate.get("index", 0)}
            chunks.append(({"candidates": [row], **tail}, True))
        ends.append(_end(candidate))
    last = {**reply, "candidates": ends} if ends else reply
    return [*chunks, (last, False)]


def _fragments(
    parts: Sequence[Mapping[str, Any]], texts: Sequence[str] | None
) -> Iterator[Mapping[str, Any]]:
    for part in parts:
        if "text" not in part:
            yield part
            continue
        rest = {k: v for k, v in part.items() if k not in {"text", "thoughtSignature"}}
        scripted = texts if texts is not None and not part.get("thought") else None
        for text in scripted if scripted is not None else words_of(part["text"]):
            yield {**rest, "text": text}


def _end(candidate: Mapping[str, Any]) -> dict[str, Any]:
    """The last chunk's candidate: an empty string that carries the text's signature, or no content at all."""
    end = {key: value for key, value in candidate.items() if key != "content"}
    if candidate.get("finishReason") == "SAFETY":
        return end
    signed = [
        {"thoughtSignature": part["thoughtSignature"]}
        for part in candidate.get("content", {}).get("parts", ())
        if "text" in part and "thoughtSignature" in part
    ]
    parts = [{"text": "", **(signed[-1] if signed else {})}]
    return {"content": {"parts": parts, "role": "model"}, **end}


def dump(value: object, indent: int | None = None) -> bytes:
    """JSON with every character as it is."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
