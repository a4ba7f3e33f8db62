"""The parts of Gemini's answers as the fields of OpenAI's messages: one way for whole answers and for events."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.gemini.messages import SIGNATURE_MARK


def message_of(parts: Iterable[Mapping[str, Any]]) -> Wire:
    """What the parts say. Texts are joined; what OpenAI's shape has no room for is kept as it came.

    Returns:
        Fields of a message or delta, none of them empty: `content`, `reasoning_content`, `tool_calls`, `images`,
        `audio`, and in `provider_specific_fields` `thought_signatures` and `server_tool_parts`.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    sounds: list[Mapping[str, Any]] = []
    said: Wire = {}
    for part in parts:
        signature = part.get("thoughtSignature")
        if "text" in part:
            (thoughts if part.get("thought") else texts).append(part["text"] or "")
        elif "functionCall" in part:
            said.setdefault("tool_calls", []).append(_call(part["functionCall"], signature))
            continue
        elif inline := part.get("inlineData"):
            if str(inline.get("mimeType")).startswith("audio/"):
                sounds.append(inline)
            else:
                said.setdefault("images", []).append(_image(inline, signature))
                continue
        elif part:
            # Code that was run, and calls of Google's own tools, which want to be sent back.
            _beside(said, "server_tool_parts", dict(part))
            continue
        if signature:
            _beside(said, "thought_signatures", signature)
    if any(texts):
        said["content"] = "".join(texts)
    if any(thoughts):
        said["reasoning_content"] = "".join(thoughts)
    if sounds:
        said["audio"] = _audio(sounds)
    return said


def _beside(said: Wire, name: str, value: object) -> None:
    said.setdefault("provider_specific_fields", {}).setdefault(name, []).append(value)


def _call(call: Mapping[str, Any], signature: str | None) -> Wire:
    """A call. Its id carries the signature too, for clients that keep nothing but ids; only Gemini 3 gives ids."""
    identity = call.get("id") or f"call_{uuid.uuid4().hex[:24]}"
    arguments = jsonbytes.dumps(call.get("args") or {}).decode()
    function = {"name": call.get("name") or "", "arguments": arguments}
    made: Wire = {"id": identity, "type": "function", "function": function}
    if signature:
        made["id"] = f"{identity}{SIGNATURE_MARK}{signature}"
        made["provider_specific_fields"] = {"thought_signature": signature}
    return made


def _image(inline: Mapping[str, Any], signature: str | None) -> Wire:
    url = f"data:{inline.get('mimeType')};base64,{inline.get('data')}"
    made: Wire = {"type": "image_url", "image_url": {"url": url}}
    return (
        {**made, "provider_specific_fields": {"thought_signature": signature}}
        if signature
        else made
    )


def _audio(sounds: list[Mapping[str, Any]]) -> Wire:
    """Sound in OpenAI's place for it. Gemini gives no transcript and keeps nothing under an id."""
    data = "".join(str(sound.get("data") or "") for sound in sounds)
    return {"data": data, "format": sounds[0].get("mimeType"), "transcript": ""}


def logprobs_of(candidate: Mapping[str, Any]) -> Wire | None:
    """The log probabilities of a candidate in OpenAI's form, None if it has none."""
    told = candidate.get("logprobsResult")
    if not isinstance(told, Mapping) or not told.get("chosenCandidates"):
        return None
    others = told.get("topCandidates") or ()
    content = []
    for at, chosen in enumerate(told["chosenCandidates"]):
        best = (others[at].get("candidates") or ()) if at < len(others) else ()
        content.append({**_token(chosen), "top_logprobs": [_token(each) for each in best]})
    return {"content": content}


def _token(candidate: Mapping[str, Any]) -> Wire:
    text = str(candidate.get("token") or "")
    return {
        "token": text,
        "logprob": candidate.get("logProbability", 0.0),
        "bytes": list(text.encode(errors="replace")),
    }
