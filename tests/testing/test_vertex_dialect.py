"""The scripted provider answers as Gemini on Vertex AI does, and gives access tokens as Google does."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import urlencode

import google.auth.exceptions
import pytest
import urllib3
from google.auth.transport.urllib3 import Request
from google.oauth2.service_account import Credentials
from wire import ask, call, connect

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.gemini.dialect import GeminiDialect
from genai_integrations.testing.providers.vertex.dialect import VertexDialect
from genai_integrations.testing.providers.vertex.tokens import service_account

HELLO = [{"role": "user", "parts": [{"text": "hello there"}]}]
PLACE = "/v1/projects/p/locations/asia-northeast3/publishers/google/models"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROBOT = "robot@scripted-project.iam.gserviceaccount.com"


@pytest.fixture
def dialect():
    """Vertex's dialect."""
    return VertexDialect()


@pytest.fixture
def provider(provider, dialect):
    """The provider, asked in Google's dialects first."""
    provider._dialects = (GeminiDialect(), dialect, *provider._dialects)
    return provider


@pytest.fixture(scope="module")
def account():
    """A service account's JSON key without an address, and its public key."""
    return service_account("")


def credentials(provider, account):
    """Google's own credentials object for the account, whose tokens come from the provider."""
    info = {**account[0], "token_uri": f"{provider.url}/token"}
    return Credentials.from_service_account_info(info, scopes=SCOPES)


def post(
    provider, body, method="generateContent", model="gemini-2.5-flash", token="t", place=PLACE
):
    """Status, headers and body of one request."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return call(provider, body, f"{place}/{model}:{method}", headers)


def test_content_is_asked_for_in_a_project_and_a_location(provider):
    """The reply is Gemini's, with Vertex's own details in the usage; labels are allowed."""
    status, _, body = post(provider, {"contents": HELLO, "labels": {"team": "ai"}})

    assert status == 200
    (part,) = body["candidates"][0]["content"]["parts"]
    assert part["text"] == "provider says: hello there"
    assert body["usageMetadata"]["trafficType"] == "ON_DEMAND"
    assert body["usageMetadata"]["candidatesTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 4}
    ]
    assert provider.requests[0].model == "gemini-2.5-flash"


def test_a_tuned_model_is_an_endpoint(provider):
    """Its number is the model's name."""
    place = "/proxy/v1beta1/projects/p/locations/global/endpoints"

    assert post(provider, {"contents": HELLO}, model="4965075652664360960", place=place)[0] == 200
    assert provider.requests[0].model == "4965075652664360960"


def test_a_stream_has_googles_events(provider):
    """The stream is framed as AI Studio's is."""
    path = f"{PLACE}/gemini-2.5-flash:streamGenerateContent?alt=sse"
    with connect(provider) as connection:
        content = ask(connection, {"contents": HELLO}, path).read().decode()

    events = content.split("\r\n\r\n")
    assert len(events) == 6
    assert json.loads(events[-2].removeprefix("data: "))["candidates"][0]["finishReason"] == "STOP"


def test_predictions_are_embeddings(provider):
    """Each instance gets its vector and its tokens; the characters are billed."""
    rows = [{"content": "hello there", "task_type": "RETRIEVAL_QUERY"}, {"content": "hi"}]
    body = {"instances": rows, "parameters": {"outputDimensionality": 4}}
    _, _, reply = post(provider, body, "predict", "text-embedding-005")

    sizes = [len(row["embeddings"]["values"]) for row in reply["predictions"]]
    tokens = [row["embeddings"]["statistics"]["token_count"] for row in reply["predictions"]]
    assert (sizes, tokens) == ([4, 4], [2, 1])
    assert reply["metadata"] == {"billableCharacterCount": 13}
    del body["parameters"]
    _, _, reply = post(provider, body, "predict", "text-embedding-005")
    assert len(reply["predictions"][0]["embeddings"]["values"]) == 768


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        ("text-embedding-005", []),
        ("text-embedding-005", [{"content": ""}]),
        ("gemini-embedding-001", [{"content": "a"}, {"content": "b"}]),
    ],
)
def test_wrong_predictions_get_400(provider, model, rows):
    """Nothing, an empty string and more than the model takes are refused."""
    assert post(provider, {"instances": rows}, "predict", model)[0] == 400


def test_some_embeddings_are_asked_for_as_content(provider):
    """`embedContent` also counts its tokens."""
    body = {"content": {"parts": [{"text": "hello there"}]}, "outputDimensionality": 4}
    _, _, reply = post(provider, body, "embedContent", "gemini-embedding-2")

    assert len(reply["embedding"]["values"]) == 4
    assert reply["usageMetadata"]["promptTokenCount"] == 2


@pytest.mark.parametrize(
    ("model", "code", "status", "words"),
    [
        ("fault-400", 400, "INVALID_ARGUMENT", "invalid argument"),
        ("fault-401", 401, "UNAUTHENTICATED", "OAuth 2 access token"),
        ("fault-403", 403, "PERMISSION_DENIED", "aiplatform.endpoints.predict"),
        ("fault-404", 404, "NOT_FOUND", "Publisher Model `projects/p/locations/"),
        ("fault-429", 429, "RESOURCE_EXHAUSTED", "Resource exhausted"),
        ("fault-500", 500, "INTERNAL", "internal error"),
        ("fault-503", 503, "UNAVAILABLE", "overloaded"),
    ],
)
def test_errors_have_vertexs_words(provider, model, code, status, words):
    """The shape is Google's; keys, models and permissions are called as Vertex calls them."""
    got, _, body = post(provider, {"contents": HELLO}, model=model)

    assert (got, body["error"]["code"], body["error"]["status"]) == (code, code, status)
    assert words in body["error"]["message"]


