"""The scripted Bedrock verifies signatures and bearer tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest
from bedrock_wire import KEY_ID, PAIR, SESSION, TEMPORARY, TOKEN, USER, path_of, post, signed

pytestmark = pytest.mark.usefixtures("aws_keys")

BODY = {"messages": USER}


def denied(provider, headers, body=BODY, path=None):
    """The name and words of a refusal for the credentials, which is always 403."""
    reply = post(provider, body, path, headers)
    assert reply.status == 403, reply.data
    said = reply.json()
    return reply.headers["x-amzn-errortype"], said.get("message") or said["Message"]


def test_a_good_signature_is_accepted(provider):
    """What AWS's own library signs is accepted, also with escapes in the path and letters beyond ASCII."""
    path = path_of("eu.amazon.nova-lite-v1:0", "converse-stream")
    body = {"messages": [{"role": "user", "content": [{"text": "안녕"}]}]}

    assert post(provider, BODY, None, signed(provider, BODY)).status == 200
    assert post(provider, body, path, signed(provider, body, path)).status == 200


def test_other_headers_do_not_matter(provider):
    """Headers that are not signed may come along."""
    headers = {**signed(provider, BODY), "x-team": "blue", "user-agent": "any"}

    assert post(provider, BODY, None, headers).status == 200


def test_a_wrong_secret_is_told_from_a_wrong_id(provider):
    """The signature does not match, or the access key is none."""
    name, words = denied(provider, signed(provider, BODY, secret="other"))
    assert name == "InvalidSignatureException"
    assert "does not match the signature you provided" in words

    name, words = denied(provider, signed(provider, BODY, key="AKIAUNKNOWN"))
    assert name == "UnrecognizedClientException"
    assert words == "The security token included in the request is invalid."


@pytest.mark.parametrize("part", ["body", "path", "query", "signature", "content-type"])
def test_what_was_changed_after_signing_is_refused(provider, part):
    """Body, path, query, a signed header and the signature itself are all protected."""
    headers, body, path = signed(provider, BODY), BODY, path_of()
    if part == "body":
        body = {**BODY, "system": [{"text": "obey"}]}
    elif part == "path":
        path = path_of("another")
    elif part == "query":
        path += "?a=b"
    elif part == "content-type":
        headers["content-type"] = "text/plain"
    else:
        last = headers["Authorization"][-1]
        headers["Authorization"] = headers["Authorization"][:-1] + ("0" if last != "0" else "1")

    assert denied(provider, headers, body, path)[0] == "InvalidSignatureException"


def test_a_session_token_belongs_to_its_key(provider):
    """A temporary key needs its own token, and another key must not have it."""
    good = signed(provider, BODY, key=TEMPORARY, token=SESSION)

    assert post(provider, BODY, None, good).status == 200
    for key, token in ((TEMPORARY, None), (TEMPORARY, "another"), (KEY_ID, SESSION)):
        headers = signed(provider, BODY, key=key, token=token)
        assert denied(provider, headers)[0] == "UnrecognizedClientException"


def test_an_old_signature_is_refused(provider, monkeypatch):
    """A signature lives for five minutes, in both directions."""
    for shift, word in ((-6, "expired"), (6, "not yet current")):
        then = datetime.now(UTC) + timedelta(minutes=shift)
        with monkeypatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", lambda then=then: then)
            headers = signed(provider, BODY)
        name, words = denied(provider, headers)

        assert name == "InvalidSignatureException"
        assert word in words


def test_the_scope_must_be_right(provider):
    """Service and day of the scope, and the headers that must be signed, are checked."""
    headers = signed(provider, BODY)
    day = headers["X-Amz-Date"][:8]

    def change(old, new):
        return {**headers, "Authorization": headers["Authorization"].replace(old, new)}

    other = signed(provider, BODY, service="s3")
    assert "correct service: 'bedrock'" in denied(provider, other)[1]
    assert "Date in Credential scope" in denied(provider, change(day, "20200101"))[1]
    assert "'SignedHeader'" in denied(provider, change("content-type;host;", "content-type;"))[1]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"authorization": "Basic abc"}, "MissingAuthenticationTokenException"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=x"}, "IncompleteSignatureException"),
        ({"authorization": "Bearer "}, "AccessDeniedException"),
        ({"authorization": "Bearer wrong"}, "AccessDeniedException"),
        ({"authorization": f"Bearer {PAIR}"}, "AccessDeniedException"),
    ],
)
def test_without_credentials(provider, headers, name):
    """None, half of them, and tokens that are none: a key pair is no token."""
    assert denied(provider, headers)[0] == name


def test_a_signature_without_its_date_is_incomplete(provider):
    """The date is part of what is signed."""
    headers = signed(provider, BODY)
    del headers["X-Amz-Date"]

    assert denied(provider, headers)[0] == "IncompleteSignatureException"


def test_a_bearer_token(provider):
    """A Bedrock API key is sent as it is; the error for a wrong one has AWS's own spelling."""
    assert post(provider, BODY, None, {"authorization": f"Bearer {TOKEN}"}).status == 200
    reply = post(provider, BODY, None, {"authorization": "Bearer wrong"})

    assert json.loads(reply.data) == {
        "Message": "Authentication failed: Please make sure your API Key is valid."
    }


def test_keys_can_change_while_it_runs(provider):
    """A rotated secret is refused from then on, and the new one accepted; None accepts anything."""
    headers = signed(provider, BODY)
    provider.api_keys = [f"{KEY_ID}:new"]
    assert denied(provider, headers)[0] == "InvalidSignatureException"
    assert post(provider, BODY, None, signed(provider, BODY, secret="new")).status == 200

    provider.api_keys = [PAIR, f"{KEY_ID}:new"]
    assert post(provider, BODY, None, headers).status == 200

    provider.api_keys = None
    for any_headers in ({}, {"authorization": "Bearer x"}, signed(provider, BODY, secret="z")):
        assert post(provider, BODY, None, any_headers).status == 200
