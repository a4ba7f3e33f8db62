"""What the Responses API refuses before it asks a model. The words are those of public reports, named at each."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from genai_integrations.testing.providers.openai.errors import ApiError, missing
from genai_integrations.testing.providers.openai.published import checked, parameters
from genai_integrations.testing.providers.responses.output import encrypted

_RESPONSE = "CreateResponse"
_THINKS = re.compile(r"(o\d|gpt-5(?!.*chat)).*")
_FEWEST_TOKENS = 16


def check_response(body: Mapping[str, Any], also_accepts: Collection[str]) -> None:
    """Refuse a request that OpenAI refuses: by its published shapes, and by what its items say of each other.

    Raises:
        ApiError: The request is wrong.
    """
    for name in ("model", "input"):
        if not body.get(name):
            raise missing(name)
    unknown = [name for name in body if name not in parameters(_RESPONSE) | set(also_accepts)]
    if unknown:
        message = f"Unknown parameter: '{unknown[0]}'."
        raise ApiError(message, 400, param=unknown[0], code="unknown_parameter")
    if (refusal := checked(_RESPONSE)(body, "")) is not None:
        raise refusal
    _check_values(body)
    items = body["input"]
    if isinstance(items, list):
        _check_calls(items, body)
        _check_thoughts(items, body)


def _check_values(body: Mapping[str, Any]) -> None:
    least = body.get("max_output_tokens")
    if least is not None and least < _FEWEST_TOKENS:
        # earendil-works/pi#6265.
        message = (
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, "
            f"but got {least} instead."
        )
        code = "integer_below_min_value"
        raise ApiError(message, 400, param="max_output_tokens", code=code)
    thinks = _THINKS.fullmatch(body["model"])
    if "reasoning.encrypted_content" in (body.get("include") or ()) and not thinks:
        # miquido/draive#399.
        message = "Encrypted content is not supported with this model."
        raise ApiError(message, 400, param="include")
    for name in ("temperature", "top_p"):
        if thinks and body.get(name) not in (None, 1):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise ApiError(message, 400, param=name)


def _check_calls(items: list[Mapping[str, Any]], body: Mapping[str, Any]) -> None:
    """openai/codex#620 and microsoft/vscode#320060."""
    called = {item["call_id"] for item in items if item.get("type") in _CALLS}
    answered = {item["call_id"] for item in items if item.get("type") in _RESULTS}
    chained = body.get("previous_response_id") or body.get("conversation")
    for call in sorted(called - answered):
        raise ApiError(f"No tool output found for function call {call}.", 400, param="input")
    for call in sorted(answered - called) if not chained else ():
        message = f"No tool call found for function call output with call_id {call}."
        raise ApiError(message, 400, param="input")


_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")


def _check_thoughts(items: list[Mapping[str, Any]], body: Mapping[str, Any]) -> None:
    """openai/openai-agents-python#569, openai/codex#8145, vercel/ai#7543, openai/openai-node#1567."""
    for item, following in zip(items, [*items[1:], {}], strict=True):
        if item.get("type") != "reasoning":
            continue
        key, identity = item.get("encrypted_content"), item["id"]
        if not _THINKS.fullmatch(body["model"]):
            message = (
                "Reasoning input items can only be provided to a reasoning or computer use model. "
                "Remove reasoning items from your input and try again."
            )
            raise ApiError(message, 400, param="input")
        if key and key != encrypted(identity):
            message = f"The encrypted content for item {identity} could not be verified."
            raise ApiError(message, 400, code="invalid_encrypted_content")
        if not key and body.get("store") is False:
            message = (
                f"Item with id '{identity}' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input."
            )
            raise ApiError(message, 404, param="input")
        if following.get("type") not in _LED_TO:
            message = f"Item '{identity}' of type 'reasoning' was provided without its required following item."
            raise ApiError(message, 400, param="input")


_LED_TO = (*_CALLS, "message", "reasoning", "web_search_call", "file_search_call", "code_interpreter_call",
           "image_generation_call", "mcp_call", "computer_call")  # fmt: skip
