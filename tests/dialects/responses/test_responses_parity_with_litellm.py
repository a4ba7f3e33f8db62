"""What we send for made-up conversations, and what LiteLLM's bridge to the Responses API sends for the same."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
from conversations import asked
from hypothesis import HealthCheck, given, settings
from responses_support import PUBLISHED, body_of, reply_of

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


@pytest.fixture(scope="module")
def read_by_litellm():
    """LiteLLM's completion for a response."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
        from litellm.completion_extras.litellm_responses_transformation import transformation
        from litellm.types.llms.openai import ResponsesAPIResponse

    bridge = transformation.LiteLLMResponsesTransformationHandler()

    def read(response):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reply = bridge.transform_response(
                MODEL,
                ResponsesAPIResponse(**response),
                litellm.ModelResponse(),
                SimpleNamespace(),
                {},
                [],
                {},
                {},
                None,
            )
            return reply.model_dump(exclude_none=True)

    return read


ANSWERS = {row["name"]: row["response"] for row in PUBLISHED if "response" in row}


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"file search"}))
def test_the_answers_are_read_alike(name, read_by_litellm):
    """Of every published example: text, calls, end and tokens.

    LiteLLM leaves citations flat, though its users read them as OpenAI's chat API has them, and forgets what the
    provider's own tools did.
    """
    ours, theirs = reply_of(ANSWERS[name]), read_by_litellm(ANSWERS[name])
    (own,), (other,) = ours["choices"], theirs["choices"]

    assert own["message"]["content"] == other["message"].get("content")
    assert own["finish_reason"] == other["finish_reason"]
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert ours["usage"][count] == theirs["usage"][count]
    assert [call["function"] for call in own["message"].get("tool_calls") or ()] == [
        call["function"] for call in other["message"].get("tool_calls") or ()
    ]


def test_litellm_cannot_read_citations_of_files(read_by_litellm):
    """It takes every annotation for one of a page; we hand them on."""
    with pytest.raises(ValueError, match="Input should be 'url_citation'"):
        read_by_litellm(ANSWERS["file search"])

    assert len(reply_of(ANSWERS["file search"])["choices"][0]["message"]["annotations"]) == 8
