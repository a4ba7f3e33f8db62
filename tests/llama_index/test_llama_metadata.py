"""What LlamaIndex plans with: limits and capabilities over all targets."""

from __future__ import annotations

import logging

import pytest
from llama_index.core.base.llms.types import MessageRole

from genai_integrations import Connection, GenAIClient
from genai_integrations.llama_index import GenAI, use_params
from genai_integrations.models.catalog import model_info

FIELDS = {
    "context_window": 4000,
    "num_output": 123,
    "is_chat_model": False,
    "is_function_calling_model": False,
    "model_name": "mine",
    "system_role": MessageRole.CHATBOT,
}


def limit(model):
    """The price map's context window."""
    return model_info("openai", model)["max_input_tokens"]


def test_a_known_model(llm):
    """The price map's window, chat, and functions; the name as it was given."""
    metadata = llm.metadata

    assert metadata.context_window == limit("gpt-4o-mini")
    assert metadata.is_chat_model
    assert metadata.is_function_calling_model
    assert metadata.model_name == "gpt-4o-mini"
    assert metadata.num_output == -1
    assert llm.with_(max_tokens=77).metadata.num_output == 77


def test_the_weakest_target_decides():
    """The minimum of the windows and the AND of the capabilities, fallbacks included."""
    connections = [
        Connection.of("seoul", "openai", "sk-1"),
        Connection.of("usa", "openai", "sk-2"),
    ]
    fallbacks = [{"seoul/gpt-4.1": ["usa/gpt-3.5-turbo-16k"]}]
    client = GenAIClient(connections=connections, router_args={"fallbacks": fallbacks})

    metadata = GenAI("seoul/gpt-4.1", client=client).metadata

    assert metadata.context_window == limit("gpt-3.5-turbo-16k") < limit("gpt-4.1")
    assert not metadata.is_function_calling_model


def test_an_alias_is_what_it_stands_for(provider):
    """Not a model of 2048 tokens that cannot call functions."""
    connection = Connection.of("openai", "openai", "sk-1", f"{provider.url}/v1")
    aliases = {"fast": "gpt-4o-mini"}
    client = GenAIClient(connections=[connection], router_args={"model_group_alias": aliases})

    metadata = GenAI("fast", client=client).metadata

    assert metadata.context_window == limit("gpt-4o-mini")
    assert metadata.is_function_calling_model
    assert metadata.model_name == "fast"


def test_an_unknown_model_works_and_is_said_once(client, caplog, hello):
    """Chat, functions and 128k are assumed, with one warning for all uses."""
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            llm = GenAI("openai/a-model-of-my-own", client=client)
            metadata = llm.metadata
            assert llm.chat(hello).message.content

    assert metadata.context_window == 128_000
    assert metadata.is_function_calling_model
    warnings = [row.message for row in caplog.records if "a-model-of-my-own" in row.message]
    assert len(warnings) == 1
    assert "context_window=" in warnings[0]


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_can_be_overridden(llm, name):
    """What is said wins over what is known."""
    assert getattr(llm.with_(**{name: FIELDS[name]}).metadata, name) == FIELDS[name]


def test_nothing_is_looked_up_when_all_is_said():
    """With the window and functions given, no connection is read."""
    client = GenAIClient(connections=[])

    metadata = GenAI(client=client, context_window=9, is_function_calling_model=True).metadata

    assert metadata.context_window == 9


def test_it_is_cached_and_follows_changes(llm, monkeypatch):
    """The client is asked once for each model; a changed model or block is noticed."""
    asked = []
    profile = type(llm.client).profile
    monkeypatch.setattr(
        type(llm.client), "profile", lambda self, name: asked.append(name) or profile(self, name)
    )

    first = llm.metadata
    assert llm.metadata is first
    llm.model = "gpt-4.1"
    assert llm.metadata.context_window == limit("gpt-4.1")
    with use_params(model="gpt-4o-mini"):
        assert llm.metadata == first
    assert asked == ["gpt-4o-mini", "gpt-4.1"]


def test_a_call_looks_nothing_up(llm, hello, monkeypatch):
    """What callbacks are told of the LLM does not make the client read connections first."""
    monkeypatch.setattr(type(llm.client), "profile", None)

    assert llm.chat(hello).message.content == "provider says: Hello!"
    assert llm.to_payload()["model_name"] == "gpt-4o-mini"
