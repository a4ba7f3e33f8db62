"""What arrives at a provider: address, key, headers and body."""

from __future__ import annotations

import json

import pytest

from genai_integrations.errors import ConfigurationError, CredentialError

SPEAKING = ("openai", "azure")


def _shape(body):
    return {key: value for key, value in body.items() if key not in ("stream", "stream_options")}


@pytest.fixture(scope="module")
def golden_rows(golden_connections):
    """The recorded connections of the two adapters that we speak to ourselves, as they were entered."""
    requests = [row["request"] for row in golden_connections["connections"]]
    return {row["provider"]: row for row in requests if row["adapter"] in SPEAKING}


GOLDEN = {
    "openai_prod": "/v1/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "ollama_local": "/v1/chat/completions",
    "portkey": "/v1/chat/completions",
    "azure_test": "/openai/deployments/{model}/chat/completions",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_recorded_connections_arrive(name, golden_rows, attempt, connect, provider):
    """Each recorded connection reaches its address with its own key and headers."""
    row = golden_rows[name]
    path = (row.get("baseURL") or "https://api.openai.com/v1").partition("://")[2].partition("/")[2]
    model = (row.get("customModels") or ["gpt-4o"])[0]
    headers = row.get("extraHeaders")
    connection = connect(
        f"{provider.url}/{path}",
        provider=row["adapter"],
        key=row["secretKey"],
        headers=headers and json.dumps(headers),
        custom_models=tuple(row.get("customModels") or ()),
    )

    attempt(connection, model)

    (request,) = provider.requests
    assert request.method == "POST"
    assert request.path == GOLDEN[name].format(model=model)
    assert request.body["model"] == model
    assert request.body["messages"] == [{"role": "user", "content": "Hello!"}]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("genai-integrations/")
    if row["adapter"] == "azure":
        assert request.headers["api-key"] == row["secretKey"]
        assert "authorization" not in request.headers
        assert request.query == {"api-version": "2025-02-01-preview"}
    else:
        assert request.headers["authorization"] == f"Bearer {row['secretKey']}"
        assert "api-key" not in request.headers
        assert request.query == {}
    for header, value in (headers or {}).items():
        assert request.headers[header] == value
    assert "cookie" not in request.headers


def test_all_golden_rows_of_the_two_adapters_are_covered(golden_rows):
    """One of them asks for the Responses API, which is tested where that is spoken."""
    assert set(golden_rows) == {*GOLDEN, "openai_responses"}


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("/openai/deployments", "/openai/deployments/gpt-4o/chat/completions"),
        ("/openai/deployments/", "/openai/deployments/gpt-4o/chat/completions"),
        ("/openai/deployments/gpt-4o", "/openai/deployments/gpt-4o/chat/completions"),
        (
            "/openai/deployments/other/chat/completions",
            "/openai/deployments/gpt-4o/chat/completions",
        ),
        ("/openai/deployments/{model}", "/openai/deployments/gpt-4o/chat/completions"),
        ("/team/a/openai/deployments", "/team/a/openai/deployments/gpt-4o/chat/completions"),
        ("/openai", "/openai/deployments/gpt-4o/chat/completions"),
    ],
)
@pytest.mark.parametrize(
    ("query", "version", "sent"),
    [
        ("", None, "2025-02-01-preview"),
        ("", "2024-10-21", "2024-10-21"),
        ("?api-version=2024-06-01", None, "2024-06-01"),
    ],
)
def test_the_shapes_of_azures_addresses(
    base, path, query, version, sent, attempt, connect, provider
):
    """However much of the address was stored, the deployment is the model that is asked for."""
    attempt(connect(f"{provider.url}{base}{query}", "azure", api_version=version))

    (request,) = provider.requests
    assert request.path == path
    assert request.query == {"api-version": sent}


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_azures_query_may_have_more_than_a_version(attempt, connect, provider):
    """A gateway's own parameter stays, and the version is there nevertheless."""
    attempt(connect(f"{provider.url}/openai/deployments?team=a", "azure"))

    assert provider.requests[0].query == {"team": "a", "api-version": "2025-02-01-preview"}


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("a/b c?x#y", "a%2Fb%20c%3Fx%23y"),
        ("한국어", "%ED%95%9C%EA%B5%AD%EC%96%B4"),
        ("gpt-4o:2024%2F", "gpt-4o%3A2024%252F"),
        ("a;b@c&d=e+f", "a%3Bb%40c%26d%3De%2Bf"),
        ("v1.5~x_y", "v1.5~x_y"),
    ],
)
@pytest.mark.parametrize(
    ("provider_name", "base", "path"),
    [
        ("azure", "/openai/deployments", "/openai/deployments/{}/chat/completions"),
        ("openai", "/gate/{model}/v1", "/gate/{}/v1/chat/completions"),
    ],
)
def test_models_are_encoded_where_they_enter_an_address(
    provider_name, base, path, model, segment, attempt, connect, provider
):
    """No name can leave its segment of the path."""
    attempt(connect(f"{provider.url}{base}", provider_name), model)

    (request,) = provider.requests
    assert request.path == path.format(segment)
    assert request.body["model"] == model


