"""Whole calls to the Responses API: by a connection, by what is known, by what was learnt; of OpenAI and Azure."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from responses_support import HELLO, OPENAI

from genai_integrations import Connection, GenAIClient
from genai_integrations.connections.origins import OriginPins
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.transports.openai.responses.address import open_endpoint

AZURES_WORDS = "The chatCompletion operation does not work with the specified model, {model}. Please choose different model and try again."  # fmt: skip


@pytest.fixture
def server():
    """OpenAI."""
    with ScriptedProvider("openai") as provider:
        yield provider


@pytest.fixture
def client_of():
    """Make a client of one connection."""
    clients = []

    def make(url, provider="openai", dialect=None):
        connection = Connection.of("c", provider, "sk-example", url, dialect=dialect)
        clients.append(GenAIClient(connections=[connection], router_args={"num_retries": 0}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_go_on(server, client_of, stream):
    """A conversation that nobody stores is taken up again with what was thought, streamed or whole."""
    client = client_of(f"{server.url}/v1", dialect="responses")
    server.replies["*"] = {"reasoning_content": "hm", "content": "ok"}
    answer = client.completion("c/gpt-5", HELLO, store=False, stream=stream)
    if stream:
        kept = [chunk.choices[0].delta.get("provider_specific_fields") for chunk in answer if chunk.choices]  # fmt: skip
        message = {"role": "assistant", "content": "ok", "provider_specific_fields": kept[-1]}
    else:
        message = answer.choices[0].message
    again = client.completion("c/gpt-5", [*HELLO, message, *HELLO], store=False)

    sent = server.requests[-1].body
    assert [item.get("type") for item in sent["input"]] == [None, "reasoning", "message", None]
    assert len(again.route.attempts) == 1


def test_another_accounts_thoughts(server, client_of):
    """They are refused, and what was said goes on without; its own thoughts this account gets the next time too."""
    client = client_of(f"{server.url}/v1", dialect="responses")
    server.replies["*"] = {"reasoning_content": "hm", "content": "ok"}
    own = client.completion("c/gpt-5", HELLO, store=False).choices[0].message.model_dump()
    foreign = {**own, "provider_specific_fields": {"output_items": [
        {**own["provider_specific_fields"]["output_items"][0], "encrypted_content": "gAAAAelsewhere"},
        own["provider_specific_fields"]["output_items"][1],
    ]}}  # fmt: skip

    reply = client.completion("c/gpt-5", [*HELLO, foreign, *HELLO], store=False)
    client.completion("c/gpt-5", [*HELLO, own, *HELLO], store=False)

    assert [attempt.outcome for attempt in reply.route.attempts] == ["BadRequestError", "ok"]
    assert reply.route.attempts[1].restated == ("without another account's thoughts",)
    assert server.requests[-2].body["input"] == [*HELLO, {"role": "assistant", "content": "ok"}, *HELLO]  # fmt: skip
    assert server.requests[-1].body["input"][1]["type"] == "reasoning"


@pytest.mark.parametrize(
    ("provider", "base", "paths"),
    [
        ("openai", "/v1", ["/v1/chat/completions", "/v1/responses", "/v1/responses"]),
        (
            "azure",
            "/openai",
            [
                "/openai/deployments/gpt-5.1-codex/chat/completions",
                "/openai/v1/responses",
                "/openai/v1/responses",
            ],
        ),
    ],
)
def test_what_was_learnt_leads_there(server, client_of, provider, base, paths):
    """A refusal that says so, once; the next call knows."""
    server.faults["gpt-5.1-codex"] = [
        Fault.status(400, message=AZURES_WORDS.format(model="gpt-5.1-codex")),
        None,
    ]
    client = client_of(f"{server.url}{base}", provider)
    first = client.completion("c/gpt-5.1-codex", HELLO)
    client.completion("c/gpt-5.1-codex", HELLO)

    assert first.route.attempts[-1].restated == ("by /v1/responses",)
    assert [request.path for request in server.requests] == paths


@pytest.mark.parametrize(
    ("fields", "dialect", "flag"),
    [
        ({}, None, False),
        ({"use_responses_api": True}, "responses", True),
        ({"dialect": "responses"}, "responses", True),
        ({"dialect": "litellm", "use_responses_api": True}, "litellm", False),
    ],
)
def test_two_names_for_one_thing(fields, dialect, flag):
    """The flag that LiteLLM and LangChain know is the dialect; a dialect that is named wins."""
    plain = Connection.of("c", "openai", "sk-example")
    connection = dataclasses.replace(plain, **fields)
    back = dataclasses.replace(connection, dialect="openai")

    assert (connection.dialect, connection.use_responses_api) == (dialect, flag)
    assert (back.dialect, back.use_responses_api) == ("openai", False)


def test_embeddings_stay_where_they_are(server, client_of):
    """Only chat has another API."""
    client = client_of(f"{server.url}/v1", dialect="responses")

    assert client.embedding("c/text-embedding-3-small", "hi")["data"][0]["embedding"]
    assert server.requests[-1].path == "/v1/embeddings"


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        ("https://r.openai.azure.com", None, "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com/openai", None, "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com/openai/v1/", None, "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com/openai/v1?api-version=preview", None, "https://r.openai.azure.com/openai/v1/responses?api-version=preview"),
        ("https://r.openai.azure.com/openai/deployments/x", None, "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com", "2025-04-01-preview", "https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview"),
        ("https://r.openai.azure.com/openai?api-version=2025-03-01-preview", None, "https://r.openai.azure.com/openai/responses?api-version=2025-03-01-preview"),
        ("https://r.openai.azure.com", "2024-10-21", "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com", "preview", "https://r.openai.azure.com/openai/v1/responses"),
    ],
)  # fmt: skip
def test_azures_addresses(base, version, url):
    """The one without a date, unless a date was chosen that has the API."""
    connection = Connection.of("c", "azure", "k-example", base, dialect="responses")
    connection = dataclasses.replace(connection, api_version=version)
    endpoint = open_endpoint(connection, "gpt-5", OriginPins())

    assert endpoint.url == url
    assert endpoint.headers["api-key"] == "k-example"


def test_openais_address():
    """Beside the others."""
    endpoint = open_endpoint(OPENAI, "gpt-5", OriginPins())

    assert endpoint.url == "https://api.openai.com/v1/responses"
    assert endpoint.headers["authorization"] == "Bearer sk-example"


FIRST_CALL = """
import sys
from genai_integrations import Connection, GenAIClient
connection = Connection.of("c", "openai", "sk-example", sys.argv[1], dialect="responses")
with GenAIClient(connections=[connection]) as client:
    print(client.completion("c/gpt-4.1", [{"role": "user", "content": "hi"}]).choices[0].message.content)
    print([name for name in ("litellm", "openai", "pydantic", "httpx") if name in sys.modules])
"""


def test_a_first_call_loads_nothing_heavy(server):
    """Neither LiteLLM nor OpenAI's SDK."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALL, f"{server.url}/v1"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["openai says: hi", "[]"]
