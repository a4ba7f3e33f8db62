"""A key goes to the address of its connection, and nobody else is asked for anything."""

from __future__ import annotations

import contextlib
import socket

import httpx
import pytest
from places import ONE_OF_EACH, PLACES, QUESTION, TWO_WAYS

from genai_integrations.errors import ConfigurationError, GenAIError, UntrustedHostError
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.litellm.loading import litellm_module

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]


@pytest.fixture
def outside(monkeypatch):
    """Addresses and URLs beyond loopback that somebody asked for."""
    asked = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **options):
        if host not in {"127.0.0.1", "localhost", "::1", None}:
            asked.append(host)
            raise socket.gaierror(f"{host} is outside")
        return resolve(host, *args, **options)

    def get(url, *args, **options):
        asked.append(str(url))
        raise httpx.ConnectError("outside")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpx, "get", get)
    return asked


@TWO_WAYS
def test_nobody_else_is_asked(place, ask, make_client, connect, outside):
    """No list of headers, prices or models is fetched, whatever a call uses."""
    litellm_module()
    from litellm import anthropic_beta_headers_manager as manager

    assert manager._BETA_HEADERS_CONFIG, "read with the import, or a later call fetches it"
    client = make_client(connect(place))
    tool = {
        "type": "function",
        "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
    }
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    seen = [{"role": "user", "content": [{"type": "text", "text": "see"}, picture]}]
    model = f"abroad/{place.model}"
    ask(client, model)
    ask(client, model, tools=[tool], tool_choice="required")
    ask(client, model, seen)
    if "nova" not in place.model:
        ask(client, model, response_format=wanted)
        ask(client, model, reasoning_effort="low", max_tokens=4000)

    assert outside == []


@TWO_WAYS
def test_a_picture_by_its_address_is_not_fetched_from_inside(make_client, connect, ask, home):
    """An address in a message must not make this machine ask a metadata service or the intranet."""
    client = make_client(connect("google-ai-studio"), connect("bedrock", "aws"))
    for model in ("abroad/gemini-2.5-flash", f"aws/{PLACES['bedrock claude'].model}"):
        for url in (f"{home.url}/secret.png", "http://169.254.169.254/latest/meta-data/x.png"):
            picture = {"type": "image_url", "image_url": {"url": url}}
            message = {"role": "user", "content": [{"type": "text", "text": "see"}, picture]}
            with contextlib.suppress(GenAIError):
                ask(client, model, [message])

    assert not home.requests


@TWO_WAYS
@pytest.mark.parametrize("where", ["", "http://127.0.0.1:9/"])
def test_redirects_are_not_followed(place, model, ask, make_client, connect, abroad, home, where):
    """A key goes to the address of its connection and nowhere else."""
    url = f"{home.url}/stolen" if where else ""
    abroad.faults[place.model] = Fault.redirect(url)
    client = make_client(connect(place))

    with pytest.raises(GenAIError, match="redirect"):
        ask(client, model)

    assert not home.requests
    assert not any(request.path.startswith("/elsewhere") for request in abroad.requests)


@TWO_WAYS
@pytest.mark.parametrize("provider", ["anthropic", "google-ai-studio", "bedrock", "vertex"])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://[fd00:ec2::254]/", "http://100.100.100.200"]
)
def test_metadata_addresses_are_refused(url, provider, make_client, connect, ask):
    """No provider lives there."""
    model = next(place.model for place in PLACES.values() if place.provider == provider)

    with pytest.raises(UntrustedHostError):
        ask(make_client(connect(provider, url=url)), f"abroad/{model}")


@TWO_WAYS
@ONE_OF_EACH
def test_a_name_that_leads_to_metadata_is_refused(
    place, model, ask, make_client, connect, monkeypatch
):
    """What counts is the address that a name has when the connection is made."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        if host == "provider.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]
        return resolve(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = make_client(connect(place, url="http://provider.example:81"))

    with pytest.raises(UntrustedHostError):
        ask(client, model)


@TWO_WAYS
@ONE_OF_EACH
def test_a_key_stays_with_its_host(place, model, ask, make_client, connect, abroad, home):
    """The second connection with the same key and another host is refused."""
    first, second = connect(place), connect(place, "other", url=home.url)
    client = make_client(first, second)
    ask(client, model)

    with pytest.raises(UntrustedHostError):
        ask(client, f"other/{place.model}")

    assert not home.requests


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "api_base", "aws_secret_access_key", "aws_bedrock_runtime_endpoint",
        "vertex_credentials", "aws_external_id", "vertex_ai_project", "vertex_ai_location",
        "vertex_ai_credentials", "litellm_credential_name", "use_litellm_proxy",
    ],
)  # fmt: skip
def test_a_call_may_not_redirect_a_key(name, make_client, connect, abroad):
    """LiteLLM's own names for keys and addresses are refused as OpenAI's are."""
    client = make_client(connect("anthropic", dialect="litellm"))

    with pytest.raises(ConfigurationError):
        client.completion("abroad/claude-sonnet-4-5", QUESTION, **{name: "http://127.0.0.1:9"})

    assert not abroad.requests
