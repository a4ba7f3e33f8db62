"""Embeddings by InvokeModel: each vendor's form, and the vectors in its answers."""

from __future__ import annotations

import pytest
from bedrock_data import CONNECTION

from genai_integrations.calls.wire import WireCall
from genai_integrations.errors import ConfigurationError, InvalidReplyError
from genai_integrations.transports.bedrock.dialect import BedrockDialect
from genai_integrations.transports.bedrock.embeddings import most_texts

TITAN = "amazon.titan-embed-text-v2:0"
PICTURE = "data:image/png;base64,iVBORw0KGgo="


def embedding(model, texts, *, drop_params=True, **params):
    """A call of an embedding model."""
    body = {"model": model, "input": texts, **params}
    return WireCall(CONNECTION, model, "embeddings", body, drop_params)


def sent(model, texts, **params):
    """The body that is sent."""
    return BedrockDialect().body(embedding(model, texts, **params))


@pytest.mark.parametrize(
    ("model", "texts", "params", "body"),
    [
        ("amazon.titan-embed-text-v1", "a", {}, {"inputText": "a"}),
        ("amazon.titan-embed-text-v1", "a", {"dimensions": 256}, {"inputText": "a"}),
        (TITAN, ["a"], {"dimensions": 256}, {"inputText": "a", "dimensions": 256}),
        (TITAN, ["a"], {"normalize": False, "encoding_format": "float"}, {"inputText": "a", "normalize": False}),
        (
            "amazon.titan-embed-image-v1", "a", {"dimensions": 384},
            {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 384}},
        ),
        ("amazon.titan-embed-image-v1", PICTURE, {}, {"inputImage": "iVBORw0KGgo="}),
        ("cohere.embed-english-v3", ["a", "b"], {}, {"texts": ["a", "b"], "input_type": "search_document"}),
        (
            "cohere.embed-english-v3", ["a"], {"input_type": "search_query", "truncate": "END"},
            {"texts": ["a"], "input_type": "search_query", "truncate": "END"},
        ),
        (
            "us.cohere.embed-v4:0", ["a"], {"dimensions": 512},
            {"texts": ["a"], "input_type": "search_document", "embedding_types": ["float"], "output_dimension": 512},
        ),
        (
            "cohere.embed-v4:0", [PICTURE], {},
            {"images": [PICTURE], "input_type": "search_document", "embedding_types": ["float"]},
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0", ["a"], {"dimensions": 1024},
            {
                "schemaVersion": "nova-multimodal-embed-v1",
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_INDEX",
                    "embeddingDimension": 1024,
                    "text": {"truncationMode": "END", "value": "a"},
                },
            },
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0", PICTURE, {"embeddingPurpose": "IMAGE_RETRIEVAL"},
            {
                "schemaVersion": "nova-multimodal-embed-v1",
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "IMAGE_RETRIEVAL",
                    "embeddingDimension": 3072,
                    "image": {
                        "format": "png",
                        "source": {"bytes": "iVBORw0KGgo="},
                        "detailLevel": "STANDARD_IMAGE",
                    },
                },
            },
        ),
        ("us.twelvelabs.marengo-embed-2-7-v1:0", "a", {"textTruncate": "end"}, {"inputType": "text", "inputText": "a", "textTruncate": "end"}),
        ("twelvelabs.marengo-embed-3-0-v1:0", "a", {}, {"inputType": "text", "text": {"inputText": "a"}}),
        (
            "twelvelabs.marengo-embed-3-0-v1:0", PICTURE, {},
            {"inputType": "image", "image": {"mediaSource": {"base64String": "iVBORw0KGgo="}}},
        ),
    ],
)  # fmt: skip
def test_requests(model, texts, params, body):
    """Sizes have a name of their own everywhere; the vendor's parameters go through."""
    assert sent(model, texts, **params) == body


@pytest.mark.parametrize(
    ("model", "answer", "vectors"),
    [
        (TITAN, {"embedding": [1.0], "embeddingsByType": {"float": [1.0]}, "inputTextTokenCount": 3}, [[1.0]]),
        (TITAN, {"embeddingsByType": {"binary": [1, 0]}, "inputTextTokenCount": 3}, [[1, 0]]),
        ("cohere.embed-english-v3", {"embeddings": [[1.0], [2.0]], "texts": ["a", "b"]}, [[1.0], [2.0]]),
        ("cohere.embed-v4:0", {"embeddings": {"float": [[1.0]]}}, [[1.0]]),
        ("twelvelabs.marengo-embed-3-0-v1:0", {"data": [{"embedding": [1.0]}]}, [[1.0]]),
        ("amazon.nova-2-multimodal-embeddings-v1:0", {"embeddings": [{"embeddingType": "TEXT", "embedding": [1.0]}]}, [[1.0]]),
    ],
)  # fmt: skip
def test_answers(model, answer, vectors):
    """Vectors in the order of the texts, with the tokens where they are told."""
    reply = BedrockDialect().reply(answer, embedding(model, "a"))

    assert [row["embedding"] for row in reply["data"]] == vectors
    assert [row["index"] for row in reply["data"]] == list(range(len(vectors)))
    assert reply["object"] == "list"
    assert reply.get("usage") == (
        {"prompt_tokens": 3, "total_tokens": 3} if "inputTextTokenCount" in answer else None
    )


@pytest.mark.parametrize("answer", [{}, [], None, {"embedding": []}, {"embeddings": {}}])
def test_answers_without_vectors(answer):
    """Are none."""
    for model in (TITAN, "cohere.embed-v4:0"):
        with pytest.raises(InvalidReplyError):
            BedrockDialect().reply(answer, embedding(model, "a"))


def test_what_has_no_form():
    """Tokens, several texts where one is taken, and models that nobody knows are told before anything is sent."""
    for model, texts in ((TITAN, [1, 2]), (TITAN, ["a", "b"]), ("amazon.nova-lite-v1:0", "a")):  # fmt: skip
        with pytest.raises(ConfigurationError):
            sent(model, texts)


def test_a_size_that_must_not_be_left_out():
    """Is sent for the model to refuse."""
    body = sent("amazon.titan-embed-text-v1", "a", dimensions=256, drop_params=("dimensions",))

    assert body == {"inputText": "a", "dimensions": 256}


@pytest.mark.parametrize(
    ("model", "most"),
    [(TITAN, 1), ("cohere.embed-english-v3", 96), ("anthropic.claude-3-haiku-20240307-v1:0", 0)],
)
def test_batches(model, most):
    """How many texts one request takes is known beforehand."""
    assert most_texts(model) == most
