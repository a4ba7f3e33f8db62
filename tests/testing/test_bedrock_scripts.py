"""Scripted replies, usage and embeddings in Bedrock's words."""

from __future__ import annotations

import pytest
from bedrock_wire import NOVA, content_of, converse, path_of, post, stream

THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
TOKEN_PATH = ["/usage/output_tokens_details"]


def test_reasoning_tokens_are_told_on_request(provider):
    """Usage itself has no place for them: they come as a further field, where it is asked for."""
    ask = {"additionalModelRequestFields": THINKING}
    told = {"usage": {"output_tokens_details": {"thinking_tokens": 5}}}

    assert "additionalModelResponseFields" not in converse(provider, **ask)
    ask["additionalModelResponseFieldPaths"] = TOKEN_PATH
    assert converse(provider, **ask)["additionalModelResponseFields"] == told
    assert dict(stream(provider, **ask))["messageStop"]["additionalModelResponseFields"] == told


def test_a_prompt_is_cached_from_the_second_time_on(provider):
    """The part before a cache point is written once, then read; neither is part of the input's tokens."""
    system = [{"text": "one two three"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    first = converse(provider, system=system)["usage"]
    again = dict(stream(provider, system=system))["metadata"]["usage"]

    assert first["cacheWriteInputTokens"] == 3
    assert first["cacheDetails"] == [{"ttl": "1h", "inputTokens": 3}]
    assert (first["inputTokens"], first["totalTokens"]) == (2, 9)
    assert (again["cacheReadInputTokens"], again["cacheWriteInputTokens"]) == (3, 0)
    assert "cacheDetails" not in again
    assert converse(provider, system=system, model=NOVA)["usage"]["cacheReadInputTokens"] == 0


def test_a_longer_prefix_reads_the_shorter_one(provider):
    """What was cached before is read, and only what is new is written."""
    point = {"cachePoint": {"type": "default"}}
    system = [{"text": "one two three"}, point]
    converse(provider, system=system)

    messages = [{"role": "user", "content": [{"text": "a b"}, point, {"text": "c"}]}]
    usage = converse(provider, messages, system=system)["usage"]

    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (3, 2)
    assert usage["inputTokens"] == 1


def test_usage_can_be_scripted(provider):
    """In OpenAI's words or in Converse's own, with the total following."""
    provider.replies["*"] = {
        "content": "x",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    }
    answer = converse(provider, additionalModelResponseFieldPaths=TOKEN_PATH)
    fields = answer["additionalModelResponseFields"]["usage"]
    assert answer["usage"] == {
        "inputTokens": 50,
        "outputTokens": 7,
        "totalTokens": 107,
        "cacheReadInputTokens": 30,
        "cacheWriteInputTokens": 20,
    }
    assert fields == {"output_tokens_details": {"thinking_tokens": 4}}

    provider.replies["*"] = {"content": "x", "usage": {"inputTokens": 9}}
    assert converse(provider)["usage"]["totalTokens"] == 10
    provider.replies["*"] = {"content": "x", "usage": {"totalTokens": 99}}
    assert converse(provider)["usage"]["totalTokens"] == 99


def test_scripted_replies(provider):
    """Pieces become the deltas of a stream; functions get the request; whole replies stay as they are."""
    provider.replies["*"] = ["one ", "two"]
    texts = [p["delta"]["text"] for k, p in stream(provider) if k == "contentBlockDelta"]
    assert texts == ["one ", "two"]

    provider.replies["*"] = lambda body: body["messages"][0]["content"][0]["text"].upper()
    assert content_of(converse(provider)) == [{"text": "HELLO THERE"}]

    provider.replies["*"] = {"content": [{"type": "text", "text": "in parts"}]}
    assert content_of(converse(provider)) == [{"text": "in parts"}]

    whole = {"message": {"role": "assistant", "content": [{"text": "odd"}]}}
    provider.replies["*"] = {"output": whole, "stopReason": "malformed_model_output"}
    answer = converse(provider)
    assert (answer["output"], answer["stopReason"]) == (whole, "malformed_model_output")


def test_a_block_of_another_kind_has_no_parts(provider):
    """What a stream has no words for is only closed."""
    message = {"role": "assistant", "content": [{"searchResult": {}}]}
    provider.replies["*"] = {"output": {"message": message}}
    kinds = [kind for kind, _ in stream(provider)]

    assert kinds == ["messageStart", "contentBlockStop", "messageStop", "metadata"]


def test_a_completion_of_openais_is_translated(provider):
    """A whole reply in OpenAI's shape keeps its message, finish and usage."""
    provider.replies["*"] = {
        "choices": [{"message": {"content": "half"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    answer = converse(provider)

    assert content_of(answer) == [{"text": "half"}]
    assert answer["stopReason"] == "max_tokens"
    assert answer["usage"]["totalTokens"] == 4


def test_tiers_are_echoed(provider):
    """The service tier and latency that were asked for are named in the answer."""
    asked = {"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}}
    metadata = dict(stream(provider, **asked))["metadata"]

    assert {name: converse(provider, **asked)[name] for name in asked} == asked
    assert {name: metadata[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        ("amazon.titan-embed-text-v1", {"inputText": "a b"}, 1536),
        ("amazon.titan-embed-text-v2:0", {"inputText": "a b", "dimensions": 256}, 256),
        ("amazon.titan-embed-image-v1", {"inputImage": "iVBORw0KGgo="}, 1024),
    ],
)
def test_titan_embeddings(provider, model, body, size):
    """One text or image makes one vector, in the model's size."""
    reply = post(provider, body, path_of(model, "invoke"))
    answer = reply.json()
    tokens = len(body.get("inputText", "").split())

    assert len(answer["embedding"]) == size
    assert answer["inputTextTokenCount"] == tokens
    assert reply.headers["x-amzn-bedrock-input-token-count"] == str(tokens)


def test_titan_embeddings_by_type(provider):
    """The second Titan also gives bits, and only the kinds that were asked for."""
    path = path_of("amazon.titan-embed-text-v2:0", "invoke")
    plain = post(provider, {"inputText": "a"}, path).json()
    bits = post(provider, {"inputText": "a", "embeddingTypes": ["binary"]}, path).json()

    assert plain["embeddingsByType"] == {"float": plain["embedding"]}
    assert set(bits["embeddingsByType"]["binary"]) == {0, 1}
    assert "embedding" not in bits


def test_cohere_embeddings(provider):
    """Several texts make several vectors: a plain list, or by kind."""
    body = {"texts": ["a", "b"], "input_type": "search_document"}
    v3, v4 = (path_of(f"cohere.embed-{name}", "invoke") for name in ("english-v3", "v4:0"))
    plain = post(provider, body, v3).json()
    kinds = post(provider, {**body, "embedding_types": ["float"]}, v3).json()
    small = post(provider, {**body, "output_dimension": 256}, v4).json()

    assert [len(vector) for vector in plain["embeddings"]] == [1024, 1024]
    assert plain["response_type"] == "embeddings_floats"
    assert kinds["embeddings"] == {"float": plain["embeddings"]}
    assert kinds["response_type"] == "embeddings_by_type"
    assert [len(vector) for vector in small["embeddings"]["float"]] == [256, 256]
