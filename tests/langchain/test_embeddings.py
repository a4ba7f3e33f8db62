"""Embeddings: batches, order, limits."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.errors import (
    BadRequestError,
    ConfigurationError,
    ContextWindowExceededError,
)
from genai_integrations.langchain import GenAIEmbeddings
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.embeddings import vector_of

TEXTS = [f"text number {number}" for number in range(10)]


@pytest.fixture(params=["sync", "async"])
def embed(request):
    """Embed documents in either way."""

    def embed(model, texts):
        if request.param == "sync":
            return model.embed_documents(texts)
        return asyncio.run(model.aembed_documents(texts))

    return embed


def test_order_and_batches(client, provider, embed):
    """Each vector is in its text's place, however many requests it took."""
    model = GenAIEmbeddings(client=client, chunk_size=3, dimensions=8, model_kwargs={"user": "kim"})
    vectors = embed(model, TEXTS)

    assert vectors == [vector_of(text, 8) for text in TEXTS]
    assert sorted(len(request.body["input"]) for request in provider.requests) == [1, 3, 3, 3]
    assert {request.body["user"] for request in provider.requests} == {"kim"}
    assert model.embed_query(TEXTS[0]) == vectors[0]
    assert asyncio.run(model.aembed_query(TEXTS[0])) == vectors[0]
    assert embed(model, []) == []


@given(
    st.lists(st.text(min_size=1, max_size=30), max_size=20), st.integers(1, 5), st.integers(1, 40)
)
def test_batches_are_whole_and_small(texts, size, limit):
    """No text is lost or moved; a batch beyond the limit is a single text."""
    batches = list(GenAIEmbeddings(chunk_size=size, max_chunk_tokens=limit)._batches(texts))

    assert [text for batch in batches for text in batch] == texts
    for batch in batches:
        guess = sum(len(text.encode(errors="replace")) // 2 + 1 for text in batch)
        assert len(batch) <= size
        assert guess <= limit or len(batch) == 1


def test_a_batch_that_is_too_long_is_halved(client, provider, embed):
    """The provider knows its limit best."""
    refused = Fault.status(400, code="context_length_exceeded")
    provider.faults["*"] = [refused, None]
    model = GenAIEmbeddings(client=client, dimensions=8)

    assert embed(model, TEXTS) == [vector_of(text, 8) for text in TEXTS]
    assert [len(request.body["input"]) for request in provider.requests] == [10, 5, 5]
    provider.faults["*"] = refused
    with pytest.raises(ContextWindowExceededError):
        embed(model, TEXTS[:2])


def test_a_failure_is_raised(client, provider, embed):
    """One batch that fails fails the call."""
    provider.faults["*"] = [None, Fault.status(400)]
    with pytest.raises(BadRequestError):
        embed(GenAIEmbeddings(client=client, chunk_size=4, max_concurrency=1), TEXTS)


def test_empty_texts_are_refused_by_their_place(client, embed):
    """The error names the text."""
    with pytest.raises(ConfigurationError, match=r"texts\[1\]"):
        embed(GenAIEmbeddings(client=client), ["a", ""])
    with pytest.raises(ConfigurationError, match=r"texts\[0\]"):
        GenAIEmbeddings(client=client).embed_query("")


def test_a_progress_bar(client, capsys):
    """Only where it is wanted."""
    GenAIEmbeddings(client=client).embed_documents(TEXTS)
    assert capsys.readouterr().err == ""
    GenAIEmbeddings(client=client, show_progress_bar=True).embed_documents(TEXTS)
    assert "10/10" in capsys.readouterr().err


def test_copies_keep_their_client(client):
    """Pickled and copied, it asks the same client."""
    model = GenAIEmbeddings("text-embedding-3-large", client=client, dimensions=4)
    for made in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.model_copy()):
        assert made.client is client
        assert made.embed_query("a") == model.embed_query("a")
