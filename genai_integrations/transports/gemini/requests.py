"""A request for a chat in OpenAI's form as Gemini's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.calls.args import may_drop
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.transports.gemini.abilities import (
    has_penalties,
    is_3_or_newer,
    takes_instructions,
    thinks,
)
from genai_integrations.transports.gemini.address import is_vertex
from genai_integrations.transports.gemini.media import resolution_wanted
from genai_integrations.transports.gemini.messages import conversation
from genai_integrations.transports.gemini.schemas import restated
from genai_integrations.transports.gemini.thinking import thinking_config
from genai_integrations.transports.gemini.tools import declared

_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
"""What has another name in `generationConfig`: https://ai.google.dev/api/generate-content#GenerationConfig."""

_NATIVE = frozenset(
    (
        *("audioTimestamp", "candidateCount", "enableAffectiveDialog", "imageConfig", "logprobs"),
        *("enableEnhancedCivicAnswers", "maxOutputTokens", "mediaResolution", "responseFormat"),
        *("modelConfig", "modelSelectionConfig", "responseJsonSchema", "responseLogprobs"),
        *("responseMimeType", "responseModalities", "responseSchema", "routingConfig"),
        *("speechConfig", "stopSequences", "thinkingConfig", "topK", "topP", "translationConfig"),
    )
)
"""Google's own names in `generationConfig`, which a call may give as they are, in either spelling."""

_SAID = frozenset(
    (
        *("messages", "model", "stream", "stream_options"),
        *("functions", "function_call", "tools", "tool_choice", "web_search_options"),
        *("audio", "logprobs", "top_logprobs", "modalities", "response_format", "stop"),
        *("reasoning_effort", "thinking", "service_tier", "generationConfig", "generation_config"),
        *_CONFIG,
    )
)
"""What is said in some other way, or is no parameter."""

_LACKING = frozenset(
    (
        *("logit_bias", "metadata", "parallel_tool_calls", "prediction", "prompt_cache_key"),
        *("prompt_cache_retention", "safety_identifier", "store", "user", "verbosity"),
    )
)
"""OpenAI's parameters that Gemini has not. One that may not be left out is sent, and refused by name."""

_UNDERSCORE = re.compile(r"_([a-z0-9])")


def chat_body(call: WireCall) -> Wire:
    """The body of `generateContent`.

    Raises:
        ConfigurationError: A message or a parameter has no form there.
    """
    body, newest = call.body, is_3_or_newer(call.model)
    made = conversation(body["messages"], newest=newest, instructed=takes_instructions(call.model))
    made |= declared(body, newest=newest)
    config = dict(_config(call, newest=newest))
    for name, value in body.items():
        if name in _SAID or (name in _LACKING and may_drop(name, call.drop_params)):
            continue
        own = _camel(name)
        if own in _NATIVE:
            config[own] = value
        else:
            _put(made, own, value)
    tier = _TIERS.get(str(body.get("service_tier")), body.get("service_tier"))
    if tier:
        made["serviceTier"] = tier
    _merge(config, body.get("generationConfig") or body.get("generation_config") or {})
    if config:
        made["generationConfig"] = config
    return made


_TIERS = {"auto": None, "default": "standard"}
"""OpenAI's words: what the account has, which is what is got without a word, and the plain one."""


def _config(call: WireCall, *, newest: bool) -> Iterator[tuple[str, Any]]:
    """`generationConfig`, name by name."""
    body = call.body
    for name, own in _CONFIG.items():
        if name in body and not _is_refused(name, call):
            yield own, body[name]
    if stop := body.get("stop"):
        yield "stopSequences", [stop] if isinstance(stop, str) else list(stop)
    if body.get("logprobs"):
        yield "responseLogprobs", True
        if body.get("top_logprobs"):
            yield "logprobs", body["top_logprobs"]
    if isinstance(wanted := body.get("response_format"), Mapping):
        yield from _format(wanted)
    yield from _speech(body)
    thought = thinking_config(body, call.model)
    if thought is not None and (thinks(call.model) or not _may_drop_thinking(call)):
        yield "thinkingConfig", thought
    # A Gemini 3 takes it for each part.
    if not newest and (level := resolution_wanted(body["messages"])):
        yield "mediaResolution", level


def _is_refused(name: str, call: WireCall) -> bool:
    """Whether it is left out, because the model does not take it."""
    if not name.endswith("_penalty") or not may_drop(name, call.drop_params):
        return False
    return not has_penalties(call.model, vertex=is_vertex(call.connection))


def _may_drop_thinking(call: WireCall) -> bool:
    name = "thinking" if "thinking" in call.body else "reasoning_effort"
    return may_drop(name, call.drop_params)


def _format(wanted: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """JSON, by a schema if there is one: https://ai.google.dev/gemini-api/docs/structured-output."""
    kind = wanted.get("type")
    schema = wanted.get("response_schema")
    if kind == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema")
    if schema is not None or kind in ("json_object", "json_schema"):
        yield "responseMimeType", "application/json"
    if schema is not None:
        yield "responseJsonSchema", restated(schema)


def _speech(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the answer is made of, and who speaks it: https://ai.google.dev/gemini-api/docs/speech-generation."""
    wanted = [str(each).upper() for each in body.get("modalities") or ()]
    audio = body.get("audio")
    if isinstance(audio, Mapping):
        voice: Wire = {}
        if audio.get("voice"):
            voice["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": audio["voice"]}}
        if audio.get("language_code"):
            voice["languageCode"] = audio["language_code"]
        yield "speechConfig", voice
        wanted = wanted or ["AUDIO"]
    if wanted:
        yield "responseModalities", wanted


def _camel(name: str) -> str:
    """Google takes both spellings; one of them, so that what is given twice is seen."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def _put(made: Wire, name: str, value: object) -> None:
    """A field of Google's own: objects are put together with what is there."""
    if isinstance(value, Mapping) and isinstance(made.get(name), dict):
        # A copy, because what is there may be the caller's.
        made[name] = dict(made[name])
        _merge(made[name], value)
    else:
        made[name] = value


def _merge(made: Wire, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        _put(made, _camel(name), value)