@pytest.mark.parametrize("model", ["..", "."])
@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
@pytest.mark.parametrize(
    ("provider_name", "base"), [("azure", "/openai/deployments"), ("openai", "/gate/{model}/v1")]
)
def test_a_model_is_no_way_up(provider_name, base, model, attempt, connect, provider):
    """`..` is a segment that servers resolve, and percent-encoding leaves it as it is: it is refused."""
    with pytest.raises((ConfigurationError, CredentialError)):
        attempt(connect(f"{provider.url}{base}", provider_name), model)

    assert not provider.requests


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_a_name_that_is_no_text_is_refused(attempt, connect, provider):
    """Half a surrogate pair cannot be written into an address; our error says so, not Python's."""
    with pytest.raises((ConfigurationError, CredentialError)):
        attempt(connect(f"{provider.url}/openai/deployments", "azure"), "gpt\ud800")


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
@pytest.mark.parametrize(
    ("base", "listed"),
    [
        ("http://{model}.localhost:%d/v1", ("gpt-4o",)),
        ("http://{model}@127.0.0.1:%d/v1", ("gpt-4o",)),
    ],
)
def test_a_model_in_the_host_must_be_listed(base, listed, attempt, connect, provider):
    """A host made of a name that anyone may choose would send the key anywhere."""
    port = int(provider.url.rpartition(":")[2])
    connection = connect(base % port, custom_models=listed)

    with pytest.raises(CredentialError):
        attempt(connection, "evil.example/")

    assert not provider.requests


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_a_listed_model_in_the_host_is_filled_in(attempt, connect, provider):
    """Such gateways exist; here the model is named like the local host."""
    port = int(provider.url.rpartition(":")[2])
    connection = connect(f"http://{{model}}:{port}/v1", custom_models=("localhost",))

    attempt(connection, "localhost")

    assert provider.requests[0].headers["host"] == f"localhost:{port}"


@pytest.mark.parametrize("value", ["AI플랫폼", "é", "naïve \u2013 “quoted”", "plain"])
def test_headers_of_other_letters_arrive_as_utf_8(value, attempt, connect, raw_server):
    """As Langfuse's own calls send them."""

    def handle(server, connection, _):
        if server.read(connection):
            connection.sendall(b"HTTP/1.1 500 no\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")

    server = raw_server(handle)
    connection = connect(server.url, headers=json.dumps({"X-Team": value, "x-plain": "1"}))

    with pytest.raises(Exception, match="500"):
        attempt(connection)

    head = server.requests[0][0].lower()
    assert b"\r\nx-team: " + value.lower().encode() + b"\r\n" in head + b"\r\n"
    assert b"\r\nx-plain: 1\r\n" in head + b"\r\n"


