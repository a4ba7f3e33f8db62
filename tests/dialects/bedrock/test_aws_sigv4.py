"""Requests are signed as AWS says, and as its own library signs them."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from bedrock_data import KEY_ID, SECRET, data
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.sigv4 import AwsKeys, SigV4, canonical_request

SUITE = data("sigv4")
NOW = datetime(2026, 11, 27, 3, 4, 5, tzinfo=UTC)
KEYS = AwsKeys(MaskedText(KEY_ID), MaskedText(SECRET))


def endpoint(path, headers=None, origin="https://bedrock-runtime.us-east-1.amazonaws.com:443"):
    """An address with these headers."""
    sent = {"content-type": "application/json", "user-agent": "x", **(headers or {})}
    return Endpoint(origin, origin + path, path, None, sent, ())


def read(case):
    """Method, path, headers and body of a request of the suite."""
    head, _, body = case["request"].partition("\n\n")
    first, *lines = head.rstrip("\n").replace("\n ", " ").split("\n")
    method, path = first.removesuffix(" HTTP/1.1").split(" ", 1)
    headers = {}
    for line in lines:
        name, _, text = line.partition(":")
        known = headers.get(name.lower())
        headers[name.lower()] = f"{known},{text.strip()}" if known else text
    headers["x-amz-date"] = SUITE["stamp"]
    if "token" in case["keys"] and not case["omits_token"]:
        headers["x-amz-security-token"] = case["keys"]["token"]
    digest = hashlib.sha256(body.encode()).hexdigest()
    if case["signs_body"]:
        headers["x-amz-content-sha256"] = digest
    return method, path, headers, digest


@pytest.mark.parametrize("case", SUITE["cases"], ids=lambda case: case["name"])
def test_aws_own_suite(case):
    """The canonical request and the signature are those that AWS publishes."""
    method, path, headers, digest = read(case)
    keys = AwsKeys(
        MaskedText(case["keys"]["access_key_id"]), MaskedText(case["keys"]["secret_access_key"])
    )
    request = canonical_request(method, path, headers, digest)
    signature = SigV4(keys, SUITE["region"], SUITE["service"])
    header = signature.authorization(request, SUITE["stamp"], sorted(headers))

    assert request == case["canonical"]
    assert header.endswith(f"Signature={case['signature']}")


@given(
    model=st.text(st.sampled_from("abc.:/-_~ %é()+="), min_size=1, max_size=30).filter(
        lambda text: text.strip(". ")
    ),
    body=st.binary(max_size=60),
    token=st.one_of(st.none(), st.just("IQoJb3JpZ2luX2VjE/+==")),
)
def test_botocore_signs_the_same(model, body, token):
    """Whatever the model's id: its encoded form is encoded once more, and only headers that no proxy changes are signed."""
    from genai_integrations.transports.http.opening import segment

    path = f"/model/{segment(model)}/converse"
    keys = dataclasses.replace(KEYS, session_token=MaskedText(token) if token else None)
    proof = SigV4(keys, "us-east-1", "bedrock", NOW.timestamp).proof(endpoint(path), body)
    signer = SigV4Auth(Credentials(KEY_ID, SECRET, token), "bedrock", "us-east-1")
    request = AWSRequest(
        "POST",
        f"https://bedrock-runtime.us-east-1.amazonaws.com{path}",
        {"content-type": "application/json", "x-amz-date": "20261127T030405Z"},
        body,
    )
    if token:
        request.headers["x-amz-security-token"] = token
    request.context["timestamp"] = "20261127T030405Z"
    theirs = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )

    assert proof.headers["authorization"].endswith(f"Signature={theirs}")
    assert proof.headers["x-amz-date"] == "20261127T030405Z"
    assert proof.headers.get("x-amz-security-token") == token


@given(
    key=st.text(st.sampled_from("abc./-_~ %é()+="), min_size=1, max_size=30),
    body=st.binary(max_size=60),
)
def test_botocore_signs_objects_of_s3_the_same(key, body):
    """Their path is signed as it is sent, and the digest of the body goes along."""
    path = f"/{quote(key, safe='/~')}"
    origin = "https://lab.s3.us-east-1.amazonaws.com:443"
    proof = SigV4(KEYS, "us-east-1", "s3", NOW.timestamp).proof(endpoint(path, origin=origin), body)
    signer = S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "us-east-1")
    headers = {
        "content-type": "application/json",
        "x-amz-date": "20261127T030405Z",
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    request = AWSRequest("POST", f"https://lab.s3.us-east-1.amazonaws.com{path}", headers, body)
    request.context["timestamp"] = "20261127T030405Z"
    theirs = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )

    assert proof.headers["authorization"].endswith(f"Signature={theirs}")
    assert proof.headers["x-amz-content-sha256"] == headers["x-amz-content-sha256"]


def test_the_scope_and_the_names_of_what_is_signed():
    """The header says what was signed, for whom, and with which key."""
    proof = SigV4(KEYS, "eu-west-1", "bedrock", NOW.timestamp).proof(
        endpoint("/model/a/converse", {"x-amzn-trace": "t", "accept": "x"}), b""
    )

    assert proof.headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261127/eu-west-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
    )


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com:443", "bedrock-runtime.us-east-1.amazonaws.com"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://proxy:80", "proxy"),
        ("https://[::1]:8443", "[::1]:8443"),
    ],
)  # fmt: skip
def test_the_host_is_the_one_that_is_sent(origin, host):
    """HTTP clients leave out the scheme's own port, and the signature is of what they send."""
    from genai_integrations.transports.http.sigv4 import _host

    assert _host(origin) == host


def test_a_new_day_has_a_key_of_its_own():
    """The key that is kept is the day's; the next day's signature is right too."""
    moments = iter([NOW.timestamp(), NOW.timestamp() + 86_400])
    kept = SigV4(KEYS, "us-east-1", "bedrock", lambda: next(moments))
    kept.proof(endpoint("/"), b"")
    later = kept.proof(endpoint("/"), b"")
    fresh = SigV4(KEYS, "us-east-1", "bedrock", lambda: NOW.timestamp() + 86_400)

    assert later == fresh.proof(endpoint("/"), b"")


def test_nothing_of_the_keys_shows():
    """The headers of a proof and the keys themselves show masked."""
    keys = dataclasses.replace(KEYS, session_token=MaskedText("IQoJsession"))
    proof = SigV4(keys, "us-east-1", "bedrock", NOW.timestamp).proof(endpoint("/"), b"")
    shown = f"{proof!r} {keys!r}"

    assert SECRET not in shown
    assert KEY_ID not in shown
    assert "IQoJsession" not in shown
    assert set(proof.secrets) == {SECRET, KEY_ID, "IQoJsession"}
