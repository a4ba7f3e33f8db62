"""`GenAIEmbedding`: real async, batches, parameters for queries and documents, usage, fallback."""

from __future__ import annotations

import asyncio
import threading

import pytest
from llama_index.core.schema import TextNode
from llama_index.core.storage.kvstore import SimpleKVStore

from genai_integrations.errors import BadRequestError
from genai_integrations.llama_index import EmbeddingUsage, GenAIEmbedding
from genai_integrations.testing.faults import Fault

TEXTS = [f"text {number}" for number in range(5)]


@pytest.fixture
def embedding(client):
    """Vectors of eight numbers, two texts to a request."""
    return GenAIEmbedding(client=client, dimensions=8, embed_batch_size=2)


def test_every_way_gives_the_same_vectors(embedding):
    """One text, many, sync and async, in the order of the texts."""

    async def embedded():
        return [
            await embedding.aget_text_embedding(TEXTS[0]),
            await embedding.aget_text_embedding_batch(TEXTS),
            await embedding.aget_query_embedding(TEXTS[0]),
        ]

    one, many, query = asyncio.run(embedded())

    assert (
        one
        == embedding.get_text_embedding(TEXTS[0])
        == query
        == embedding.get_query_embedding(TEXTS[0])
    )
    assert many == embedding.get_text_embedding_batch(TEXTS)
    assert many[0] == one
    assert len(many) == 5
    assert len(one) == 8


def test_texts_go_in_batches(embedding, provider):
    """Each batch is one request, sync and async."""
    embedding.get_text_embedding_batch(TEXTS)
    asyncio.run(embedding.aget_text_embedding_batch(TEXTS))

    inputs = [row.body["input"] for row in provider.requests]
    assert inputs[:3] == [TEXTS[:2], TEXTS[2:4], TEXTS[4:]]
    assert sorted(inputs[3:]) == sorted(inputs[:3])
    assert embedding.get_text_embedding_batch([]) == []


def test_batches_are_embedded_at_once(embedding, provider):
    """No request waits for another: all of them arrive while all of them hang."""
    release = threading.Event()
    provider.faults["*"] = Fault.drip(release)

    async def embedded():
        task = asyncio.create_task(embedding.aget_text_embedding_batch(TEXTS))
        await asyncio.to_thread(provider.wait_for_requests, 3)
        release.set()
        return await task

    assert len(asyncio.run(embedded())) == 5


@pytest.mark.parametrize("workers", [None, 2])
def test_workers_and_progress(embedding, capfd, workers):
    """`num_workers` and `show_progress` work as for every embedding."""
    own = embedding.with_(num_workers=workers)

    vectors = asyncio.run(own.aget_text_embedding_batch(TEXTS, show_progress=True))

    assert vectors == own.get_text_embedding_batch(TEXTS, show_progress=True)
    assert "Generating embeddings" in capfd.readouterr().err


def test_queries_and_documents_have_parameters_of_their_own(client, provider):
    """As models with two kinds of vectors need; what is common goes to both."""
    embedding = GenAIEmbedding(
        client=client,
        query_kwargs={"user": "query", "dimensions": 4},
        document_kwargs={"user": "document"},
        additional_kwargs={"dimensions": 8},
    )

    assert len(embedding.get_query_embedding("a")) == 4
    assert len(embedding.get_text_embedding("a")) == 8
    assert len(asyncio.run(embedding.aget_query_embedding("a"))) == 4
    assert len(asyncio.run(embedding.aget_text_embedding_batch(["a"]))[0]) == 8
    assert [row.body["user"] for row in provider.requests] == ["query", "document"] * 2


def test_packed_vectors_are_numbers(embedding):
    """As some servers send them unasked; they are the vectors that come unpacked, in 32 bits."""
    packed = embedding.with_(additional_kwargs={"encoding_format": "base64"})

    vectors = packed.get_text_embedding_batch(TEXTS)

    for vector, plain in zip(vectors, embedding.get_text_embedding_batch(TEXTS), strict=True):
        assert vector == pytest.approx(plain)


def test_usage_is_counted(embedding):
    """Requests, tokens and dollars since it was made."""
    embedding.get_text_embedding_batch(TEXTS)
    asyncio.run(embedding.aget_query_embedding("three more words"))

    assert embedding.usage.requests == 4
    assert embedding.usage.total_tokens == 13
    assert embedding.usage.cost == pytest.approx(13 * 0.02e-6)
    assert embedding.with_().usage == EmbeddingUsage()


def test_another_target_answers(pair, provider):
    """With the names and fallbacks of the client."""
    provider.faults["*"] = Fault.status(500)
    embedding = GenAIEmbedding("seoul/text-embedding-3-small", client=pair, max_retries=0)
    with pytest.raises(Exception, match="seoul"):
        embedding.get_text_embedding("a")
    own = embedding.with_(model_name="seoul/gpt-4o")

    assert len(own.get_text_embedding("a")) == 1536
    assert asyncio.run(own.aget_text_embedding("a")) == own.get_text_embedding("a")


def test_errors_are_those_of_the_package(embedding, provider):
    """Sync and async."""
    provider.faults["*"] = Fault.bad_request()

    with pytest.raises(BadRequestError):
        embedding.get_text_embedding("a")
    with pytest.raises(BadRequestError):
        asyncio.run(embedding.aget_text_embedding_batch(TEXTS))


def test_a_cache_saves_requests(embedding, provider):
    """LlamaIndex's `embeddings_cache` is used."""
    own = embedding.with_(embeddings_cache=SimpleKVStore())

    first = own.get_text_embedding_batch(TEXTS)

    assert own.get_text_embedding_batch(TEXTS) == first
    assert len(provider.requests) == 3


def test_it_is_a_step_of_a_pipeline(embedding):
    """Nodes get their vectors, sync and async."""
    nodes = [TextNode(text="a"), TextNode(text="b")]

    assert all(len(node.embedding) == 8 for node in embedding(nodes))
    assert all(len(node.embedding) == 8 for node in asyncio.run(embedding.acall(nodes)))


def test_ten_event_loops_one_after_the_other(embedding):
    """Each `asyncio.run` works."""
    vectors = [asyncio.run(embedding.aget_query_embedding("a")) for _ in range(10)]

    assert vectors == [vectors[0]] * 10


def test_the_models_name(client):
    """By either name, with a default."""
    assert GenAIEmbedding(client=client).model == "text-embedding-3-small"
    assert GenAIEmbedding("a/b", client=client).model_name == "a/b"
    assert GenAIEmbedding(model_name="a/b", client=client).model == "a/b"
