"""What a secret says."""

from __future__ import annotations

import json

import pytest

from genai_integrations.connections.credentials import (
    ApiKey,
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.errors import CredentialError

ACCOUNT = {
    "type": "service_account",
    "project_id": "example-project",
    "private_key": "-----BEGIN PRIVATE KEY-----\nEXAMPLE\n-----END PRIVATE KEY-----\n",
    "client_email": "svc@example-project.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def test_a_key_is_taken_without_the_space_around_it(make_connection):
    """A key that was pasted with a line break at its end works."""
    credential = open_credential(make_connection("openai", "  sk-example\r\n"))

    assert isinstance(credential, ApiKey)
    assert credential.key.reveal() == "sk-example"


@pytest.mark.parametrize("secret", ["sk-a\nb", "sk-a\x00b", "sk-\x7f", "sk-\u200bb", "키"])
def test_a_key_that_no_header_can_carry_is_refused_by_name(make_connection, secret):
    """Line breaks and invisible characters inside a key are reported, without the key."""
    with pytest.raises(CredentialError, match="connection 'seoul' holds a line break") as caught:
        open_credential(make_connection("openai", secret))

    assert secret not in str(caught.value)


def test_an_empty_key_is_refused_unless_the_provider_needs_none(make_connection):
    """Only providers without keys may have an empty one."""
    assert open_credential(make_connection("ollama", "")).key.reveal() == ""
    with pytest.raises(CredentialError, match="is empty"):
        open_credential(make_connection("openai", " "))


def test_aws_credentials(make_connection):
    """Every shape of an AWS credential is told from the others."""
    pair = {"accessKeyId": "AKIA1\n", "secretAccessKey": "s3"}

    keys = open_credential(make_connection("bedrock", json.dumps(pair)))
    temporary = open_credential(
        make_connection("bedrock", json.dumps(pair | {"sessionToken": "t"}))
    )
    bearer = open_credential(make_connection("bedrock", '{"apiKey": "b"}'))

    assert isinstance(keys, AwsKeyPair)
    assert (keys.access_key_id.reveal(), keys.secret_access_key.reveal()) == ("AKIA1", "s3")
    assert keys.session_token is None
    assert temporary.session_token.reveal() == "t"
    assert isinstance(bearer, AwsBearer)
    assert bearer.token.reveal() == "b"


def test_credentials_of_the_machine(make_connection):
    """Langfuse's marks, a profile and a project mean the machine's own credentials."""
    opened = [
        open_credential(make_connection("bedrock", "__BEDROCK_DEFAULT_CREDENTIALS__")),
        open_credential(make_connection("bedrock", '{"profile": "dev"}')),
        open_credential(make_connection("vertex", "__VERTEXAI_DEFAULT_CREDENTIALS__")),
        open_credential(make_connection("vertex", '{"projectId": "p"}')),
    ]

    assert opened == [AwsDefault(), AwsDefault("dev"), GoogleDefault(), GoogleDefault("p")]


def test_a_service_account_keeps_its_text_and_tells_its_project(make_connection):
    """The JSON key goes on as it was pasted."""
    text = json.dumps(ACCOUNT | {"universe_domain": "googleapis.com"})

    credential = open_credential(make_connection("vertex", text))

    assert isinstance(credential, GoogleServiceAccount)
    assert credential.project_id == "example-project"
    assert credential.info.reveal() == text


@pytest.mark.parametrize(
    ("provider", "secret"),
    [
        ("bedrock", "AKIA-CANARY"),
        ("bedrock", '{"accessKeyId": "AKIA-CANARY"}'),
        ("bedrock", '{"accessKeyId": "AKIA-CANARY", "secretAccessKey": " "}'),
        ("bedrock", '{"accessKeyId": "AKIA\\nCANARY", "secretAccessKey": "s"}'),
        ("bedrock", '["AKIA-CANARY"]'),
        ("bedrock", "[" * 100_000),
        ("vertex", "{CANARY"),
        ("vertex", json.dumps(ACCOUNT | {"type": "external_account"})),
        ("vertex", json.dumps(ACCOUNT | {"project_id": ""})),
        ("vertex", json.dumps(ACCOUNT | {"private_key": None})),
    ],
)
def test_a_text_that_is_no_credential_is_refused_by_name(make_connection, provider, secret):
    """The error names the connection and what was wanted, and does not show the text."""
    with pytest.raises(CredentialError, match="the secret of connection 'seoul' ") as caught:
        open_credential(make_connection(provider, secret))

    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("kept", "told"),
    [("OPENAI_API_KEY", "OPENAI_API_KEY"), (None, "the connection 'seoul' where it is kept")],
)
def test_an_unusable_key_is_corrected_where_it_is(make_connection, kept, told):
    """No encryption key is to blame for what was only pasted wrongly."""
    with pytest.raises(CredentialError) as caught:
        open_credential(make_connection("openai", "sk-\u0445", key_from=kept))

    assert type(caught.value) is CredentialError
    assert str(caught.value) == (
        "the secret of connection 'seoul' holds a line break or another character that no key has: "
        f"correct {told}"
    )


def test_headers(make_connection):
    """Headers come as secrets by name, with Unicode values as they are."""
    headers = open_headers(
        make_connection("anthropic", extra_headers='{"x-team": " AI플랫폼 ", "X-Empty": ""}')
    )

    assert {name: value.reveal() for name, value in headers.items()} == {
        "x-team": "AI플랫폼",
        "X-Empty": "",
    }
    assert open_headers(make_connection("anthropic")) == {}


@pytest.mark.parametrize(
    "headers",
    [
        '{"x-a": "b\\r\\nx-evil: CANARY"}',
        '{"x-a\\n": "CANARY"}',
        '{"": "CANARY"}',
        '{"x a": "CANARY"}',
        '{"x-ä": "CANARY"}',
        '{"x-a": 7}',
        '["CANARY"]',
        "CANARY",
    ],
)
def test_headers_that_no_request_can_have_are_refused_by_name(make_connection, headers):
    """A header cannot smuggle another one in; the error shows no value."""
    connection = make_connection("openai", extra_headers=headers)

    with pytest.raises(CredentialError, match="the extra headers of connection 'seoul'") as caught:
        open_headers(connection)

    assert "CANARY" not in str(caught.value)
