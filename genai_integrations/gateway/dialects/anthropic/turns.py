"""Anthropic's turns as messages in OpenAI's shape.

Source: platform.claude.com, "Messages API", "Tool use" and "Extended thinking".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genai_integrations.apis.carried import opened, returned
from genai_integrations.apis.given import needed, objects, within, wrong
from genai_integrations.calls.wire import Wire
from genai_integrations.gateway.dialects.anthropic.content import (
    content_of,
    parts_of,
    result_of,
    shortest,
)
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.anthropic.replies import CONTENT, needs_whole

_ROLES = ("user", "assistant", "system")


def messages_of(body: Wire) -> list[Wire]:
    """The conversation, what the system says at its begin.

    Raises:
        ConfigurationError: Something in it is none of Anthropic's.
    """
    messages: list[Wire] = []
    system = body.get("system")
    if system:
        messages.append({"role": "system", "content": content_of(system, "system")})
    turns = body.get("messages")
    if turns is None and "langfuse_prompt" in body:
        return messages
    for number, turn in enumerate(objects(turns, "messages")):
        messages += _messages(turn, within("messages", number))
    return messages


def _messages(turn: Wire, at: str) -> Iterator[Wire]:
    role = needed(turn, "role", str, at)
    if role not in _ROLES:
        raise wrong(within(at, "role"), f"must be one of {', '.join(_ROLES)}")
    content, place = turn.get("content"), within(at, "content")
    if isinstance(content, str):
        yield {"role": role, "content": content}
    elif role == "assistant":
        yield _answer(objects(content, place), place)
    else:
        yield from _said(role, objects(content, place), place)


def _said(role: str, blocks: list[Wire], at: str) -> Iterator[Wire]:
    """The results of tools as messages of their own, before the rest: they follow their calls in OpenAI's shape."""
    rest: list[Wire] = []
    is_answered = False
    for number, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            is_answered = True
            yield result_of(block, within(at, number))
        else:
            rest += parts_of([block], at)
    if rest or not is_answered:
        yield {"role": role, "content": shortest(rest)}


def _answer(blocks: list[Wire], at: str) -> Wire:
    texts: list[str] = []
    calls: list[Wire] = []
    own: list[Wire] = []
    carried: list[Wire] = []
    for number, block in enumerate(blocks):
        place = within(at, number)
        kind = needed(block, "type", str, place)
        if kind == "redacted_thinking" and (kept := opened(block.get("data"))) is not None:
            carried.append(kept)
            continue
        own.append(block)
        if kind == "text":
            texts.append(needed(block, "text", str, place))
        elif kind == "tool_use":
            calls.append(_call(block, place))
    message: Wire = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    message |= _thoughts(own)
    if needs_whole(own) or any(block.get("cache_control") for block in own):
        message["provider_specific_fields"] = {CONTENT: own}
    for kept in carried:
        returned(kept, message)
    return message


def _call(block: Wire, at: str) -> Wire:
    given = needed(block, "input", dict, at)
    function = {
        "name": needed(block, "name", str, at),
        "arguments": jsonbytes.dumps(given).decode(errors="surrogatepass"),
    }
    return {"id": needed(block, "id", str, at), "type": "function", "function": function}


def _thoughts(blocks: list[Wire]) -> Wire:
    """The thoughts: as blocks, for who signed them; as a text, for servers that want that back."""
    found = [block for block in blocks if block["type"] in ("thinking", "redacted_thinking")]
    if not found:
        return {}
    texts = (block.get("thinking") for block in found)
    text = "".join(text for text in texts if isinstance(text, str))
    # A thought that nobody has signed can only be read.
    signed = [block for block in found if block.get("signature") or block.get("data")]
    told: Wire = {"thinking_blocks": signed} if signed else {}
    return {**told, "reasoning_content": text} if text else told


_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""What the API takes for the id of a call. Source: its own words, "String should match pattern '^[a-zA-Z0-9_-]+$'"."""


def is_claudes_own(body: Wire) -> bool:
    """Whether a Claude would take the turns as they are: what another model said in them may need translation.

    Args:
        body: Whose messages have been read already.
    """
    if "langfuse_prompt" in body:
        return False
    turns = (turn["content"] for turn in body["messages"])
    blocks = (block for content in turns if isinstance(content, list) for block in content)
    return all(_is_claudes(block) for block in blocks)


def _is_claudes(block: Wire) -> bool:
    kind = block["type"]
    if kind == "thinking":
        return bool(block.get("signature"))
    if kind == "redacted_thinking":
        return opened(block.get("data")) is None
    if kind in ("tool_use", "tool_result"):
        identity = block.get("id" if kind == "tool_use" else "tool_use_id")
        return isinstance(identity, str) and _ID.fullmatch(identity) is not None
    return True
