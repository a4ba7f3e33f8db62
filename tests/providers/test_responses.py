"""A connection with `useResponsesApi` calls OpenAI's Responses API, and nobody above notices."""

from __future__ import annotations

import dataclasses
import json

import pytest

from genai_integrations import Connection
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.errors import AuthenticationError, StreamInterruptedError
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

QUESTION = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "one two"}]


@pytest.fixture
def server():
    """OpenAI with the recorded key."""
    with ScriptedProvider("responses", api_keys={"sk-proj-golden-resp"}) as provider:
        yield provider


@pytest.fixture
def client(make_client, postgres, golden_connections, server):
    """The recorded row, led to the server."""
    keys = [golden_connections["ENCRYPTION_KEY"]]
    store = LangfuseStore(postgres.url, keys, project_id=lambda: "lab-project")
    (row,) = store.load(["openai_responses"])
    assert isinstance(row, Connection)
    return make_client(dataclasses.replace(row, base_url=f"{server.url}/v1"))


def test_the_recorded_connection_makes_a_call(client, ask, server):
    """It arrives at `/responses` with the key, and the answer has the shape of a chat completion."""
    answer = ask(client, "openai_responses/gpt-4o", QUESTION)

    assert answer.text == "responses says: one two"
    assert answer.finish == "stop"
    (request,) = server.requests
    assert request.path == "/v1/responses"
    assert request.headers["authorization"] == "Bearer sk-proj-golden-resp"


def test_a_function_call(client, ask, server):
    """It comes back as a tool call."""
    server.replies["gpt-4o"] = {"tool_calls": [{"name": "add", "arguments": {"a": 1}}]}

    (call,) = ask(client, "openai_responses/gpt-4o", QUESTION).message["tool_calls"]

    assert call["function"]["name"] == "add"
    assert json.loads(call["function"]["arguments"]) == {"a": 1}


def test_a_refused_key(client, ask, server):
    """It is told as anywhere else."""
    server.api_keys = {"another"}

    with pytest.raises(AuthenticationError):
        ask(client, "openai_responses/gpt-4o", QUESTION)


def test_a_cut_stream(client, server):
    """Never a whole answer."""
    server.faults["gpt-4o"] = Fault.cut(2)

    with pytest.raises(StreamInterruptedError) as caught:
        list(client.completion("openai_responses/gpt-4o", QUESTION, stream=True))

    assert caught.value.partial_text == "responses says:"
