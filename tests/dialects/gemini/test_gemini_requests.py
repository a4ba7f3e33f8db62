"""Parameters in OpenAI's form, and Google's own, as Gemini's request."""

from __future__ import annotations

import pytest
from gemini_calls import GEMINI, call_of

from genai_integrations.errors import ConfigurationError, InvalidReplyError
from genai_integrations.transports.gemini.counting import count_body, tokens_of

PRO_3, FLASH_3, PRO_31 = "gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-3.1-pro-preview"
FLASH_25, PRO_25 = "gemini-2.5-flash", "gemini-2.5-pro"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells.", "parameters": CITY, "strict": True},
}
NOW = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}  # fmt: skip
DECLARED = [
    {"name": "weather", "description": "Tells.", "parametersJsonSchema": CITY},
    {"name": "now"},
]


@pytest.mark.parametrize(
    ("params", "config"),
    [
        ({"temperature": 0, "top_p": 0.9, "top_k": 5}, {"temperature": 0, "topP": 0.9, "topK": 5}),
        ({"max_tokens": 9}, {"maxOutputTokens": 9}),
        ({"max_tokens": 9, "max_completion_tokens": 8}, {"maxOutputTokens": 8}),
        ({"n": 2, "seed": 7}, {"candidateCount": 2, "seed": 7}),
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"stop": []}, None),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": False, "top_logprobs": 3}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}}},
            {"responseMimeType": "application/json", "responseJsonSchema": CITY},
        ),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        (
            {"audio": {"voice": "Kore", "format": "pcm16", "language_code": "ko-KR"}},
            {
                "speechConfig": {
                    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
                    "languageCode": "ko-KR",
                },
                "responseModalities": ["AUDIO"],
            },
        ),
        (
            {"image_config": {"aspectRatio": "1:1"}, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
            {"imageConfig": {"aspectRatio": "1:1"}, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
        ),
        ({"thinking_config": {"thinkingBudget": 5}}, {"thinkingConfig": {"thinkingBudget": 5}}),
        (
            {"temperature": 1, "generationConfig": {"top_k": 3, "temperature": 0.5}},
            {"temperature": 0.5, "topK": 3},
        ),
        (
            {"reasoning_effort": "low", "generation_config": {"thinking_config": {"include_thoughts": False}}},
            {"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": False}},
        ),
    ],
)  # fmt: skip
def test_generation_config(params, config, sent):
    """OpenAI's parameters under Google's names, and Google's own in either spelling."""
    assert sent("hi", **params).get("generationConfig") == config


