"""How Converse counts tokens: words here, and prefixes that were cached before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_DEFAULT_TTL = "5m"


class PromptCache:
    """The prefixes that requests marked with a `cachePoint` so far."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def usage(self, body: Mapping[str, Any], model: str, output: int) -> dict[str, Any]:
        """The `usage` of an answer; what is read from and written to the cache is no part of `inputTokens`."""
        read = written = total = 0
        ttl = _DEFAULT_TTL
        digest = hashlib.sha256(model.encode())
        for block in _blocks(body):
            point = block.get("cachePoint")
            if point is None:
                digest.update(json.dumps(block, sort_keys=True).encode())
                total += _words(block)
                continue
            known = digest.digest() in self._seen
            self._seen.add(digest.digest())
            ttl = point.get("ttl", _DEFAULT_TTL)
            read, written = (total, 0) if known else (read, total - read)
        usage: dict[str, Any] = {
            "inputTokens": total - read - written,
            "outputTokens": output,
            "totalTokens": total + output,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
        }
        if written:
            usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": written}]
        return usage


def scripted_usage(counted: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The counted usage with what a script says instead, in Converse's words or in OpenAI's."""
    usage = {**counted, **(_translated(said) if "prompt_tokens" in said else said)}
    if "totalTokens" not in said:
        parts = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        usage["totalTokens"] = sum(usage[part] for part in parts)
    return usage


def scripted_reasoning(said: Mapping[str, Any]) -> int | None:
    """How many reasoning tokens a script says there were; only OpenAI's words have a place for them."""
    tokens: int | None = (said.get("completion_tokens_details") or {}).get("reasoning_tokens")
    return tokens


def _translated(said: Mapping[str, Any]) -> dict[str, Any]:
    details = said.get("prompt_tokens_details") or {}
    read = details.get("cached_tokens") or 0
    written = details.get("cache_creation_tokens") or 0
    return {
        "inputTokens": said["prompt_tokens"] - read - written,
        "outputTokens": said.get("completion_tokens", 0),
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }


def output_words(content: list[dict[str, object]]) -> int:
    """The tokens of an answer."""
    return sum(_words(block) for block in content)


def reasoning_words(content: list[dict[str, object]]) -> int:
    """How many of them are reasoning."""
    return sum(_words(block) for block in content if "reasoningContent" in block)


def _blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that a prefix consists of, in the order in which the cache looks at it."""
    yield from (body.get("toolConfig") or {}).get("tools") or ()
    yield from body.get("system") or ()
    for message in body["messages"]:
        yield from message["content"]


def _words(block: Mapping[str, Any]) -> int:
    match block:
        case {"text": str(text)} | {"guardContent": {"text": {"text": str(text)}}}:
            return len(text.split())
        case {"reasoningContent": {"reasoningText": {"text": str(text)}}}:
            return len(text.split())
        case {"toolUse": {"input": given}}:
            return 1 + len(json.dumps(given).split())
        case {"toolResult": {"content": list(content)}}:
            return sum(map(_words, content))
        case {"json": value} | {"toolSpec": value}:
            return len(json.dumps(value).split())
        case _:
            return 0
