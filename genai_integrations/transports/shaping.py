"""What OpenAI itself wants otherwise than the servers that copied its dialect."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.transports.wire import Wire, WireCall

_OPENAI_HOST = "api.openai.com"
_FOREIGN_KEYS = frozenset(("thinking_blocks", "reasoning_content"))
"""Keys of a message that other providers give and want back."""

_REASONING = re.compile(r"(?:o\d|gpt-5)")
"""Models that take `max_completion_tokens` and refuse `max_tokens`."""


def shaped(call: WireCall) -> Wire:
    """The body as this provider takes it; the same object where nothing differs.

    A conversation that began with another provider holds what only that one knows: signatures of thinking and
    marks for its prompt cache.
    """
    body = call.body
    if not _is_strict(call.connection):
        return body
    if body.get("max_tokens") is not None and _REASONING.match(call.model):
        body = {name: value for name, value in body.items() if name != "max_tokens"}
        body.setdefault("max_completion_tokens", call.body["max_tokens"])
    messages = body.get("messages") or ()
    if any(_is_foreign(message) for message in messages):
        body = {**body, "messages": [_own(message) for message in messages]}
    tools = body.get("tools") or ()
    if any("cache_control" in tool for tool in tools):
        body = {**body, "tools": [_without(tool, _CACHE_MARK) for tool in tools]}
    return body


_CACHE_MARK = frozenset(("cache_control",))


def _is_strict(connection: Connection) -> bool:
    """Azure and OpenAI itself refuse what they do not know; servers at other addresses may want it."""
    if connection.provider.name == "azure":
        return True
    base = connection.base_url
    return connection.provider.name == "openai" and (
        not base or urlsplit(base).hostname == _OPENAI_HOST
    )


def _is_foreign(message: Any) -> bool:
    content = message.get("content")
    marked = isinstance(content, list) and any("cache_control" in part for part in content)
    return marked or not _FOREIGN_KEYS.isdisjoint(message)


def _own(message: Any) -> Wire:
    own = _without(message, _FOREIGN_KEYS)
    if isinstance(own.get("content"), list):
        own["content"] = [
            _without(part, _CACHE_MARK) if isinstance(part, dict) else part
            for part in own["content"]
        ]
    return own


def _without(given: Any, names: frozenset[str]) -> Wire:
    return {name: value for name, value in given.items() if name not in names}
