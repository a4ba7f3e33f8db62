"""Reasoning on Bedrock: how it is asked for, signed, and checked when it comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.anthropic.thinking import is_a_real_claudes
from genai_integrations.testing.providers.bedrock.errors import model_refused

_KEY = b"the key with which a scripted Bedrock signs what its models think"
_LEAST_BUDGET = 1024
_CLAUDE_FIELDS = frozenset(
    {
        "anthropic_beta",
        "container",
        "context_management",
        "mcp_servers",
        "metadata",
        "output_config",
        "reasoning_config",
        "service_tier",
        "stop_sequences",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
    }
)
"""What Claude takes beyond Converse's own fields; it refuses any other."""


def is_claude(model: str) -> bool:
    """Whether it is a model of Anthropic's, which signs its reasoning."""
    return "anthropic." in model or "claude" in model


def signature_of(text: str) -> str:
    """The signature of a reasoning text: the same one every time, and nobody else's."""
    digest = hmac.new(_KEY, text.encode("utf-8", "surrogatepass"), hashlib.sha512)
    return base64.b64encode(digest.digest()).decode()


def _is_genuine(block: Mapping[str, Any]) -> bool:
    """Whether it was signed here, or by a real Claude, as in examples."""
    signature = block["signature"]
    if signature == signature_of(block["text"]):
        return True
    try:
        return is_a_real_claudes(base64.b64decode(signature, validate=True))
    except (TypeError, ValueError):
        return False


_THINKING = ("thinking", "reasoning_config", "reasoningConfig")
"""The names of the field that asks for thinking."""


def thinking_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request's wish for reasoning; None if it has none."""
    fields = body.get("additionalModelRequestFields") or {}
    wish = next((fields[name] for name in _THINKING if fields.get(name)), None)
    return wish if wish and wish.get("type") != "disabled" else None


def check_reasoning(body: Mapping[str, Any], model: str) -> None:
    """Refuse what a Claude refuses; other models are not looked at.

    Raises:
        ServiceError: The request is wrong.
    """
    if not is_claude(model):
        return
    for name, value in (body.get("additionalModelRequestFields") or {}).items():
        if name not in _CLAUDE_FIELDS:
            raise model_refused(f"{name}: Extra inputs are not permitted")
        if name in _THINKING and value and not isinstance(value, dict):
            raise model_refused(
                f"{name}: Input should be a valid dictionary or object to extract fields from"
            )
    messages = body["messages"]
    for where, block in _reasoning_texts(messages):
        if not block.get("signature"):
            raise model_refused(f"{where}.thinking.signature: Field required")
        if not _is_genuine(block):
            raise model_refused(f"{where}: Invalid `signature` in `thinking` block")
    thinking = thinking_of(body)
    if thinking is not None:
        _check_limits(body, thinking)
        _check_loop(messages)


def _reasoning_texts(messages: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, message in enumerate(messages):
        for place, block in enumerate(message["content"]):
            text = (block.get("reasoningContent") or {}).get("reasoningText")
            if text is not None:
                yield f"messages.{index}.content.{place}", text


def _check_limits(body: Mapping[str, Any], thinking: Mapping[str, Any]) -> None:
    limits = body.get("inferenceConfig") or {}
    budget = thinking.get("budget_tokens")
    if budget is not None and not isinstance(budget, int):
        raise model_refused("thinking.enabled.budget_tokens: Input should be a valid integer")
    if budget is not None and budget < _LEAST_BUDGET:
        raise model_refused(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
        )
    if budget is not None and limits.get("maxTokens", budget + 1) <= budget:
        raise model_refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if limits.get("temperature", 1) != 1:
        raise model_refused("`temperature` may only be set to 1 when thinking is enabled.")
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    if "any" in choice or "tool" in choice:
        raise model_refused("Thinking may not be enabled when tool_choice forces tool use.")


def _check_loop(messages: list[dict[str, Any]]) -> None:
    """While tools are being answered, the turn that called them must still begin with its reasoning."""
    if not any("toolResult" in block for block in messages[-1]["content"]):
        return
    index = len(messages) - 2
    first = messages[index]["content"][0]
    if "reasoningContent" not in first:
        found = "tool_use" if "toolUse" in first else "text"
        raise model_refused(
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )
