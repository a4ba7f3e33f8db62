"""Embeddings of translated providers go the guarded way too: LiteLLM would send some by a client of its own."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from genai_integrations.errors import GenAIError, RequestTimeoutError, UntrustedHostError
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.litellm.loading import litellm_module

EMBEDDERS = {
    "gemini": ("google-ai-studio", "gemini-embedding-001"),
    "vertex": ("vertex", "text-embedding-005"),
    "vertex gemini": ("vertex", "gemini-embedding-2-preview"),
    "titan": ("bedrock", "amazon.titan-embed-text-v2:0"),
}


@pytest.fixture(params=EMBEDDERS)
def embedder(request):
    """A provider, and a model of its own that embeds."""
    return EMBEDDERS[request.param]


@pytest.fixture(params=["sync", "async"])
def embed(request):
    """Embed a text in one of two ways."""

    def embed(client, model, **params):
        if request.param == "sync":
            return client.embedding(f"abroad/{model}", ["one"], **params)
        return asyncio.run(client.aembedding(f"abroad/{model}", ["one"], **params))

    return embed


def test_litellm_keeps_no_client(embedder, embed, make_client, connect, abroad):
    """Every request goes through ours, which closes what it opened."""
    kept = litellm_module().in_memory_llm_clients_cache.cache_dict
    before = set(kept)
    provider, model = embedder

    reply = embed(make_client(connect(provider)), model)

    assert reply.data[0].embedding
    assert set(kept) == before


def test_stored_headers_arrive(embedder, embed, make_client, connect, abroad):
    """As they do with chats."""
    provider, model = embedder
    connection = replace(connect(provider), extra_headers=Secret('{"x-team": "blue"}'))

    embed(make_client(connection), model)

    assert abroad.requests[-1].headers["x-team"] == "blue"


@pytest.mark.parametrize("inside", [False, True])
def test_redirects_are_not_followed(inside, embedder, embed, make_client, connect, abroad, home):
    """A key goes to the address of its connection and nowhere else."""
    provider, model = embedder
    abroad.faults[model] = Fault.redirect("" if inside else f"{home.url}/stolen")

    with pytest.raises(GenAIError, match="redirect"):
        embed(make_client(connect(provider)), model)

    assert not home.requests


def test_a_name_that_leads_to_metadata_is_refused(
    embedder, embed, make_client, connect, monkeypatch
):
    """What counts is the address that a name has when the connection is made."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        if host == "provider.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]
        return resolve(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    provider, model = embedder

    with pytest.raises(UntrustedHostError):
        embed(make_client(connect(provider, url="http://provider.example:81")), model)


def test_an_error_is_the_providers(embedder, embed, make_client, connect, abroad):
    """With its status and its words, not LiteLLM's."""
    provider, model = embedder
    abroad.faults[model] = Fault.status(503, message="come back later")

    with pytest.raises(GenAIError, match="come back later") as caught:
        embed(make_client(connect(provider)), model)

    assert caught.value.status == 503
    assert caught.value.request_id


def test_a_hang_ends_when_we_say(embedder, embed, make_client, connect, abroad):
    """And the provider notices."""
    provider, model = embedder
    client = make_client(connect(provider))
    embed(client, model)
    abroad.faults[model] = Fault.hang()

    with pytest.raises(RequestTimeoutError):
        embed(client, model, timeout=0.4)

    assert abroad.requests[-1].disconnected.wait(5)


@pytest.mark.parametrize("embedder", ["gemini", "vertex"], indirect=True)
async def test_cancelling_hangs_up(embedder, make_client, connect, abroad):
    """Nobody pays for vectors that nobody waits for."""
    provider, model = embedder
    abroad.faults[model] = Fault.hang()
    client = make_client(connect(provider))
    task = asyncio.create_task(client.aembedding(f"abroad/{model}", "one"))
    number = 1
    while (await asyncio.to_thread(abroad.wait_for_requests, number))[-1].path == "/token":
        number += 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, 5)


def test_headers_of_a_call_arrive(embedder, embed, make_client, connect, abroad):
    """Beside the stored ones, which win."""
    provider, model = embedder
    connection = replace(connect(provider), extra_headers=Secret('{"x-team": "blue"}'))

    embed(make_client(connection), model, extra_headers={"x-team": "red", "x-other": "1"})

    sent = abroad.requests[-1].headers
    assert (sent["x-team"], sent["x-other"]) == ("blue", "1")