@pytest.mark.parametrize(
    ("params", "top"),
    [
        ({"service_tier": "auto"}, {}),
        ({"service_tier": "default"}, {"serviceTier": "standard"}),
        ({"service_tier": "flex"}, {"serviceTier": "flex"}),
        (
            {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
            {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
        ),
        ({"cached_content": "cachedContents/1"}, {"cachedContent": "cachedContents/1"}),
        ({"labels": {"my_team": "x"}}, {"labels": {"my_team": "x"}}),
        ({"user": "u", "logit_bias": {"1": 1}, "store": False, "metadata": {}}, {}),
        ({"parallel_tool_calls": False, "prediction": {}, "verbosity": "low"}, {}),
    ],
)
def test_beside_the_config(params, top, sent):
    """What is not about generating stands beside it; what Gemini has not is left out."""
    body = sent("hi", checked="labels" not in params, **params)

    assert {name: body[name] for name in body if name != "contents"} == top


def test_what_may_not_be_left_out_is_sent(sent):
    """So that Google says no: to all parameters, or to those that are named."""
    params = {"user": "u", "parallel_tool_calls": False, "reasoning_effort": "low"}
    model = "gemini-2.0-flash"

    assert sent("hi", model, **params).keys() == {"contents"}
    strict = sent("hi", model, drop=False, checked=False, **params)
    assert (strict["user"], strict["parallelToolCalls"]) == ("u", False)
    assert strict["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 1024
    named = sent("hi", model, drop=("parallel_tool_calls",), checked=False, **params)
    assert named.keys() == {"contents", "parallelToolCalls"}


@pytest.mark.parametrize(
    ("model", "params", "thought"),
    [
        (FLASH_25, {"reasoning_effort": "minimal"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        (FLASH_25, {"reasoning_effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        (FLASH_25, {"reasoning_effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}),
        (FLASH_25, {"reasoning_effort": "high"}, {"thinkingBudget": 24576, "includeThoughts": True}),
        (FLASH_25, {"reasoning_effort": {"effort": "high"}}, {"thinkingBudget": 24576, "includeThoughts": True}),
        (FLASH_25, {"reasoning_effort": "none"}, {"thinkingBudget": 0, "includeThoughts": False}),
        (PRO_25, {"reasoning_effort": "none"}, {"thinkingBudget": 128, "includeThoughts": False}),
        (FLASH_25, {"thinking": {"type": "enabled", "budget_tokens": 99}}, {"thinkingBudget": 99, "includeThoughts": True}),
        (FLASH_25, {"thinking": {"type": "adaptive"}}, {"includeThoughts": True}),
        (FLASH_25, {"thinking": {"type": "disabled"}}, {"thinkingBudget": 0, "includeThoughts": False}),
        (FLASH_3, {"reasoning_effort": "minimal"}, {"thinkingLevel": "minimal", "includeThoughts": True}),
        (FLASH_3, {"reasoning_effort": "medium"}, {"thinkingLevel": "medium", "includeThoughts": True}),
        (FLASH_3, {"reasoning_effort": "xhigh"}, {"thinkingLevel": "high", "includeThoughts": True}),
        (FLASH_3, {"reasoning_effort": "none"}, {"thinkingLevel": "minimal", "includeThoughts": False}),
        (PRO_3, {"reasoning_effort": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}),
        (PRO_3, {"reasoning_effort": "medium"}, {"thinkingLevel": "high", "includeThoughts": True}),
        (PRO_31, {"reasoning_effort": "medium"}, {"thinkingLevel": "medium", "includeThoughts": True}),
        (PRO_3, {"reasoning_effort": "none"}, {"thinkingLevel": "low", "includeThoughts": False}),
        ("gemini-flash-latest", {"reasoning_effort": "low"}, {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-2.0-flash", {"reasoning_effort": "low"}, None),
        ("gemma-3-27b-it", {"reasoning_effort": "low"}, None),
    ],
)  # fmt: skip
def test_thinking(model, params, thought, sent):
    """Budgets up to 2.5, levels from 3 on, as Google's OpenAI endpoint sets them; the least where none is not to be had."""
    config = sent("hi", model, checked=model != "gemini-flash-latest", **params).get("generationConfig", {})  # fmt: skip

    assert config.get("thinkingConfig") == thought


def test_an_effort_that_is_none(sent):
    """The error lists what there is."""
    with pytest.raises(ConfigurationError, match="reasoning_effort 'huge' is not one of none, minimal"):  # fmt: skip
        sent("hi", reasoning_effort="huge")


@pytest.mark.parametrize(
    ("model", "provider", "kept"),
    [
        ("gemini-2.0-flash", "google-ai-studio", True),
        (FLASH_25, "google-ai-studio", False),
        (FLASH_3, "google-ai-studio", False),
        (FLASH_25, "vertex", True),
        (FLASH_3, "vertex", False),
    ],
)
def test_penalties(model, provider, kept):
    """Newer models refuse them, so they are left out if they may be."""
    asked = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.3}
    asked |= {"presence_penalty": 0.1, "frequency_penalty": 0.2}
    both = {"presencePenalty": 0.1, "frequencyPenalty": 0.2}
    body = GEMINI.body(call_of(asked, model, provider=provider))
    strict = GEMINI.body(call_of(asked, model, provider=provider, drop=False))

    assert body["generationConfig"] == {"temperature": 0.3, **(both if kept else {})}
    assert strict["generationConfig"] == {"temperature": 0.3, **both}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "now"}},
            {"mode": "ANY", "allowedFunctionNames": ["now"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NOW]}},
            {"mode": "ANY", "allowedFunctionNames": ["now"]},
        ),
    ],
)
def test_functions_and_the_choice(choice, config, sent):
    """Functions stand in one tool, with the JSON schema as it is; one without parameters has none."""
    chosen = {} if choice is None else {"tool_choice": choice}
    body = sent("hi", tools=[WEATHER, NOW], **chosen)

    assert body["tools"] == [{"functionDeclarations": DECLARED}]
    assert body.get("toolConfig") == (config and {"functionCallingConfig": config})


