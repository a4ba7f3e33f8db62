"""Pictures, sound and files in a conversation: OpenAI takes them from a user only, and so do most others."""

from __future__ import annotations

from collections.abc import Sequence

from genai_integrations.calls.wire import Wire

_MEDIA = frozenset(("file", "image_url", "input_audio", "video_url"))
_RESULTS = ("tool", "function")
_ATTACHED = "It is attached to the next message."


def shown_by_users(messages: Sequence[Wire]) -> list[Wire]:
    """The conversation with what a tool returned or a model drew in a user's message right behind.

    Results stay together behind the calls that they belong to, so it follows the last of them. The messages that
    were given stay as they are.
    """
    shown: list[Wire] = []
    attached: list[Wire] = []
    for message in messages:
        role = message["role"]
        if attached and role not in _RESULTS:
            shown.append({"role": "user", "content": attached})
            attached = []
        if role != "user" and isinstance(message.get("content"), list):
            message, found = _detached(message)  # noqa: PLW2901  what was given is not changed
            attached += found
        shown.append(message)
    return [*shown, {"role": "user", "content": attached}] if attached else shown


def _detached(message: Wire) -> tuple[Wire, list[Wire]]:
    """A message without what its role may not show, and that."""
    content = message["content"]
    if message["role"] in _RESULTS:
        found = [part for part in content if part.get("type") != "text"]
    else:
        found = [part for part in content if part.get("type") in _MEDIA]
    if not found:
        return message, found
    left = [part for part in content if part not in found]
    return {**message, "content": _joined(left) or _nothing_else(message)}, found


def _joined(parts: list[Wire]) -> list[Wire] | str:
    """Text alone as text: many servers take lists of parts from users only."""
    if all(part.keys() == {"type", "text"} for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _nothing_else(message: Wire) -> str | None:
    return None if message.get("tool_calls") else _ATTACHED
