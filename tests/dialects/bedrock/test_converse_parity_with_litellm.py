"""What we send to Bedrock is what LiteLLM sends, but for the differences that stand here, each with who is right.

1. Descriptions of tools: LiteLLM writes the name where there is none; AWS's `ToolSpecification` needs none.
2. `tool_choice="none"`: LiteLLM offers the tools all the same, so the model may call one. We offer none; where the
   conversation has calls, Bedrock wants the tools, and Claude is told by its own field
   (docs.anthropic.com, "Tool use", `tool_choice`).
3. `inferenceConfig`: LiteLLM sends an empty one; it says nothing, and AWS's `Converse` needs none.
4. Ids of calls and names of documents that are made up: both make their own.
5. Pictures by an address on the web: LiteLLM fetches them, which the program should decide; AWS's `ImageSource` takes
   data or S3 only, so we say so before anything is sent.
6. Results of tools that are blank: LiteLLM sends a blank text, which AWS refuses ("The text field in the ContentBlock
   object ... is blank").
8. Schemas of tools: LiteLLM leaves out references, titles and more for all models; Claude knows them
   (docs.anthropic.com, "Define tools"), so only the others get what Nova's user guide allows at the top of a schema.
7. Documents' names: LiteLLM's are a hash; the model reads them, so ours are the files' own.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest
from bedrock_data import CLAUDE, NOVA, call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.bedrock.dialect import BedrockDialect

sys.path.append(str(Path(__file__).parents[1]))
from conversations import asked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def litellm():
    """LiteLLM, quiet."""
    from genai_integrations.transports.litellm.loading import litellm_module

    return litellm_module()


def theirs(litellm, model, messages, params):
    """The body that LiteLLM sends."""
    from litellm.utils import get_optional_params

    given, messages = copy.deepcopy(params), copy.deepcopy(messages)
    for row in messages:
        if row["role"] == "developer":
            row["role"] = "system"  # which is known of Bedrock beforehand where LiteLLM translates
    options = get_optional_params(
        model=model, custom_llm_provider="bedrock", drop_params=True, messages=messages, **given
    )
    options.pop("stream", None)  # as its sender does
    body = litellm.AmazonConverseConfig().transform_request(
        model, messages, options, {"drop_params": True}, {}
    )
    return json.loads(json.dumps(body))


def without_differences(body):
    """The body without what stands above."""
    body = json.loads(json.dumps(body))
    if not body.get("inferenceConfig"):
        body.pop("inferenceConfig", None)
    for tool in (body.get("toolConfig") or {}).get("tools", ()):
        spec = tool.get("toolSpec", {})
        if spec.get("description") == spec.get("name"):
            spec.pop("description", None)
    for turn in body["messages"]:
        for block in turn["content"]:
            if "document" in block:
                block["document"]["name"] = "document"
    return body


def _is_on_the_web(part):
    return isinstance(part, dict) and str((part.get("image_url") or {}).get("url")).startswith(
        "http"
    )


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(given_call=asked(documents=True), model=st.sampled_from([CLAUDE, NOVA]))
def test_the_same_body(litellm, given_call, model):
    """For conversations with tools, pictures, documents and limits."""
    messages, params = given_call.messages, given_call.params
    parts = [
        part for row in messages if isinstance(row["content"], list) for part in row["content"]
    ]
    ours = call(messages, model, **params)
    if any(map(_is_on_the_web, parts)):
        with pytest.raises(ConfigurationError):
            BedrockDialect().body(ours)
        return
    called = any(row.get("tool_calls") for row in messages)
    if called and not params.get("tools"):
        return
    body = BedrockDialect().body(ours)
    if params.get("tool_choice") == "none":
        body.pop("additionalModelRequestFields", None)
        if not called:
            assert "toolConfig" not in body
            params = {name: value for name, value in params.items() if not name.startswith("tool")}

    assert without_differences(body) == without_differences(
        theirs(litellm, model, messages, params)
    )


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
@pytest.mark.parametrize(
    "params",
    [
        {"top_p": 0.5},
        {"stop": "x", "seed": 1, "user": "u", "logit_bias": {"1": 1}},
        {"top_k": 5},
        {"service_tier": "flex"},
        {"guardrailConfig": {"guardrailIdentifier": "a", "guardrailVersion": "1"}},
        {"performanceConfig": {"latency": "optimized"}},
        {"requestMetadata": {"a": "b"}},
        {"parallel_tool_calls": False, "tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {}, "required": []}}}]},
        {"reasoning_effort": "low", "max_tokens": 4000},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000},
        {"web_search_options": {}},
    ],
    ids=lambda params: next(iter(params)),
)  # fmt: skip
def test_the_same_parameters(litellm, model, params):
    """Those that are said in OpenAI's words, and Converse's own.

    With a guardrail, LiteLLM marks the last user's words as all that is judged; without such marks AWS has everything
    judged, which is the safer reading, and marking is the caller's.
    """
    messages = [{"role": "user", "content": "Hello!"}]
    if "thinking" in params and model == NOVA:
        pytest.skip("no parameter of Nova's")
    told = theirs(litellm, model, messages, params)
    for block in told["messages"][0]["content"]:
        if "guardContent" in block:
            block["text"] = block.pop("guardContent")["text"]["text"]
    if told.get("additionalModelRequestFields") == {}:
        del told["additionalModelRequestFields"]

    body = BedrockDialect().body(call(messages, model, **params))
    assert without_differences(body) == without_differences(told)