def test_a_stored_header_wins_over_ours(attempt, connect, provider):
    """Some gateways want another authorization or user agent: what the owner entered counts, once."""
    headers = {"Authorization": "Basic abc", "User-Agent": "mine", "X-Key": "k"}

    attempt(connect(f"{provider.url}/v1", headers=json.dumps(headers)))

    got = provider.requests[0].headers
    assert (got["authorization"], got["user-agent"], got["x-key"]) == ("Basic abc", "mine", "k")


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding"])
def test_a_stored_header_cannot_break_the_framing(name, attempt, connect, provider):
    """Headers that belong to HTTP itself are ours, or the request is refused; it is never garbled."""
    connection = connect(f"{provider.url}/v1", headers=json.dumps({name: "7"}), key="k" * 9)
    try:
        attempt(connection)
    except CredentialError:
        assert not provider.requests
    else:
        assert len(provider.requests) == 1
        assert not provider.requests[0].malformed
        assert provider.requests[0].headers.get(name.lower()) != "7"


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_embeddings_go_to_their_own_path(attempt, connect, provider):
    """Of the OpenAI dialect and of Azure."""
    attempt(connect(f"{provider.url}/v1/"), "text-embedding-3-small", "embeddings")
    azure = connect(f"{provider.url}/openai/deployments", "azure", key="other")
    attempt(azure, "text-embedding-3-small", "embeddings")

    assert [each.path for each in provider.requests] == [
        "/v1/embeddings",
        "/openai/deployments/text-embedding-3-small/embeddings",
    ]
    assert provider.requests[0].body == {"model": "text-embedding-3-small", "input": ["Hello!"]}


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_a_query_in_the_base_url_stays(attempt, connect, provider):
    """Gateways use it for routing."""
    attempt(connect(f"{provider.url}/v1?team=a%2Fb"))

    assert (provider.requests[0].path, provider.requests[0].query) == (
        "/v1/chat/completions",
        {"team": "a/b"},
    )


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_no_key_no_authorization(attempt, connect, provider):
    """A local server without a key gets no empty header."""
    attempt(connect(f"{provider.url}/v1", "ollama", key=""))

    assert "authorization" not in provider.requests[0].headers


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
def test_servers_without_a_key_may_be_many(attempt, connect, provider):
    """A key that is none cannot be stolen: two local servers are no reason for mistrust."""
    attempt(connect(f"{provider.url}/v1", "ollama", key="", name="one"))
    attempt(
        connect(
            f"{provider.url.replace('127.0.0.1', 'localhost')}/v1", "ollama", key="", name="two"
        )
    )

    assert len(provider.requests) == 2


def test_the_body_arrives_as_it_is(attempt, connect, provider):
    """Letters, large numbers, nested values: nothing is lost on the way."""
    odd = {"metadata": {"한국어": "😀\u2028", "n": "1"}, "seed": 2**53 + 1, "temperature": 0.1}

    attempt(connect(f"{provider.url}/v1"), **odd)

    body = _shape(provider.requests[0].body)
    assert body == {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}], **odd}


def test_a_large_body_arrives_whole(attempt, connect, provider):
    """Such as a picture of two megabytes: with its length, and without a warning of the HTTP client."""
    text = "a" * (2 << 20)
    attempt(connect(f"{provider.url}/v1"), messages=[{"role": "user", "content": text}])

    (request,) = provider.requests
    assert request.body["messages"][0]["content"] == text
    assert int(request.headers["content-length"]) == len(request.content)


@pytest.mark.parametrize("mode", ["sync", "async"], indirect=True)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_say_is_refused(value, attempt, connect, provider):
    """A parameter that would arrive as something else, or not at all, is the caller's error."""
    with pytest.raises(ConfigurationError):
        attempt(connect(f"{provider.url}/v1"), temperature=value)

    assert not provider.requests


def test_a_message_nested_without_end_is_refused(transport, connect, provider):
    """Not with a RecursionError."""
    from genai_integrations.runtime import jsonbytes

    value = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(ConfigurationError):
        jsonbytes.dumps(value)
    while value:
        value = value.pop()
