"""What some providers put beside an answer, and what they want back of it in the next turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.wire import Wire

SIGNED = ("reasoning_details", "extra_content", "provider_specific_fields")
"""Keys that go back as they came: OpenRouter's, Google's, and those of LiteLLM's proxy. Of a message or a call."""

TOLD = ("citations", "search_results")
"""Keys that only tell something, beside the choices (Perplexity) or in the message (LiteLLM's proxy, xAI)."""

USUAL = frozenset(("role", "content", "refusal", "annotations", "audio", "reasoning_content"))
"""Keys of a message that has nothing of the kind, as most have."""

CALLS = "tool_call_extras"
"""Under this name an adapter keeps what is beside each call, by the call's id."""


def extras_of(message: Mapping[str, Any], wire: Mapping[str, Any]) -> Wire:
    """What an adapter keeps of a whole message.

    Args:
        message: The message.
        wire: The reply it is in, or the last chunk of a stream.
    """
    kept = {name: message[name] for name in SIGNED if message.get(name)}
    for name in TOLD:
        if told := message.get(name) or wire.get(name):
            kept[name] = told
    calls = {}
    for call in _calls(message):
        if beside := {name: call[name] for name in SIGNED if call.get(name)}:
            calls[call.get("id")] = beside
    if calls:
        kept[CALLS] = calls
    return kept


def _calls(message: Mapping[str, Any]) -> list[Wire]:
    """The calls of a message or delta; servers have sent lists with holes in them."""
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def give_back(kept: Mapping[str, Any], message: Wire) -> None:
    """Put what was kept into a message that is sent, and into its calls."""
    for name in SIGNED:
        if kept.get(name):
            message[name] = kept[name]
    beside = kept.get(CALLS)
    if not beside:
        return
    for call in message.get("tool_calls") or ():
        call.update(beside.get(call["id"]) or {})


class StreamedExtras:
    """The same of an answer that comes in pieces."""

    __slots__ = ("_assembly",)

    def __init__(self) -> None:
        self._assembly: Assembly | None = None

    def add(self, delta: Wire) -> None:
        """Take in a delta, if it has something of the kind."""
        pieces = [
            {name: call[name] for name in ("index", "id", *SIGNED) if name in call}
            for call in _calls(delta)
        ]
        found = {name: delta[name] for name in (*SIGNED, *TOLD) if delta.get(name)}
        # A call's id comes before what belongs to it, if not with it; pieces of arguments have neither.
        if pieces := [piece for piece in pieces if len(piece) > 1]:
            found["tool_calls"] = pieces
        if found:
            self._assembly = self._assembly or Assembly()
            self._assembly.add({"choices": [{"delta": found}]})

    def wire(self, last: Mapping[str, Any]) -> Wire:
        """What an adapter keeps, as far as it came; `last` is the last chunk."""
        message: Wire = {}
        if self._assembly is not None:
            message = self._assembly.wire(None)["choices"][0]["message"]
        return extras_of(message, last)
