"""LiteLLM as the second opinion: the same call makes the same body, but for a list of differences.

Each difference has the page that says who is right; `BOTH` are choices of taste.
"""

from __future__ import annotations

import copy

import pytest
from conversations import asked
from gemini_calls import GEMINI, call_of
from hypothesis import Phase, given, settings

from genai_integrations.testing.providers.gemini.checks import check_generate
from genai_integrations.testing.providers.gemini.shapes import read
from genai_integrations.transports.litellm.loading import LITELLM, litellm_module

pytestmark = [
    pytest.mark.slow,  # LiteLLM's import
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

DIFFERENCES = {
    "functions": (
        "ours",
        "JSON Schema as it is, where LiteLLM restates it in the OpenAPI subset and loses what that has not",
        "https://ai.google.dev/api/caching#FunctionDeclaration (parametersJsonSchema)",
    ),
    "results": (
        "ours",
        "a plain result is the `output`, not the `content`, of the function",
        "https://ai.google.dev/api/caching#FunctionResponse",
    ),
    "temperature": (
        "ours",
        "nothing is made up: LiteLLM sends 1.0 to a Gemini 3, which is its default",
        "https://ai.google.dev/gemini-api/docs/gemini-3",
    ),
    "budgets": (
        "ours",
        "an effort is 1024, 8192 or 24576 tokens, as Google's own OpenAI endpoint has it",
        "https://ai.google.dev/gemini-api/docs/openai",
    ),
    "medium": (
        "ours",
        "Gemini 3 Pro has no level between low and high",
        "https://ai.google.dev/gemini-api/docs/thinking",
    ),
    "equal calls": (
        "ours",
        "two calls that say the same are two, with a result each; LiteLLM sends one of them to models before 3",
        "https://ai.google.dev/gemini-api/docs/function-calling",
    ),
    "addresses": (
        "ours",
        "AI Studio fetches public addresses by itself, which LiteLLM does before: whatever this machine can reach",
        "https://ai.google.dev/gemini-api/docs/file-input-methods",
    ),
    "texts of an instruction": (
        "BOTH",
        "parts of a text stay parts, LiteLLM joins them",
        "https://ai.google.dev/api/caching#Content",
    ),
}  # fmt: skip
"""Name: who is right, what differs, and the page."""


def theirs(messages, model, params):
    """The body that LiteLLM sends to Vertex AI: to AI Studio it would fetch pictures first."""
    LITELLM.load()
    from litellm.llms.vertex_ai.gemini.transformation import transform_request_body

    messages, params = copy.deepcopy([messages, params])
    for message in messages:
        # What `transports/remedies/known.py` does for all of Google's models.
        message["role"] = message["role"].replace("developer", "system")
    mapped = litellm_module().get_optional_params(
        model=model, custom_llm_provider="vertex_ai", **params
    )
    return transform_request_body(
        messages=messages, model=model, optional_params=mapped, custom_llm_provider="vertex_ai",
        litellm_params={}, cached_content=None,
    )  # fmt: skip


def ours(messages, model, params):
    """The body that our dialect sends."""
    return GEMINI.body(call_of({"messages": messages, **params}, model))


def alike(body):
    """A body in Google's own spelling, without what `DIFFERENCES` lists."""
    body = read(copy.deepcopy(body), "Generate")
    config = body.get("generationConfig", {})
    config.pop("thinkingConfig", None)
    if config.get("temperature") == 1:
        del config["temperature"]
    if not config:
        body.pop("generationConfig", None)
    for tool in body.get("tools", ()):
        for function in tool.get("functionDeclarations", ()):
            for name in ("parameters", "parametersJsonSchema"):
                function.pop(name, None)
    for content in body["contents"]:
        parts = content["parts"]
        content["parts"] = [
            part
            for at, part in enumerate(parts)
            if "functionCall" not in part or part not in parts[:at]
        ]
        for part in parts:
            response = part.get("functionResponse", {}).get("response", {})
            if "output" in response:
                response["content"] = response.pop("output")
    return body


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
def test_generated_conversations(model):
    """Whatever is said, both say it to Google in the same way, and its own schema takes ours."""

    @settings(max_examples=30, phases=[Phase.generate])
    @given(asked(pictures=True, documents=True))
    def check(made):
        mine = ours(made.messages, model, made.params)
        check_generate(read(copy.deepcopy(mine), "Generate"), model)

        assert alike(mine) == alike(theirs(made.messages, model, made.params))

    check()


ASK = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}  # fmt: skip


@pytest.mark.parametrize(
    "params",
    [
        {"n": 2, "seed": 1, "top_p": 0.5},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        {"modalities": ["text", "image"]},
        {"audio": {"voice": "Kore", "format": "pcm16"}},
        {"tools": [{"google_search": {}}]},
        {"tools": [{"code_execution": {}}, {"url_context": {}}]},
        {"web_search_options": {}},
        {"service_tier": "flex"},
    ],
)  # fmt: skip
def test_parameters(params):
    """Alike, one by one."""
    model = "gemini-2.5-flash-preview-tts" if "audio" in params else "gemini-2.5-flash"

    assert alike(ours(ASK, model, params)) == alike(theirs(ASK, model, params))


@pytest.mark.parametrize(
    ("model", "effort", "mine", "others"),
    [
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024}, {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192}, {"thinkingBudget": 2048}),
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24576}, {"thinkingBudget": 4096}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "high"}, {"thinkingLevel": "medium"}),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "low"}, {"thinkingLevel": "low"}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal"}, {"thinkingLevel": "minimal"}),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal"}, {"thinkingLevel": "minimal"}),
    ],
)  # fmt: skip
def test_efforts(model, effort, mine, others):
    """Budgets and levels: `DIFFERENCES` says who is right."""
    said = ours(ASK, model, {"reasoning_effort": effort})["generationConfig"]["thinkingConfig"]
    told = theirs(ASK, model, {"reasoning_effort": effort})["generationConfig"]["thinkingConfig"]

    assert said == {**mine, "includeThoughts": effort != "none"}
    assert told == {**others, "includeThoughts": effort != "none"}


def test_functions_and_results():
    """What both mean is the same; `DIFFERENCES` says who says it as Google has it."""
    parameters = {
        "type": "object",
        "properties": {"n": {"type": "integer", "exclusiveMinimum": 0}},
        "additionalProperties": False,
    }
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": parameters}}  # fmt: skip
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ]
    mine, others = (
        read(make(messages, "gemini-2.5-flash", {"tools": [tool]}), "Generate")
        for make in (ours, theirs)
    )
    said, told = (body["tools"][0]["functionDeclarations"][0] for body in (mine, others))

    assert said["parametersJsonSchema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    }
    assert told["parameters"]["type"] == "object"
    assert "parametersJsonSchema" not in told
    results = [body["contents"][2]["parts"][0]["functionResponse"]["response"] for body in (mine, others)]  # fmt: skip
    assert results == [{"output": "x"}, {"content": "x"}]


def test_every_difference_has_its_page():
    """Who is right is said by whoever runs the model."""
    for who, what, page in DIFFERENCES.values():
        assert who in {"ours", "LiteLLM's", "BOTH"}
        assert what
        assert page.startswith("https://")