def test_a_rate_limit_has_the_header_that_was_asked_for(provider):
    """Vertex's body says nothing about waiting."""
    provider.faults["*"] = Fault.rate_limited(7)
    _, headers, body = post(provider, {"contents": HELLO})

    assert headers["retry-after"] == "7"
    assert "details" not in body["error"]


def test_a_refused_prompt_says_so(provider):
    """Vertex adds a message to the reason."""
    _, _, body = post(provider, {"contents": HELLO}, model="fault-filter")

    assert body["promptFeedback"]["blockReason"] == "SAFETY"
    assert body["promptFeedback"]["blockReasonMessage"]


def test_tokens_from_elsewhere_are_keys_as_they_are(provider):
    """A wrong token and a missing one are told apart."""
    provider.api_keys = {"right"}
    body = {"contents": HELLO}

    assert post(provider, body, token="right")[0] == 200
    for token, reason in (("wrong", "ACCESS_TOKEN_TYPE_UNSUPPORTED"), ("", "CREDENTIALS_MISSING")):
        status, _, reply = post(provider, body, token=token)
        assert (status, reply["error"]["details"][0]["reason"]) == (401, reason)


def test_googles_own_library_gets_a_token_that_works(provider, dialect, account):
    """The account signs, the endpoint checks the signature, and the token counts as the account."""
    provider.api_keys = {ROBOT}
    dialect.tokens.public_keys[ROBOT] = account[1]
    found = credentials(provider, account)
    found.refresh(Request(urllib3.PoolManager()))

    assert found.valid
    assert post(provider, {"contents": HELLO}, token=found.token)[0] == 200
    assert post(provider, {"contents": HELLO}, token="another")[0] == 401
    assert [request.model for request in provider.requests] == [None] + ["gemini-2.5-flash"] * 2


def test_every_refresh_gives_another_token(provider, account):
    """Tokens are told apart, and the older ones stay good."""
    provider.api_keys = {ROBOT}
    found = credentials(provider, account)
    tokens = []
    for _ in range(2):
        found.refresh(Request(urllib3.PoolManager()))
        tokens.append(found.token)

    assert len(set(tokens)) == 2
    assert [post(provider, {"contents": HELLO}, token=token)[0] for token in tokens] == [200, 200]


def test_an_account_that_is_not_known_gets_no_token(provider, account):
    """Google's library says so in its own error."""
    provider.api_keys = {"somebody else"}

    with pytest.raises(google.auth.exceptions.RefreshError, match="account not found"):
        credentials(provider, account).refresh(Request(urllib3.PoolManager()))


def test_a_key_that_is_not_the_accounts_gets_no_token(provider, dialect, account):
    """A signature is checked where the public key is known."""
    dialect.tokens.public_keys[ROBOT] = service_account("")[1]

    with pytest.raises(google.auth.exceptions.RefreshError, match="Invalid JWT Signature"):
        credentials(provider, account).refresh(Request(urllib3.PoolManager()))


def jwt(head=None, **claims):
    """An assertion with those claims and no real signature."""
    now = int(time.time())
    usual = {"iss": ROBOT, "aud": "https://oauth2.googleapis.com/token", "iat": now,
             "exp": now + 3600, "scope": "s"}  # fmt: skip
    parts = [head or {"alg": "RS256"}, {**usual, **claims}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), "c2ln"])


def ask_for_token(provider, **form):
    """Status and body of one request for a token."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"grant_type": GRANT, **form}).encode()
    status, _, reply = call(provider, body, "/oauth2/token", headers)
    return status, reply


def test_a_token_is_issued_under_any_prefix(provider):
    """The answer is OAuth's; the audience may be Google's address or the one that was asked."""
    for audience in ("https://oauth2.googleapis.com/token", f"{provider.url}/oauth2/token"):
        status, reply = ask_for_token(provider, assertion=jwt(aud=audience))

        assert (status, reply["token_type"], reply["expires_in"]) == (200, "Bearer", 3599)
        assert reply["access_token"].startswith("ya29.")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ({"assertion": "a.b"}, "invalid_request"),
        ({"assertion": "é.b.c"}, "invalid_request"),
        ({"assertion": jwt({"alg": "none"})}, "invalid_request"),
        ({"assertion": jwt(["RS256"])}, "invalid_request"),
        ({"assertion": jwt(iss=None)}, "invalid_grant"),
        ({"assertion": jwt(aud="https://elsewhere")}, "invalid_grant"),
        ({"assertion": jwt(exp=1)}, "invalid_grant"),
        ({"assertion": jwt(iat=None)}, "invalid_grant"),
        ({"assertion": jwt(exp=time.time() + 90000)}, "invalid_grant"),
        ({"assertion": jwt(scope="")}, "invalid_scope"),
    ],
)
def test_wrong_requests_for_tokens_are_refused_in_oauths_shape(provider, form, error):
    """The error is a word and a sentence, with 400."""
    status, reply = ask_for_token(provider, **form)

    assert (status, reply["error"]) == (400, error)
    assert reply["error_description"]


def test_who_asserts_nothing_is_no_account(provider):
    """With accounts to choose from, a broken assertion is refused as an unknown account is."""
    provider.api_keys = {ROBOT}

    assert ask_for_token(provider, assertion="broken")[1]["error"] == "invalid_grant"


def test_the_endpoint_can_fail(provider):
    """A fault of a status concerns tokens too, in OAuth's shape."""
    provider.faults[""] = [Fault.status(500), Fault.forbidden(), None]

    replies = [ask_for_token(provider, assertion=jwt()) for _ in range(3)]
    assert [(status, reply.get("error")) for status, reply in replies] == [
        (500, "internal_failure"),
        (403, "access_denied"),
        (200, None),
    ]
