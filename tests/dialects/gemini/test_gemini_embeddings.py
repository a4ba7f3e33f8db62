"""Embeddings by Google's three methods."""

from __future__ import annotations

import json

import pytest
from gemini_calls import GEMINI, call_of

from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import ConfigurationError, InvalidReplyError
from genai_integrations.transports.gemini.abilities import is_on_vertex
from genai_integrations.transports.reading import read_reply
from genai_integrations.transports.remedies.known import known


def embedding(model, provider="google-ai-studio", drop=True, **body):
    call = call_of(body, model, operation="embeddings", provider=provider, drop=drop)
    assert isinstance(call, WireCall)
    return call


def test_ai_studio_takes_many_at_once():
    """One text is a batch too; the model is named in each request, a hundred fit into one."""
    call = embedding("gemini-embedding-001", input=["a", "b"], dimensions=8, task_type="RETRIEVAL_QUERY")  # fmt: skip
    content = {"outputDimensionality": 8, "taskType": "RETRIEVAL_QUERY"}

    assert GEMINI.body(call) == {
        "requests": [
            {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, **content}
            for text in ("a", "b")
        ]
    }  # fmt: skip
    assert len(GEMINI.body(embedding("gemini-embedding-001", input="a"))["requests"]) == 1
    assert [row.batch for row in known(call.connection, call.model)] == [0, 100]


def test_vertex_predicts():
    """Task and title belong to each text, the rest to all."""
    call = embedding(
        "text-embedding-005", "vertex", input=["a", "b"],
        dimensions=8, task_type="RETRIEVAL_DOCUMENT", title="t", auto_truncate=False,
    )  # fmt: skip

    assert GEMINI.body(call) == {
        "instances": [
            {"content": "a", "task_type": "RETRIEVAL_DOCUMENT", "title": "t"},
            {"content": "b", "task_type": "RETRIEVAL_DOCUMENT", "title": "t"},
        ],
        "parameters": {"outputDimensionality": 8, "autoTruncate": False},
    }
    assert GEMINI.body(embedding("text-embedding-005", "vertex", input="a")) == {
        "instances": [{"content": "a"}]
    }
    assert [row.batch for row in known(call.connection, call.model)] == [0, 250]


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2-preview"])
def test_vertex_takes_one_text_for_geminis_embeddings(model):
    """Whichever method it is."""
    call = embedding(model, "vertex", input=["a"])

    assert [row.batch for row in known(call.connection, model)] == [0, 1]
    if model == "gemini-embedding-2-preview":
        assert GEMINI.body(call) == {"content": {"parts": [{"text": "a"}]}}


@pytest.mark.parametrize(
    ("model", "is_ours"),
    [
        ("gemini-2.5-flash", True),
        ("models/gemini-2.5-flash", True),
        ("gemini-embedding-001", True),
        ("text-embedding-005", True),
        ("text-multilingual-embedding-002", True),
        ("textembedding-gecko@003", True),
        ("claude-sonnet-4-5@20250929", False),
        ("multimodalembedding@001", False),
        ("meta/llama-3.1-405b-instruct-maas", False),
        ("text-embedding-3-small", True),
    ],
)
def test_whose_models_on_vertex(model, is_ours):
    """The others are Anthropic's, or LiteLLM translates."""
    assert is_on_vertex(model) is is_ours


def test_tokens_are_refused():
    """Google takes no tokens of another model's."""
    with pytest.raises(ConfigurationError, match="texts only, no tokens"):
        GEMINI.body(embedding("gemini-embedding-001", input=[1, 2]))


def test_what_google_lacks_is_left_out_if_it_may_be():
    """As with chats."""
    call = embedding("gemini-embedding-001", input="a", encoding_format="float", user="u")
    kept = embedding("gemini-embedding-001", drop=False, input="a", user="u")

    assert GEMINI.body(call)["requests"][0].keys() == {"model", "content"}
    assert GEMINI.body(kept)["requests"][0]["user"] == "u"


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        # https://github.com/vercel/ai/blob/cdc994ca/packages/google/src/__fixtures__/google-embedding-2-multimodal-batch.json
        ({"embeddings": [{"values": [1.0, 2.0]}, {"values": [3.0, 4.0]}], "usageMetadata": {"promptTokenCount": 12}}, {"prompt_tokens": 12, "total_tokens": 12}),
        ({"embeddings": [{"values": [1.0, 2.0]}, {"values": [3.0, 4.0]}]}, None),
        (
            {"predictions": [
                {"embeddings": {"values": [1.0, 2.0], "statistics": {"truncated": False, "token_count": 3}}},
                {"embeddings": {"values": [3.0, 4.0], "statistics": {"truncated": False, "token_count": 4.0}}},
            ], "metadata": {"billableCharacterCount": 11}},
            {"prompt_tokens": 7, "total_tokens": 7},
        ),
    ],
)  # fmt: skip
def test_vectors(answer, usage):
    """In the order of the texts, with what was counted."""
    call = embedding("gemini-embedding-001", input=["a", "b"])
    reply = read_reply(json.dumps(answer).encode(), GEMINI, call, ())

    assert [(row["index"], row["embedding"]) for row in reply["data"]] == [(0, [1.0, 2.0]), (1, [3.0, 4.0])]  # fmt: skip
    assert reply["object"] == "list"
    assert reply.get("usage") == usage


def test_one_vector():
    """Of `embedContent`."""
    body = {"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 2}}
    reply = read_reply(json.dumps(body).encode(), GEMINI, embedding("m", input="a"), ())

    assert reply["data"] == [{"object": "embedding", "index": 0, "embedding": [1.0]}]
    assert reply["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"embeddings": [{}]}'])
def test_no_vectors(body):
    """It is no answer."""
    with pytest.raises(InvalidReplyError):
        read_reply(body, GEMINI, embedding("m", input="a"), ())


@pytest.mark.parametrize(
    ("base", "model", "streamed", "path"),
    [
        (None, "gemini-2.5-flash", False, "/v1beta/models/gemini-2.5-flash:generateContent"),
        (None, "gemini-2.5-flash", True, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("https://gate.example/google/v1beta/", "models/gemini-2.5-flash", False, "/google/v1beta/models/gemini-2.5-flash:generateContent"),
        ("https://gate.example/v1", "tunedModels/mine-1", False, "/v1/tunedModels/mine-1:generateContent"),
        ("https://gate.example/v1alpha", "a/b c", False, "/v1alpha/models/a%2Fb%20c:generateContent"),
    ],
)  # fmt: skip
def test_addresses_of_ai_studio(base, model, streamed, path):
    """With and without the version in the base URL; the key is in a header, never in the address."""
    from genai_integrations import Connection

    connection = Connection.of("g", "google-ai-studio", "AIzaSyExampleExampleExample", base)
    endpoint = GEMINI.endpoint(connection, model, "chat/completions", streamed=streamed, pins=OriginPins())  # fmt: skip

    assert endpoint.path == path
    assert endpoint.headers["x-goog-api-key"] == "AIzaSyExampleExampleExample"
    assert "AIza" not in repr(endpoint)
