"""Each connection that a real Langfuse stored makes a call that arrives as its provider wants it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from places import AWS_SECRET, KEY_ID, QUESTION

from genai_integrations import GenAIClient, Secret
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.errors import AllTargetsFailedError, AuthenticationError
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

CHAT = "/chat/completions"
GOLDEN = {
    # connection: (model, where its address ends on the server, path that must be asked)
    "openai_prod": ("gpt-4o-mini", "/v1", f"/v1{CHAT}"),
    "openrouter": ("anthropic/claude-sonnet-4.5", "/api/v1", f"/api/v1{CHAT}"),
    "ollama_local": ("qwen3:8b", "/v1", f"/v1{CHAT}"),
    "portkey": ("gpt-4o", "/v1", f"/v1{CHAT}"),
    "azure_test": (
        "gpt-4o-mini",
        "/openai/deployments",
        f"/openai/deployments/gpt-4o-mini{CHAT}",
    ),
    "anthropic_prod": ("claude-sonnet-4-5", "", "/v1/messages"),
    "anthropic_proxy": ("claude-haiku-4-5", "", "/v1/messages"),
    "bedrock_test": (
        "amazon.nova-pro-v1:0",
        "",
        "/model/amazon.nova-pro-v1%3A0/converse",
    ),
    "bedrock_token": (
        "apac.anthropic.claude-sonnet-4-20250514-v1:0",
        "",
        "/model/apac.anthropic.claude-sonnet-4-20250514-v1%3A0/converse",
    ),
    "bedrock_role": (
        "us.amazon.nova-lite-v1:0",
        "",
        "/model/us.amazon.nova-lite-v1%3A0/converse",
    ),
    "gemini_seoul": (
        "gemini-2.5-flash",
        "",
        "/v1beta/models/gemini-2.5-flash:generateContent",
    ),
    "gemini_usa": (
        "gemini-2.5-pro",
        "",
        "/v1beta/models/gemini-2.5-pro:generateContent",
    ),
    "vertex_seoul": (
        "gemini-2.5-flash",
        "",
        (
            "/v1/projects/{project}/locations/asia-northeast3/publishers/google/models/"
            "gemini-2.5-flash:generateContent"
        ),
    ),
    "vertex_adc": (
        "gemini-2.5-flash",
        "",
        (
            "/v1/projects/scripted-project/locations/global/publishers/google/models/"
            "gemini-2.5-flash:generateContent"
        ),
    ),
}
RESPONSES = "openai_responses"


@pytest.fixture(scope="module")
def golden(golden_connections):
    """The requests in which the connections were stored, by name."""
    rows = golden_connections["connections"]
    return {row["request"]["provider"]: row["request"] for row in rows}


@pytest.fixture(scope="module")
def stored(postgres, golden_connections):
    """The connections as they are read from the database, by name."""
    keys = [golden_connections["ENCRYPTION_KEY"]]
    store = LangfuseStore(postgres.url, keys, project_id=lambda: "lab-project")
    return {connection.name: connection for connection in store.load(None)}


@pytest.fixture(scope="module")
def server():
    """A provider in every dialect that takes any key; what arrives is looked at here."""
    with ScriptedProvider("golden") as server:
        yield server


@pytest.fixture
def led(server, stored, account, golden):
    """A stored connection whose address is the scripted server."""
    server.requests.clear()
    server.faults.clear()
    server.api_keys = None

    def led(name, ending=""):
        fields = {"base_url": f"{server.url}{ending}"}
        if name == "vertex_seoul":
            # The recorded account's private key is no key; its project stays.
            stored_account = json.loads(golden[name]["secretKey"])
            info = {**account, "project_id": stored_account["project_id"]}
            fields["secret"] = Secret(json.dumps({**info, "token_uri": f"{server.url}/token"}))
        return replace(stored[name], **fields)

    return led


@pytest.fixture
def machine(monkeypatch, tmp_path, server, account):
    """A machine with AWS credentials and a Google account of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
    file = tmp_path / "account.json"
    file.write_text(json.dumps({**account, "token_uri": f"{server.url}/token"}), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_stored_connection_makes_a_call(name, led, golden, server, machine, ask, mode):
    """Right path, right key, right headers; what is signed is signed with the stored key for its region."""
    model, ending, path = GOLDEN[name]
    secret = golden[name]["secretKey"]
    allowed = {
        "bedrock_test": lambda: _pair(secret),
        "bedrock_role": lambda: f"{KEY_ID}:{AWS_SECRET}",
        "bedrock_token": lambda: json.loads(secret)["apiKey"],
    }
    if name in allowed:
        server.api_keys = {allowed[name]()}
    with GenAIClient(connections=[led(name, ending)], router_args={"num_retries": 0}) as client:
        answer = ask(client, f"{name}/{model}")
    request = server.requests[-1]

    assert answer.text == "golden says: one two three four"
    if "stream" in mode:
        path = path.replace("converse", "converse-stream").replace(
            ":generateContent", ":streamGenerateContent"
        )
    if name == "vertex_seoul":
        path = path.replace("{project}", json.loads(secret)["project_id"])
    assert request.path == path
    assert request.model == model
    _check_headers(name, request, golden[name])


def _pair(secret):
    keys = json.loads(secret)
    return f"{keys['accessKeyId']}:{keys['secretAccessKey']}"


def _check_headers(name, request, row):
    headers, secret = request.headers, row["secretKey"]
    if name.startswith("bedrock"):
        scope = {
            "bedrock_test": "/us-east-1/bedrock/aws4_request",
            "bedrock_role": "/us-west-2/bedrock/aws4_request",
            "bedrock_token": "Bearer ",
        }
        assert scope[name] in headers["authorization"]
    elif name.startswith("anthropic"):
        assert headers["x-api-key"] == secret
        assert headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in headers
    elif name.startswith("gemini"):
        assert headers["x-goog-api-key"] == secret
        assert "key" not in request.query
        assert "authorization" not in headers
    elif name.startswith("vertex"):
        assert headers["authorization"].startswith("Bearer ya29.")
    elif name == "azure_test":
        assert headers["api-key"] == secret
        assert request.query["api-version"]
    else:
        assert headers["authorization"] == f"Bearer {secret}"
    for header, value in (row.get("extraHeaders") or {}).items():
        assert headers[header.lower()] == value


def test_every_recorded_connection_is_here(golden):
    """None of the fifteen is forgotten."""
    assert {*GOLDEN, RESPONSES} == set(golden)


@pytest.mark.parametrize("name", ["bedrock_test", "bedrock_token", "bedrock_role"])
def test_a_wrong_signature_is_noticed(name, led, server, machine):
    """The server really checks: with another key stored, nothing passes."""
    server.api_keys = {"AKIAOTHER:other", "another-token"}
    with (
        GenAIClient(connections=[led(name)], router_args={"num_retries": 0}) as client,
        pytest.raises((AuthenticationError, AllTargetsFailedError)) as caught,
    ):
        client.completion(f"{name}/{GOLDEN[name][0]}", QUESTION)

    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("name", "ending", "path"),
    [
        ("anthropic_prod", "", "/v1/messages"),
        ("anthropic_prod", "/", "/v1/messages"),
        ("anthropic_prod", "/v1", "/v1/messages"),
        ("anthropic_prod", "/v1/", "/v1/messages"),
        ("anthropic_prod", "/v1/messages", "/v1/messages"),
        ("anthropic_prod", "/proxy", "/proxy/v1/messages"),
        ("anthropic_prod", "/proxy/v1", "/proxy/v1/messages"),
        ("gemini_seoul", "", "/v1beta/models/M:generateContent"),
        ("gemini_seoul", "/", "/v1beta/models/M:generateContent"),
        ("gemini_seoul", "/v1beta", "/v1beta/models/M:generateContent"),
        ("gemini_seoul", "/v1beta/", "/v1beta/models/M:generateContent"),
        ("gemini_seoul", "/proxy", "/proxy/v1beta/models/M:generateContent"),
        ("gemini_seoul", "/proxy/v1beta", "/proxy/v1beta/models/M:generateContent"),
    ],
)
def test_an_address_may_have_the_version_or_not(name, ending, path, led, server):
    """Each way in which people write a base URL leads to the same place."""
    model = GOLDEN[name][0]
    with GenAIClient(connections=[led(name, ending)]) as client:
        client.completion(f"{name}/{model}", QUESTION)
        list(client.completion(f"{name}/{model}", QUESTION, stream=True))
    whole, streamed = server.requests
    path = path.replace("/M:", f"/{model}:")

    assert whole.path == path
    assert streamed.path == path.replace(":generateContent", ":streamGenerateContent")


def test_the_environment_does_not_meddle(led, server, golden, monkeypatch):
    """Keys and addresses of the machine's variables lose against those of a connection."""
    for variable in (
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY",
        "AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY",
    ):  # fmt: skip
        monkeypatch.setenv(variable, "from-the-environment")
    for variable in (
        "ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE", "GEMINI_API_BASE", "VERTEXAI_API_BASE",
        "AWS_BEDROCK_RUNTIME_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    ):  # fmt: skip
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("VERTEXAI_PROJECT", "another-project")
    monkeypatch.setenv("VERTEXAI_LOCATION", "europe-west9")
    names = ("anthropic_prod", "gemini_seoul", "bedrock_test", "bedrock_token", "vertex_seoul")
    with GenAIClient(connections=[led(name) for name in names]) as client:
        for name in names:
            assert client.completion(f"{name}/{GOLDEN[name][0]}", QUESTION).route.served
    for request in server.requests:
        assert "from-the-environment" not in repr(request.headers)
        assert "eu-west-3" not in request.headers.get("authorization", "")
        assert "another-project" not in request.path
        assert "europe-west9" not in request.path