def test_the_old_form_of_functions(sent):
    """`functions` and `function_call`."""
    body = sent("hi", functions=[NOW["function"]], function_call={"name": "now"})

    assert body["tools"] == [{"functionDeclarations": [{"name": "now"}]}]
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["now"]


@pytest.mark.parametrize(
    ("tool", "made"),
    [
        ({"google_search": {}}, {"google_search": {}}),
        ({"googleSearch": {"timeRangeFilter": {}}}, {"googleSearch": {"timeRangeFilter": {}}}),
        ({"type": "code_execution"}, {"code_execution": {}}),
        ({"type": "url_context", "url_context": {}}, {"url_context": {}}),
        ({"type": "web_search"}, {"googleSearch": {}}),
        ({"type": "web_search_preview", "search_context_size": "low"}, {"googleSearch": {}}),
        ({"functionDeclarations": [{"name": "f"}]}, {"functionDeclarations": [{"name": "f"}]}),
    ],
)
def test_googles_own_tools(tool, made, sent):
    """As they are, each in a tool of its own."""
    assert sent("hi", tools=[tool])["tools"] == [made]


def test_googles_tools_beside_functions(sent):
    """A Gemini 3 takes both if it is told to show what its own tools do."""
    tools = [NOW, {"google_search": {}}]
    body = sent("hi", FLASH_3, tools=tools, web_search_options={}, tool_choice="auto")

    assert body["tools"] == [
        {"functionDeclarations": [{"name": "now"}]}, {"google_search": {}}, {"googleSearch": {}},
    ]  # fmt: skip
    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "AUTO"},
        "includeServerSideToolInvocations": True,
    }
    assert "toolConfig" not in sent("hi", tools=tools)


def test_a_tool_config_of_ones_own(sent):
    """It is put together with what the choice says."""
    body = sent(
        "hi",
        tools=[NOW],
        tool_choice="auto",
        tool_config={"retrieval_config": {"languageCode": "ko"}, "functionCallingConfig": {"mode": "ANY"}},
    )  # fmt: skip

    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY"},
        "retrievalConfig": {"languageCode": "ko"},
    }


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"type": "string", "const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"$schema": "x", "examples": [1], "type": "number"}, {"type": "number"}),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9}, {"type": "integer", "minimum": 1, "maximum": 8}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number"}),
        ({"allOf": [{"$ref": "#/$defs/A"}], "description": "d"}, {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}),
        ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}),
        ({"$ref": "#/$defs/A", "description": "d"}, {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"const": 1}}}, {"$ref": "#/$defs/A", "$defs": {"A": {"enum": [1]}}}),
        (
            {"type": "array", "prefixItems": [{"const": 1}], "items": {"anyOf": [{"const": 2}, {"type": "null"}]}},
            {"type": "array", "prefixItems": [{"enum": [1]}], "items": {"anyOf": [{"enum": [2]}, {"type": "null"}]}},
        ),
        (
            {"type": "object", "properties": {"const": {"const": 1}, "examples": {"type": "string"}}, "additionalProperties": {"const": 1}},
            {"type": "object", "properties": {"const": {"enum": [1]}, "examples": {"type": "string"}}, "additionalProperties": {"enum": [1]}},
        ),
        ({"type": ["string", "null"], "pattern": "a+", "default": "a", "title": "T"}, {"type": ["string", "null"], "pattern": "a+", "default": "a", "title": "T"}),
    ],
)  # fmt: skip
def test_schemas(schema, made, sent):
    """What Gemini would not read is said otherwise; properties may have any name."""
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}

    assert sent("hi", response_format=form)["generationConfig"]["responseJsonSchema"] == made


def test_counting_tokens():
    """AI Studio is asked with the whole request, Vertex AI with what a prompt is made of."""
    asked = {"messages": [{"role": "user", "content": "hi"}], "tools": [NOW], "tool_choice": "none"}
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    tools = [{"functionDeclarations": [{"name": "now"}]}]

    assert count_body(call_of(asked, FLASH_25)) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-flash",
            "contents": contents,
            "tools": tools,
            "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
        }
    }
    assert count_body(call_of(asked, FLASH_25, provider="vertex")) == {
        "contents": contents,
        "tools": tools,
    }
    assert tokens_of({"totalTokens": 31, "promptTokensDetails": []}) == 31
    with pytest.raises(InvalidReplyError):
        tokens_of({})
