"""Experiments and rollouts through the client and both adapters: who answers, what is told, what is counted."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, Experiment, GenAIClient, Rollout
from genai_integrations.langchain import ChatGenAI, GenAIEmbeddings
from genai_integrations.llama_index import GenAI, GenAIEmbedding
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "Hello!"}]
TOLD = [ChatMessage(role="user", content="Hello!")]


@pytest.fixture
def client(provider):
    """A client whose rollout gives all calls to a new model, and whose experiment splits them."""
    row = Connection.of("home", "openai", "sk-example", f"{provider.url}/v1")
    args = {
        "num_retries": 0,
        "rollouts": [Rollout("smart", old="gpt-4o", new="gpt-5", steps=[1.0])],
        "experiments": [
            Experiment("ab", {"gpt-4o": 0.5, "gpt-4o-mini": 0.5}),
            Experiment("vectors", {"text-embedding-3-small": 1}),
        ],
    }
    with GenAIClient(connections=[row], router_args=args) as client:
        yield client


def langchains(message):
    """The variant that a message of LangChain's tells."""
    return message.response_metadata["route"]["variant"]


def llamas(response):
    """The variant that a response of LlamaIndex's tells."""
    return response.raw.route.variant.as_dict()


async def last(chunks):
    """The last one of an async stream."""
    found = None
    async for chunk in chunks:
        found = chunk
    return found


DOORS = {
    "client": lambda client, name, user: client.completion(
        name, HELLO, user=user
    ).route.variant.as_dict(),
    "client async": lambda client, name, user: asyncio.run(
        client.acompletion(name, HELLO, user=user)
    ).route.variant.as_dict(),
    "langchain": lambda client, name, user: langchains(
        ChatGenAI(name, client=client, user=user).invoke("Hello!")
    ),
    "langchain async": lambda client, name, user: langchains(
        asyncio.run(ChatGenAI(name, client=client).ainvoke("Hello!", user=user))
    ),
    "langchain stream": lambda client, name, user: langchains(
        list(ChatGenAI(name, client=client).stream("Hello!", user=user))[-1]
    ),
    "langchain config": lambda client, name, user: langchains(
        ChatGenAI(name, client=client).invoke("Hello!", {"metadata": {"user_id": user}})
    ),
    "llama": lambda client, name, user: llamas(GenAI(name, client=client, user=user).chat(TOLD)),
    "llama async": lambda client, name, user: llamas(
        asyncio.run(GenAI(name, client=client).achat(TOLD, user=user))
    ),
    "llama stream": lambda client, name, user: llamas(
        list(GenAI(name, client=client).stream_chat(TOLD, user=user))[-1]
    ),
}

each_door = pytest.mark.parametrize("door", DOORS)


@each_door
def test_a_caller_gets_the_same_variant_through_every_door(door, client):
    """By the user whom the call, the model or the config names."""
    found = [DOORS[door](client, "ab", user)["served"] for user in ("ann", "bob", "cho", "dan")]

    assert found == ["gpt-4o-mini", "gpt-4o", "gpt-4o-mini", "gpt-4o"]


@each_door
def test_a_rollout_counts_and_goes_back_through_every_door(door, client, provider):
    """The old model answers where the new one fails, and the second failure is enough."""
    provider.faults["gpt-5"] = Fault.status(500)
    told = [DOORS[door](client, "smart", "ann") for _ in range(3)]

    assert [(row["assigned"], row["served"]) for row in told] == [
        ("gpt-5", "gpt-4o"),
        ("gpt-5", "gpt-4o"),
        ("gpt-4o", "gpt-4o"),
    ]
    assert client.rollout("smart").state == "rolled_back"
    assert client.rollout("smart").new.failed == 2


def test_answers_of_both_frameworks_can_be_scored(client):
    """By what each has of the route."""
    track = client.rollout("smart")
    message = ChatGenAI("smart", client=client).invoke("Hello!")
    track.score(message.response_metadata["route"], 1.0)
    track.score(GenAI("smart", client=client).chat(TOLD).raw, 0.5)

    assert (track.new.scores, track.new.score) == (2, 0.75)


def test_embeddings_take_such_names(client):
    """In both frameworks."""
    made = GenAIEmbeddings("vectors", client=client), GenAIEmbedding("vectors", client=client)

    assert len(made[0].embed_query("a")) == len(made[1].get_text_embedding("a")) > 0


def test_llama_index_plans_with_all_that_may_answer(client):
    """The window of a name that stands for several models is that of the smallest."""
    assert GenAI("smart", client=client).metadata.context_window == 128_000
