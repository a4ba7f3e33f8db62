"""Requests in OpenAI's shape as Converse's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.args import may_drop
from genai_integrations.calls.enforced_schemas import enforceable
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.bedrock.messages import turns
from genai_integrations.transports.bedrock.models import Model, model_of
from genai_integrations.transports.bedrock.reasoning import (
    USAGE_PATH,
    is_thinking,
    thinking_fields,
)
from genai_integrations.transports.bedrock.tools import betas_of, models_tools, tool_config

_ELSEWHERE = frozenset(
    (
        *("max_completion_tokens", "max_tokens", "messages", "model", "parallel_tool_calls"),
        *("reasoning_effort", "response_format", "service_tier", "stop", "stream"),
        *("stream_options", "temperature", "tool_choice", "tools", "top_k", "top_p"),
    )
)
"""Parameters that are said otherwise here, or by the address."""

_OWN = frozenset(
    (
        *("additionalModelRequestFields", "additionalModelResponseFieldPaths", "guardrailConfig"),
        *("inferenceConfig", "outputConfig", "performanceConfig", "projectIdentifier"),
        *("promptVariables", "requestMetadata", "serviceTier", "system", "toolConfig"),
    )
)
"""Converse's own fields, which are passed on as they are. Source: AWS API reference, `Converse`."""

_UNKNOWN = frozenset(
    (
        *("frequency_penalty", "logit_bias", "metadata", "presence_penalty", "prompt_cache_key"),
        *("prompt_cache_retention", "safety_identifier", "seed", "store", "user", "verbosity"),
        *("prediction", "web_search_options"),
    )
)
"""What OpenAI has and Converse has not: it tunes, labels or accounts, so it can be left out."""

_TIERS = {"auto": "default"}


def converse_body(call: WireCall) -> Wire:
    """The body of Converse and ConverseStream.

    Raises:
        ConfigurationError: Something in the request has no form there.
    """
    given, model = call.body, model_of(call.model)
    system, messages = turns(given["messages"], model)
    fields = _model_fields(call, model)
    body: Wire = {"messages": messages}
    if system:
        body["system"] = system
    if limits := _limits(given):
        body["inferenceConfig"] = limits
    config = tool_config(
        given,
        model,
        called=_called(messages),
        forces=not (is_thinking(fields) and may_drop("tool_choice", call.drop_params)),
    )
    if config:
        body["toolConfig"] = config
    _say_in_parallel(given, config, fields, model)
    if output := _output(given.get("response_format")):
        body["outputConfig"] = output
    if tier := given.get("service_tier"):
        body["serviceTier"] = {"type": _TIERS.get(tier, tier)} if isinstance(tier, str) else tier
    if fields:
        body["additionalModelRequestFields"] = fields
    if model.family == "claude" and is_thinking(fields):
        body["additionalModelResponseFieldPaths"] = [USAGE_PATH]
    return _with_own(body, given)


def _limits(given: Mapping[str, Any]) -> Wire:
    """Converse's `inferenceConfig`."""
    stop = given.get("stop")
    stops = [stop] if isinstance(stop, str) else stop or []
    limits = {
        "maxTokens": _most(given),
        "temperature": given.get("temperature"),
        "topP": given.get("top_p"),
        # It refuses empty ones.
        "stopSequences": [text for text in stops if text] or None,
    }
    return {name: value for name, value in limits.items() if value is not None}


def _most(given: Mapping[str, Any]) -> Any:
    newer = given.get("max_completion_tokens")
    return given.get("max_tokens") if newer is None else newer


def _model_fields(call: WireCall, model: Model) -> Wire:
    """What only the model knows, and so Converse passes on."""
    given, drop_params = call.body, call.drop_params
    fields: Wire = {
        name: value
        for name, value in given.items()
        if value is not None
        and name not in _ELSEWHERE
        and name not in _OWN
        and not (name in _UNKNOWN and may_drop(name, drop_params))
    }
    if fields.get("n") == 1:
        del fields["n"]
    if model.family.startswith("nova"):
        fields.pop("web_search_options", None)  # it is a tool there
    if (top_k := given.get("top_k")) is not None:
        # Source: Amazon Nova user guide, "Complete request schema".
        is_nova = model.family.startswith("nova")
        fields |= {"inferenceConfig": {"topK": top_k}} if is_nova else {"top_k": top_k}
    if given.get("reasoning_effort") is not None and "thinking" not in fields:
        _merge(fields, thinking_fields(given["reasoning_effort"], model, _most(given)))
    tools = models_tools(given.get("tools") or ())
    if tools:
        fields["tools"] = tools
    if model.family == "claude" and (betas := _betas(call, tools)):
        fields["anthropic_beta"] = list(dict.fromkeys([*fields.get("anthropic_beta", ()), *betas]))
    return fields


def _betas(call: WireCall, tools: list[Wire]) -> list[str]:
    """Anthropic's header of that name, which Bedrock reads in the body only."""
    told = call.headers.get("anthropic-beta", "").split(",")
    return [*filter(None, map(str.strip, told)), *betas_of(tools)]


def _merge(fields: Wire, more: Wire) -> None:
    for name, value in more.items():
        said = fields.get(name)
        fields[name] = {**value, **said} if isinstance(said, dict) else value


def _say_in_parallel(
    given: Mapping[str, Any], config: Wire | None, fields: Wire, model: Model
) -> None:
    """Claude's own field for what Converse has none: no parallel calls, or no call at all."""
    if config is None or not model.one_call:
        return
    if given.get("tool_choice") == "none" or not given.get("tools"):
        fields["tool_choice"] = {"type": "none"}
    elif given.get("parallel_tool_calls") is False:
        # With a choice in `toolConfig`, Bedrock refuses a type here.
        kind = {} if "toolChoice" in config else {"type": "auto"}
        fields["tool_choice"] = {**kind, "disable_parallel_tool_use": True}


def _called(messages: list[Wire]) -> list[str]:
    """The names of the tools that were called, each once."""
    uses = (block.get("toolUse") for turn in messages for block in turn["content"])
    return list(dict.fromkeys(use["name"] for use in uses if use))


def _output(wanted: object) -> Wire | None:
    """Converse's `outputConfig` for a JSON schema. For JSON without one it has no form: the prompt asks for it.

    Source: Amazon Bedrock user guide, "Structured outputs": the limits are those of Claude's own.
    """
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return None
    form = wanted.get("json_schema") or {}
    told = {name: form[name] for name in ("name", "description") if form.get(name)}
    schema = form.get("schema") or {}
    text = jsonbytes.dumps(enforceable(schema) or schema).decode()
    structure = {"jsonSchema": {**told, "schema": text}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}


def _with_own(body: Wire, given: Mapping[str, Any]) -> Wire:
    """The caller's own fields of Converse; where both have one, they are put together, and the caller's counts."""
    for name in _OWN.intersection(given):
        own, made = given[name], body.get(name)
        if isinstance(own, dict) and isinstance(made, dict):
            body[name] = {**made, **own}
        elif isinstance(own, (list, tuple)) and isinstance(made, list):
            body[name] = [*made, *own]
        elif own is not None:
            body[name] = own
    return body
