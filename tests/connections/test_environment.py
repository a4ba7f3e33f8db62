"""Connections from environment variables."""

from __future__ import annotations

import json

import pytest

from genai_integrations.connections.connection import BrokenConnection
from genai_integrations.connections.credentials import (
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.connections.environment import EnvironmentStore, environment_connections
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import CredentialError

PAIR = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s3"}
REGION = {"AWS_REGION": "eu-west-1"}
ACCOUNT = {
    "type": "service_account",
    "project_id": "of-the-account",
    "private_key": "k",
    "client_email": "svc@example.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def only(environ):
    (connection,) = environment_connections(environ)
    return connection


def test_nothing_set_gives_nothing():
    """Without variables there are no connections, and blank ones count as unset."""
    assert environment_connections({}) == []
    assert environment_connections({"OPENAI_API_KEY": " ", "OLLAMA_HOST": ""}) == []


def test_every_provider_can_come_from_the_environment():
    """Whatever provider there is, one of its variables makes a connection of its name; a gateway is the only one."""
    for provider in PROVIDERS.values():
        if provider.name == "genai-gateway":
            continue
        names = provider.url_variables if provider.keyless else provider.key_variables
        variable = names[0]
        found = environment_connections({variable: "value"})
        assert [connection.name for connection in found] == [provider.name]


def test_a_key_and_an_address():
    """A key alone means the provider's own address; an address variable changes that."""
    plain = only({"OPENROUTER_API_KEY": "sk-or"})
    proxied = only({"ANTHROPIC_API_KEY": "sk-ant", "ANTHROPIC_BASE_URL": "https://proxy.example/"})

    assert (plain.name, plain.provider.name, plain.base_url) == ("openrouter", "openrouter", None)
    assert plain.secret.reveal() == "sk-or"
    assert proxied.base_url == "https://proxy.example"


def test_an_address_without_a_key_is_nobodys():
    """A base URL alone makes no connection."""
    assert environment_connections({"OPENAI_BASE_URL": "https://proxy.example/v1"}) == []


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("gpu-box", "http://gpu-box:11434/v1"),
        ("http://gpu-box:9000", "http://gpu-box:9000/v1"),
        ("http://gpu-box:9000/v1/", "http://gpu-box:9000/v1"),
        ("https://ollama.example", "https://ollama.example/v1"),
        ("https://example.com/ollama", "https://example.com/ollama/v1"),
        ("[::]:11434", "http://[::1]:11434/v1"),
    ],
)
def test_ollama_host_in_all_its_forms(value, url):
    """What Ollama accepts as its host leads to its OpenAI-compatible address."""
    connection = only({"OLLAMA_HOST": value})

    assert connection.base_url == url
    assert open_credential(connection).key.reveal() == ""


def test_an_ollama_host_that_is_none_is_reported():
    """A port that is no number breaks this connection only."""
    first, second = environment_connections({"OLLAMA_HOST": "box:port", "OPENAI_API_KEY": "k"})

    assert (first.name, second.name) == ("openai", "ollama")
    assert isinstance(second, BrokenConnection)
    assert "OLLAMA_HOST" in str(second.error)


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://r.openai.azure.com", "https://r.openai.azure.com/openai"),
        ("https://r.openai.azure.com/", "https://r.openai.azure.com/openai"),
        ("https://r.openai.azure.com/openai/", "https://r.openai.azure.com/openai"),
        (
            "https://r.openai.azure.com/openai/deployments/x",
            "https://r.openai.azure.com/openai/deployments/x",
        ),
        ("https://proxy.example/azure", "https://proxy.example/azure/openai"),
    ],
)
def test_azure_takes_the_address_as_azure_writes_it(endpoint, url):
    """The resource's address, with or without the API's path, becomes what Langfuse would store."""
    connection = only(
        {
            "AZURE_OPENAI_API_KEY": "k",
            "AZURE_OPENAI_ENDPOINT": endpoint,
            "OPENAI_API_VERSION": "2024-10-21",
        }
    )

    assert (connection.base_url, connection.api_version) == (url, "2024-10-21")


def test_azure_without_an_address_says_what_is_missing():
    """A key alone cannot reach Azure; without either there is no connection."""
    broken = only({"AZURE_API_KEY": "CANARY"})

    assert isinstance(broken, BrokenConnection)
    assert "AZURE_API_BASE" in str(broken.error)
    assert "CANARY" not in str(broken.error)
    assert environment_connections({"AZURE_API_BASE": "https://r.openai.azure.com"}) == []


def test_aws_credentials():
    """Bearer token, keys, temporary keys and a profile each give their kind of credential."""
    bearer = only(PAIR | REGION | {"AWS_BEARER_TOKEN_BEDROCK": "b"})
    keys = only(PAIR | REGION)
    temporary = only(PAIR | REGION | {"AWS_SESSION_TOKEN": "t", "AWS_PROFILE": "dev"})
    profile = only({"AWS_PROFILE": "dev"})

    assert isinstance(open_credential(bearer), AwsBearer)
    assert isinstance(open_credential(keys), AwsKeyPair)
    assert open_credential(temporary).session_token.reveal() == "t"
    assert open_credential(profile) == AwsDefault("dev")
    assert (keys.region, profile.region) == ("eu-west-1", None)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        (PAIR, "AWS_REGION"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "b"}, "AWS_REGION"),
        ({"AWS_ACCESS_KEY_ID": "AKIA1"} | REGION, "AWS_SECRET_ACCESS_KEY"),
        (PAIR | {"AWS_REGION": "evil.example/x"}, "region"),
    ],
)
def test_half_an_aws_credential_says_what_is_missing(environ, missing):
    """What is set in part, or wrongly, is a broken connection, not a crash and not silence."""
    broken = only(environ)

    assert isinstance(broken, BrokenConnection)
    assert missing in str(broken.error)


