"""Tokens as Anthropic counts them, with its cache of prompts; every word is one token."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a prompt that the cache can end with."""

    text: str
    tokens: int
    ttl: str | None


class PromptCache:
    """Remembers the beginnings of prompts that were marked with `cache_control`.

    Unlike the real one it forgets nothing and takes prompts of any length.
    """

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def count(self, body: Mapping[str, Any], model: str) -> dict[str, Any]:
        """The tokens of a prompt as `usage` names them; what is marked is cached from now on."""
        parts = list(_parts(body))
        marked = max((i for i, part in enumerate(parts) if part.ttl), default=-1) + 1
        digests = list(_digests(parts[:marked], model))
        read = max((i for i, each in enumerate(digests, 1) if each in self._known), default=0)
        written = {"5m": 0, "1h": 0}
        pending = 0
        for part, digest in zip(parts[read:marked], digests[read:], strict=True):
            pending += part.tokens
            if part.ttl:
                written[part.ttl] += pending
                pending = 0
                self._known.add(digest)
        return {
            "input_tokens": _sum(parts[marked:]),
            "cache_creation_input_tokens": sum(written.values()),
            "cache_read_input_tokens": _sum(parts[:read]),
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": n for ttl, n in written.items()},
        }


def output_tokens(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The tokens of an answer as `usage` names them."""
    said = thought = 0
    for block in blocks:
        match block["type"]:
            case "thinking":
                thought += _words(block["thinking"])
            case "text":
                said += _words(block["text"])
            case "tool_use":
                said += _words(block["input"]) + 1
    return {
        "output_tokens": said + thought,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }


def overridden(counted: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The usage with what a script says instead, in Anthropic's words or in OpenAI's."""
    if "prompt_tokens" not in given and "completion_tokens" not in given:
        return {**counted, **given}
    usage = dict(counted)
    if "prompt_tokens" in given:
        details = given.get("prompt_tokens_details") or {}
        read = details.get("cached_tokens") or 0
        written = details.get("cache_creation_tokens") or 0
        usage["input_tokens"] = given["prompt_tokens"] - read - written
        usage["cache_read_input_tokens"] = read
        usage["cache_creation_input_tokens"] = written
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": written,
            "ephemeral_1h_input_tokens": 0,
        }
    if "completion_tokens" in given:
        details = given.get("completion_tokens_details") or {}
        usage["output_tokens"] = given["completion_tokens"]
        usage["output_tokens_details"] = {"thinking_tokens": details.get("reasoning_tokens") or 0}
    return usage


def _parts(body: Mapping[str, Any]) -> Iterator[_Part]:
    rows = [("tool", tool) for tool in body.get("tools") or ()]
    rows += [("system", block) for block in _blocks(body.get("system") or "")]
    for message in body["messages"]:
        rows += [(message["role"], block) for block in _blocks(message["content"])]
    for index, (role, block) in enumerate(rows):
        mark = block.get("cache_control") or (
            body.get("cache_control") if index == len(rows) - 1 else None
        )
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        text = json.dumps([role, bare], sort_keys=True)
        ttl = None if mark is None else "1h" if mark.get("ttl") == "1h" else "5m"
        yield _Part(text, _tokens(role, bare), ttl)


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tokens(role: str, block: Mapping[str, Any]) -> int:
    if role == "tool":
        return _words(block.get("description") or "") + _words(
            json.dumps(block.get("input_schema"))
        )
    match block["type"]:
        case "text":
            return _words(block["text"])
        case "thinking":
            return _words(block["thinking"])
        case "tool_use":
            return _words(json.dumps(block["input"])) + 1
        case "tool_result":
            return sum(_tokens(role, each) for each in _blocks(block.get("content") or ""))
    return 0


def _digests(parts: Iterable[_Part], model: str) -> Iterator[bytes]:
    running = hashlib.sha256(model.encode())
    for part in parts:
        running.update(part.text.encode())
        yield running.digest()


def _sum(parts: Iterable[_Part]) -> int:
    return sum(part.tokens for part in parts)


def _words(text: str) -> int:
    return len(text.split())
