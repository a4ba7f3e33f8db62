"""The parts of Gemini's answers as the fields of OpenAI's messages: one way for whole answers and for events."""

from __future__ import annotations

import base64
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
    said: Wire = {}
    for part in parts:
        if part:
            _take(part, said)
    return {name: value for name, value in said.items() if value != ""}


def _take(part: Mapping[str, Any], said: Wire) -> None:
    signature, inline = part.get("thoughtSignature"), part.get("inlineData") or {}
    if "functionCall" in part:
        said.setdefault("tool_calls", []).append(_call(part["functionCall"], signature))
        return
    if inline and not str(inline.get("mimeType")).startswith("audio/"):
        said.setdefault("images", []).append(_image(inline, signature))
        return
    if "text" in part:
        name = "reasoning_content" if part.get("thought") else "content"
        said[name] = said.get(name, "") + (part["text"] or "")
    elif inline:
        _add_sound(said, inline)
    else:
        # Code that was run, and calls of Google's own tools, which want to be sent back.
        _beside(said, "server_tool_parts", dict(part))
        return
    if signature:
        _beside(said, "thought_signatures", signature)


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


def _add_sound(said: Wire, inline: Mapping[str, Any]) -> None:
    """Sound in OpenAI's place for it. Gemini gives no transcript and keeps nothing under an id."""
    kind = inline.get("mimeType")
    sound = said.setdefault("audio", {"data": "", "format": kind, "transcript": ""})
    sound["data"] = joined([sound["data"], str(inline.get("data") or "")])


def joined(pieces: Iterable[str]) -> str:
    """Base64 of several pieces, each of which may end in padding, as of one."""
    given = [piece for piece in pieces if piece]
    if len(given) < 2:
        return "".join(given)
    return base64.b64encode(b"".join(map(base64.b64decode, given))).decode()


class Sounds:
    """Makes the pieces of a sound fit each other: joined as texts, as clients do, they are the base64 of the whole."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = ""

    def fitting(self, piece: str) -> str:
        """The next piece, without what has no whole place in base64 yet: that comes with the one after it."""
        whole = joined([self._rest, piece])
        at = len(whole) - 4 if whole.endswith("=") else len(whole)
        self._rest = whole[at:]
        return whole[:at]

    def rest(self) -> str:
        """What is left when the answer is over."""
        rest, self._rest = self._rest, ""
        return rest


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
