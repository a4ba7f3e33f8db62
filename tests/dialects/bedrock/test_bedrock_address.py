"""Where a model of Bedrock is asked, and with which proof."""

from __future__ import annotations

import json

import pytest
from bedrock_data import KEY_ID, PAIR, SECRET

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import ConfigurationError, CredentialError, UntrustedHostError
from genai_integrations.transports.bedrock.dialect import BedrockDialect

BEARER = json.dumps({"apiKey": "bedrock-api-key-abcdef"})


def endpoint(
    model="amazon.nova-lite-v1:0", secret=PAIR, url=None, region="us-east-1", *,
    operation="chat/completions", streamed=False,
):  # fmt: skip
    """The endpoint of a connection's model."""
    connection = Connection.of("aws", "bedrock", secret, url, region=region)
    return BedrockDialect().endpoint(
        connection, model, operation, streamed=streamed, pins=OriginPins()
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "bedrock-runtime.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "bedrock-runtime.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "bedrock-runtime.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_region_is_in_the_host(region, host):
    """AWS has several domains."""
    assert endpoint(region=region).url == f"https://{host}/model/amazon.nova-lite-v1%3A0/converse"


@pytest.mark.parametrize(
    ("operation", "streamed", "action"),
    [
        ("chat/completions", False, "converse"),
        ("chat/completions", True, "converse-stream"),
        ("embeddings", False, "invoke"),
    ],
)
def test_actions(operation, streamed, action):
    """A stream has a path of its own."""
    path = endpoint(operation=operation, streamed=streamed).path

    assert path == f"/model/amazon.nova-lite-v1%3A0/{action}"


def test_an_arn_is_one_segment():
    """Its colons and slashes are encoded."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"

    assert endpoint(arn).path == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc/converse"
    )


@pytest.mark.parametrize("model", ["..", "", "\ud800"])
def test_no_model(model):
    """What cannot be part of a path is no model's id."""
    with pytest.raises(ConfigurationError, match="not a model's id"):
        endpoint(model)


@pytest.mark.parametrize(
    ("url", "model", "region"),
    [
        ("https://vpce-0a-b.bedrock-runtime.eu-west-1.vpce.amazonaws.com", "a", "eu-west-1"),
        ("https://bedrock-runtime-fips.us-west-2.amazonaws.com/", "a", "us-west-2"),
        ("https://gateway.example/aws", "arn:aws:bedrock:ap-south-1:1:inference-profile/a", "ap-south-1"),
    ],
)  # fmt: skip
def test_a_region_that_is_told_elsewhere(url, model, region):
    """In the base URL, or in the model's ARN; signatures need it."""
    found = endpoint(model, url=url, region=None)
    proof = found.signer.sign(found, b"{}")

    assert f"/{region}/bedrock/aws4_request" in proof.headers["authorization"]
    assert found.url.startswith(url.rstrip("/") + "/model/")


def test_no_region():
    """Is an error that says what to enter."""
    with pytest.raises(CredentialError, match="no AWS region"):
        endpoint(region=None)


def test_the_region_of_a_profile(tmp_path, monkeypatch):
    """Is read in the machine's configuration, without botocore."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-3\n[profile work]\nregion=ca-central-1\n[profile odd]\nregion = a/b\n")  # fmt: skip
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    work = json.dumps({"profile": "work"})

    assert "ca-central-1" in endpoint(secret=work, region=None).url
    assert "eu-west-3" in endpoint(secret="__BEDROCK_DEFAULT_CREDENTIALS__", region=None).url
    for name in ("odd", "none"):
        with pytest.raises(CredentialError, match="no AWS region"):
            endpoint(secret=json.dumps({"profile": name}), region=None)
    config.write_text("no configuration")
    with pytest.raises(CredentialError, match="no AWS region"):
        endpoint(secret=work, region=None)


def test_a_bearer_token():
    """Is a header, and nothing is signed."""
    found = endpoint(secret=BEARER)

    assert found.headers["authorization"] == "Bearer bedrock-api-key-abcdef"
    assert found.signer is None
    assert "abcdef" not in repr(found)
    assert "bedrock-api-key-abcdef" in found.secrets


def test_a_pair_of_keys_signs_at_once():
    """Without anything to load; the session token is sent along."""
    secret = {"accessKeyId": KEY_ID, "secretAccessKey": SECRET, "sessionToken": "IQoJtoken"}
    found = endpoint(secret=json.dumps(secret))

    assert found.signer.is_ready
    signed = found.signed(b"{}")
    assert signed.headers["x-amz-security-token"] == "IQoJtoken"
    assert SECRET not in repr(signed)


def test_a_key_is_bound_to_its_host():
    """Another address for the same key is refused."""
    pins = OriginPins()
    first, other = (
        Connection.of("aws", "bedrock", PAIR, url, region="us-east-1")
        for url in (None, "https://evil.example")
    )
    ask = {"operation": "chat/completions", "streamed": False, "pins": pins}
    BedrockDialect().endpoint(first, "a", **ask)

    with pytest.raises(UntrustedHostError):
        BedrockDialect().endpoint(other, "a", **ask)