def test_a_google_service_account_is_read_when_it_is_used(tmp_path):
    """The file is read late, so a replaced file counts; a project variable wins over the file's."""
    path = tmp_path / "account.json"
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    connection = only(environ)
    billed = only(environ | {"GOOGLE_CLOUD_PROJECT": "billed"})

    with pytest.raises(CredentialError, match=r"account\.json.*No such file"):
        open_credential(connection)
    path.write_text(json.dumps(ACCOUNT), "utf-8")
    credential = open_credential(connection)

    assert connection.region == "global"
    assert isinstance(credential, GoogleServiceAccount)
    assert credential.project_id == "of-the-account"
    assert open_credential(billed).project_id == "billed"


def test_other_google_credentials_are_the_machines(tmp_path):
    """A file of another type, and a project alone, leave it to Google's own library to find credentials."""
    path = tmp_path / "user.json"
    path.write_text('{"type": "authorized_user"}', "utf-8")
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}

    assert open_credential(only(environ)) == GoogleDefault()
    assert open_credential(only(environ | {"VERTEXAI_PROJECT": "p"})) == GoogleDefault("p")
    assert open_credential(only({"VERTEXAI_PROJECT": "p"})) == GoogleDefault("p")
    assert only({"VERTEXAI_PROJECT": "p", "VERTEXAI_LOCATION": "us-east5"}).region == "us-east5"


@pytest.mark.parametrize("content", [b"CANARY", b"\xff\xfe"])
def test_a_google_file_that_is_none_is_refused(tmp_path, content):
    """A file that holds something else is named, and its content is not shown."""
    path = tmp_path / "account.json"
    path.write_bytes(content)

    with pytest.raises(CredentialError) as caught:
        open_credential(only({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))

    assert "CANARY" not in str(caught.value)


def test_the_store_gives_the_names_that_were_asked_for():
    """In the order asked; what does not exist is left out; None means all."""
    store = EnvironmentStore({"OPENAI_API_KEY": "a", "GROQ_API_KEY": "b", "XAI_API_KEY": "c"})

    assert [connection.name for connection in store.load(None)] == ["openai", "groq", "xai"]
    assert [connection.name for connection in store.load(["xai", "seoul", "openai"])] == [
        "xai",
        "openai",
    ]


def test_the_store_notices_a_changed_variable():
    """Connections stay the same objects until a variable changes."""
    environ = {"OPENAI_API_KEY": "old"}
    store = EnvironmentStore(environ)

    (first,) = store.load(None)
    (second,) = store.load(None)
    environ["OPENAI_API_KEY"] = "new"
    (third,) = store.load(None)

    assert first is second
    assert third is not first
    assert third.secret.reveal() == "new"


def test_portkeys_own_key_has_its_own_header():
    """Portkey takes its key in `x-portkey-api-key`."""
    connection = only({"PORTKEY_API_KEY": "pk-1"})

    assert open_headers(connection)["x-portkey-api-key"].reveal() == "pk-1"


@pytest.mark.parametrize(
    ("environ", "bearer", "headers"),
    [
        ({"PORTKEY_API_KEY": "pk-1", "PORTKEY_PROVIDER": "@openai-prod"}, "pk-1",
         {"x-portkey-api-key": "pk-1", "x-portkey-provider": "@openai-prod"}),
        ({"PORTKEY_API_KEY": "pk-1", "PORTKEY_CONFIG": "pc-1", "PORTKEY_VIRTUAL_KEY": "vk-1"}, "pk-1",
         {"x-portkey-api-key": "pk-1", "x-portkey-config": "pc-1", "x-portkey-virtual-key": "vk-1"}),
        # The gateway on a machine of one's own has no key; the bearer token is the provider's behind it.
        ({"PORTKEY_BASE_URL": "http://localhost:8787/v1", "PORTKEY_PROVIDER": "openai", "OPENAI_API_KEY": "sk-1"}, "sk-1",
         {"x-portkey-provider": "openai"}),
        ({"PORTKEY_API_KEY": "pk-1", "PORTKEY_PROVIDER": "openai", "OPENAI_API_KEY": "sk-1"}, "sk-1",
         {"x-portkey-api-key": "pk-1", "x-portkey-provider": "openai"}),
    ],
)  # fmt: skip
def test_portkey_by_environment_alone(environ, bearer, headers):
    """Its provider, config and virtual key are headers."""
    found = {row.name: row for row in environment_connections(environ)}["portkey"]

    assert found.secret.reveal() == bearer
    assert {name: value.reveal() for name, value in open_headers(found).items()} == headers


def test_portkeys_address_alone_is_no_connection():
    """Without a key or a provider nothing could be sent there."""
    assert environment_connections({"PORTKEY_BASE_URL": "http://localhost:8787/v1"}) == []


def test_bedrock_has_awss_variable_for_a_private_endpoint():
    """The address that AWS's own tools take is the connection's base URL."""
    connection = only(
        {
            "AWS_BEARER_TOKEN_BEDROCK": "t",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://vpce.example.com",
        }
    )

    assert connection.base_url == "https://vpce.example.com"
