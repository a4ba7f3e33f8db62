"""What we send for made-up conversations, and what LiteLLM's bridge to the Responses API sends for the same."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
from conversations import asked
from hypothesis import HealthCheck, given, settings
from responses_support import body_of

pytestmark = pytest.mark.slow

MODEL = "gpt-4.1"


@pytest.fixture(scope="module")
def theirs():
    """LiteLLM's body for a call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from litellm.completion_extras.litellm_responses_transformation import transformation

    bridge = transformation.LiteLLMResponsesTransformationHandler()

    def body(messages, **params):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sent = bridge.transform_request(MODEL, messages, params, {}, {}, SimpleNamespace())
        return {name: sent[name] for name in sent if name not in ("litellm_logging_obj", "client")}

    return body


def canonical(body):
    """A body with each difference that we know of taken out, and why ours is right, or as good."""
    said = dict(body)
    # 1. LiteLLM moves leading system texts into `instructions`; as items they keep their place and number, and
    #    `previous_response_id` does not lose them. Source: OpenAI, "Create a model response", `instructions`.
    if instructions := said.pop("instructions", None):
        said["input"] = [{"role": "system", "content": instructions}, *said["input"]]
    said["input"] = [_item(item) for item in said["input"]]
    if "tools" in said:
        said["tools"] = [_tool(tool) for tool in said["tools"]]
    return said


def _item(item):
    item = dict(item)
    if item.get("type") == "message":
        # 2. `type` may be left out of a message. Source: OpenAI's description, `EasyInputMessage`.
        del item["type"]
    for name in ("content", "output"):
        if isinstance(item.get(name), list):
            item[name] = _parts(item[name])
    return item


def _parts(parts):
    # 3. LiteLLM makes a list of each text, of answers one of `output_text`, which only items with an id may have
    #    (`OutputMessage`); a text alone means the same.
    if len(parts) == 1 and parts[0]["type"] in ("input_text", "output_text"):
        return parts[0]["text"]
    return parts


def _tool(tool):
    # 4. LiteLLM sends `strict: null`, which this API takes for strict where the schema can be; in the chat API a
    #    function is not strict unless it says so. Source: OpenAI, "Migrate to the Responses API".
    return {name: value for name, value in tool.items() if value is not None and name != "strict"}


@given(call=asked(pictures=True, documents=True))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_bodies_are_the_same_but_for_what_is_named(call, theirs):
    """Conversations with tools, pictures and documents, and the parameters that users give."""
    params = {name: value for name, value in call.params.items() if value is not None}

    assert canonical(body_of(call.messages, MODEL, **params)) == canonical(
        theirs(call.messages, **params)
    )


@pytest.mark.parametrize(
    ("params", "ours", "litellms"),
    [
        # LiteLLM leaves a stop out, so the answer goes on; we cut it (`stops.py`).
        ({"stop": "END"}, {}, {}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}, {"text": {"verbosity": "low"}}),
        # LiteLLM leaves them out: nothing is told of log probabilities unless they are included by name.
        (
            {"logprobs": True, "top_logprobs": 2},
            {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
            {"top_logprobs": 2},
        ),
        # LiteLLM leaves it out: more than one answer was asked for, and nobody would be told.
        ({"n": 2}, {"n": 2}, {}),
        # LiteLLM hands the chat API's nested place on, which is refused here.
        (
            {"web_search_options": {"user_location": {"type": "approximate", "approximate": {"country": "KR"}}}},
            {"tools": [{"type": "web_search", "user_location": {"type": "approximate", "country": "KR"}}]},
            {"tools": [{"type": "web_search", "user_location": {"type": "approximate", "approximate": {"country": "KR"}}}]},
        ),
        ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
        # LiteLLM leaves out what it does not know.
        ({"vendor": 1}, {"vendor": 1}, {}),
    ],
)  # fmt: skip
def test_parameters_that_differ(params, ours, litellms, theirs):
    """What each sends for a parameter."""
    messages = [{"role": "user", "content": "hi"}]
    own, other = body_of(messages, MODEL, **params), theirs(messages, **params)
    for body in (own, other):
        del body["model"], body["input"]

    assert (own, other) == (ours, litellms)
