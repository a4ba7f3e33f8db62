"""What the end of an error's line says to do, and how a call tells that its whole time is up."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.connections.connection import IN_LANGFUSE
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    CallError,
    InvalidReplyError,
    NotFoundError,
    RequestTimeoutError,
    StreamInterruptedError,
)
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.advice import next_step

QUESTION = [{"role": "user", "content": "one two three four five six"}]


async def _acall(client, stream, **params):
    found = await client.acompletion("gpt-4o", QUESTION, stream, **params)
    return [chunk async for chunk in found] if stream else found


def _call(client, stream, **params):
    found = client.completion("gpt-4o", QUESTION, stream, **params)
    return list(found) if stream else found


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Make a call in a thread or in a loop, and read all of a stream."""
    if request.param == "sync":
        return _call
    return lambda *args, **params: asyncio.run(_acall(*args, **params))


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_is_called_one(call, stream, make_client, seoul):
    """A call whose time is up says so, whatever it was waiting for."""
    client = make_client(seoul, num_retries=0)
    call(client, stream)  # so that nothing is left to be imported
    seoul.faults["*"] = Fault.hang()

    with pytest.raises(RequestTimeoutError, match=r"^seoul/gpt-4o: the deadline has passed$"):
        call(client, stream, deadline=0.2)


def test_a_deadline_in_a_stream(call, make_client, seoul):
    """It is not the stream that stalled."""
    seoul.faults["*"] = Fault.stall(1)

    with pytest.raises(StreamInterruptedError, match=r"first content: the deadline has passed$"):
        call(make_client(seoul, num_retries=0), True, deadline=0.3)


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_is_none(call, stream, make_client, seoul):
    """One attempt's time is told in seconds."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, num_retries=0)

    with pytest.raises(RequestTimeoutError, match=r"^seoul/gpt-4o: no answer within 0\.2 s$"):
        call(client, stream, timeout=0.2, stream_timeout=0.2, deadline=30)


OWN = "http://llm.example"


def connection(base_url=None, provider="openai", **fields):
    return Connection("seoul", PROVIDERS[provider], Secret("sk"), base_url, **fields)


@pytest.mark.parametrize(
    ("error", "owner", "told"),
    [
        (AuthenticationError("no"), connection(key_from="OPENAI_API_KEY"), "correct OPENAI_API_KEY"),
        (AuthenticationError("no"), connection(key_from=IN_LANGFUSE), "correct Langfuse (Settings, LLM Connections)"),
        (AuthenticationError("no"), connection(), "correct the key of connection 'seoul'"),
        (APIConnectionError("no", address="h:1"), connection(), "check the network, and HTTPS_PROXY if there is a proxy"),
        (APIConnectionError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", address="h:1"), connection(OWN), "to trust a certificate of your own or of your company, name its file in SSL_CERT_FILE"),
        (APIConnectionError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", address="h:1"), connection(OWN), None),
        (APIConnectionError("no", address="h:1"), connection(OWN), "is a server running there? Its address is in the base URL of connection 'seoul'"),
        (APIConnectionError("it broke"), connection(OWN), None),
        (NotFoundError("Not Found"), connection(OWN, address_from="OPENAI_BASE_URL"), "is /v1 missing at the end of OPENAI_BASE_URL?"),
        (InvalidReplyError("no choices"), connection(f"{OWN}/x"), "is /v1 missing at the end of the base URL of connection 'seoul'?"),
        (NotFoundError("the model 'm' is not there"), connection(OWN), None),
        (NotFoundError("Not Found"), connection(f"{OWN}/v1"), None),
        (NotFoundError("Not Found"), connection(f"{OWN}/api/v2/x"), None),
        (NotFoundError("Not Found"), connection(), None),
        (NotFoundError("Not Found"), connection(OWN, "anthropic"), None),
        (CallError("no"), connection(OWN), None),
    ],
)  # fmt: skip
def test_next_steps(error, owner, told):
    """Where error and connection tell together; and nothing where they do not."""
    assert next_step(error, owner, "m") == told


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://me:pw@p:9", "p:9"])
def test_a_proxy_that_does_not_answer(monkeypatch, variable, proxy):
    """It is corrected where it is named: a base URL has nothing to do with it. What NO_PROXY excepts is reached itself."""
    monkeypatch.setenv(variable, proxy)
    monkeypatch.setenv("NO_PROXY", "near.example")

    told = next_step(APIConnectionError("no", address="p:9"), connection(OWN), "m")
    near = next_step(
        APIConnectionError("no", address="near.example:80"), connection("http://near.example"), "m"
    )

    assert (
        told == "that is the proxy: correct HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY"
    )
    assert near == "is a server running there? Its address is in the base URL of connection 'seoul'"


def test_a_proxy_on_the_way_to_a_providers_own_address(monkeypatch):
    """The same for who gave no base URL."""
    monkeypatch.setenv("HTTPS_PROXY", "http://p:9")

    told = next_step(APIConnectionError("no", address="p:9"), connection(), "m")

    assert (
        told == "that is the proxy: correct HTTPS_PROXY or ALL_PROXY, or name the host in NO_PROXY"
    )


def test_where_it_stands(make_client, seoul):
    """At the end of the line, in each attempt, by itself, and in what is recorded."""
    seoul.faults["*"] = Fault.unauthorized()
    client = make_client(seoul, num_retries=1, fallbacks=[{"gpt-4o": ["gpt-4o-mini"]}])

    with pytest.raises(AllTargetsFailedError) as caught:
        client.completion("gpt-4o", QUESTION)

    first = caught.value.attempts[0]
    assert first.next_step == "correct the key of connection 'seoul'"
    assert str(first).endswith(": correct the key of connection 'seoul'")
    assert first.recorded().endswith(": correct the key of connection 'seoul'")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OPENAI_BASE_URL": "llm.example/v1"}, "without http:// or https:// in front: correct OPENAI_BASE_URL"),
        ({"OPENAI_API_BASE": "ftp://llm.example"}, "that is not a plain http(s) address: correct OPENAI_API_BASE"),
    ],
)  # fmt: skip
def test_an_address_from_a_variable(monkeypatch, variables, message):
    """It is corrected in that variable, not in Langfuse."""
    for name, value in {"OPENAI_API_KEY": "sk-x", **variables}.items():
        monkeypatch.setenv(name, value)

    with GenAIClient() as client:
        told = client.check("openai").error

    assert str(told) == f"connection 'openai' has a base URL {message}"


def test_what_resolves_to_nobody_has_the_error_of_a_call(seoul):
    """The same error, and the explanation begins with it."""
    listed = Connection.of("usa", "openai", "sk", seoul.url, custom_models=["gpt-4o"])
    with GenAIClient(connections=[listed]) as client:
        found = client.resolve("gtp-4o")
        with pytest.raises(type(found.error)) as caught:
            client.completion("gtp-4o", QUESTION)

    assert str(caught.value) == str(found.error)
    assert found.explain().splitlines()[0] == (
        "No connection serves 'gtp-4o'; did you mean 'gpt-4o', 'usa/gpt-4o'? Connections: usa."
    )
