"""What a provider wants back in the next turn, sealed in a text that the caller's API hands back unread.

Signatures of thoughts, encrypted reasoning and the like have no field in another provider's API. Anthropic's blocks of
redacted thinking and OpenAI's encrypted content are opaque texts that a client returns as they came, so what one API
has no room for travels in the other's. Nothing in it is secret, and nothing in it is trusted: a caller could as well
write it into a message of a chat.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.extras import CALLS, SIGNED, extras_of, give_back
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes

_MARK = "genai1."
"""What such a text begins with; the number is the format's."""

_THOUGHTS = "thinking_blocks"
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(SIGNED, dict),
    "reasoning_details": list,
    CALLS: dict,
    _THOUGHTS: list,
}


def kept_of(message: Mapping[str, Any]) -> Wire:
    """What of a message goes back with it: empty for most."""
    kept = extras_of(message, {})
    return {name: value for name, value in kept.items() if name in _KINDS}


def sealed(kept: Mapping[str, object]) -> str:
    """The text that it travels in."""
    return _MARK + base64.urlsafe_b64encode(jsonbytes.dumps(dict(kept))).decode()


def sealed_thought(block: Mapping[str, object]) -> str:
    """The text that one thought travels in, in Anthropic's form, which has the signature."""
    return sealed({_THOUGHTS: [block]})


def opened(text: object) -> Wire | None:
    """What travels in a text; None if it is none of ours, empty if it was spoilt on its way."""
    if not isinstance(text, str) or not text.startswith(_MARK):
        return None
    try:
        kept = jsonbytes.loads(base64.urlsafe_b64decode(text.removeprefix(_MARK)))
    except (ValueError, binascii.Error):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {
        name: _objects(kept[name]) for name in _KINDS if isinstance(kept.get(name), _KINDS[name])
    }


def _objects(value: Any) -> Any:
    """A list without what is no object: it may come from anybody."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else value


def returned(kept: Mapping[str, Any], message: Wire) -> None:
    """Put what has travelled into the message that it belongs to."""
    give_back(_of_these_calls(kept, message), message)
    if thoughts := kept.get(_THOUGHTS):
        message[_THOUGHTS] = [*(message.get(_THOUGHTS) or ()), *thoughts]


def _of_these_calls(kept: Mapping[str, Any], message: Wire) -> Mapping[str, Any]:
    """Without what is said of calls that the message does not make, or not in the form it has."""
    beside = kept.get(CALLS)
    if not beside:
        return kept
    ids = {call["id"] for call in message.get("tool_calls") or ()}
    fitting = {
        own: {name: row[name] for name in SIGNED if name in row}
        for own, row in beside.items()
        if own in ids and isinstance(row, dict)
    }
    return {**kept, CALLS: fitting}
