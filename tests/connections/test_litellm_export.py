"""Connections in LiteLLM's words, and what LiteLLM makes of them."""

from __future__ import annotations

import json

import pytest

from genai_integrations.connections.litellm_export import litellm_model_list, litellm_params

PAIR = json.dumps({"accessKeyId": "AKIA1", "secretAccessKey": "s3"})


def test_all_recorded_connections_are_listed(postgres, make_store, golden_connections):
    """One entry for each listed model, else one for all; every secret and header of the requests is in its entry."""
    listed = litellm_model_list(make_store(postgres).load(None))
    count = 0

    for item in golden_connections["connections"]:
        sent = item["request"]
        prefix = f"{sent['provider']}/"
        entries = {
            entry["model_name"].removeprefix(prefix): entry["litellm_params"]
            for entry in listed
            if entry["model_name"].startswith(prefix)
        }
        assert list(entries) == (sent.get("customModels") or ["*"])
        count += len(entries)
        for model, params in entries.items():
            assert params["model"].endswith(f"/{model}")
            assert params.get("extra_headers", {}) == sent.get("extraHeaders", {})
            assert secret_of(params) == as_object(sent["secretKey"])
            assert not sent.get("baseURL", "").startswith("http") or "api_base" in params
    assert len(listed) == count


def secret_of(params):
    if "aws_access_key_id" in params:
        pair = (params["aws_access_key_id"], params["aws_secret_access_key"])
        return dict(zip(("accessKeyId", "secretAccessKey"), pair, strict=True))
    if "vertex_credentials" in params:
        return json.loads(params["vertex_credentials"])
    if "api_key" not in params:
        return None
    return (
        {"apiKey": params["api_key"]}
        if params["model"].startswith("bedrock/")
        else params["api_key"]
    )


def as_object(secret):
    if secret.endswith("_DEFAULT_CREDENTIALS__"):
        return None
    return json.loads(secret) if secret.startswith("{") else secret


@pytest.mark.parametrize(
    ("provider", "fields", "params"),
    [
        (
            "openai",
            {},
            {"model": "openai/m", "api_base": "https://api.openai.com/v1", "api_key": "k"},
        ),
        (
            "openai",
            {"dialect": "responses", "base_url": "https://h/v1/"},
            {"model": "openai/responses/m", "api_base": "https://h/v1", "api_key": "k"},
        ),
        (
            "azure",
            {"dialect": "responses", "base_url": "https://r", "api_version": "2025-04-01-preview"},
            {
                "model": "azure/responses/m",
                "api_base": "https://r",
                "api_version": "2025-04-01-preview",
                "api_key": "k",
            },
        ),
        (
            "openai",
            {"base_url": "https://h/{model}/{model}"},
            {"model": "openai/m", "api_base": "https://h/m/{model}", "api_key": "k"},
        ),
        (
            "azure",
            {"base_url": "https://r/openai/deployments/x", "api_version": "2024-10-21"},
            {
                "model": "azure/m",
                "api_base": "https://r",
                "api_version": "2024-10-21",
                "api_key": "k",
            },
        ),
        (
            "anthropic",
            {},
            {"model": "anthropic/m", "api_base": "https://api.anthropic.com", "api_key": "k"},
        ),
        (
            "google-ai-studio",
            {},
            {
                "model": "gemini/m",
                "api_base": "https://generativelanguage.googleapis.com/v1beta",
                "api_key": "k",
            },
        ),
        (
            "cohere",
            {},
            {
                "model": "openai/m",
                "api_base": "https://api.cohere.ai/compatibility/v1",
                "api_key": "k",
            },
        ),
        (
            "ollama",
            {"secret": ""},
            {"model": "openai/m", "api_base": "http://localhost:11434/v1", "api_key": "none"},
        ),
        (
            "bedrock",
            {"secret": PAIR, "region": "us-east-1"},
            {
                "model": "bedrock/m",
                "aws_region_name": "us-east-1",
                "api_key": "",
                "aws_access_key_id": "AKIA1",
                "aws_secret_access_key": "s3",
                "aws_session_token": "",
            },
        ),
        (
            "bedrock",
            {"secret": PAIR[:-1] + ', "sessionToken": "t"}'},
            {
                "model": "bedrock/m",
                "api_key": "",
                "aws_access_key_id": "AKIA1",
                "aws_secret_access_key": "s3",
                "aws_session_token": "t",
            },
        ),
        (
            "bedrock",
            {"secret": '{"profile": "dev"}'},
            {"model": "bedrock/m", "aws_profile_name": "dev"},
        ),
        (
            "bedrock",
            {"secret": "__BEDROCK_DEFAULT_CREDENTIALS__", "region": "us-east-1"},
            {"model": "bedrock/m", "aws_region_name": "us-east-1"},
        ),
        (
            "vertex",
            {"secret": '{"projectId": "p"}', "region": "us-east5"},
            {
                "model": "vertex_ai/m",
                "vertex_location": "us-east5",
                "vertex_project": "p",
                "api_base": "https://us-east5-aiplatform.googleapis.com",
            },
        ),
        (
            "vertex",
            {"secret": "__VERTEXAI_DEFAULT_CREDENTIALS__"},
            {
                "model": "vertex_ai/m",
                "vertex_location": "global",
                "api_base": "https://aiplatform.googleapis.com",
            },
        ),
    ],
)
def test_parameters(make_connection, provider, fields, params):
    """Each provider's parameters have LiteLLM's names, and nothing is left to the environment."""
    assert litellm_params(make_connection(provider, **{"secret": "k"} | fields), "m") == params


@pytest.fixture(scope="module")
def litellm():
    """LiteLLM as it is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm
    return litellm


@pytest.fixture
def ask(litellm, make_connection, answering_server, monkeypatch):
    """Call a model through LiteLLM, amid variables that must not matter; the request comes back."""
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
    ):
        monkeypatch.setenv(name, "AMBIENT")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GEMINI_API_BASE", "AZURE_API_BASE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/ambient")
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    answering_server.status = 500

    def call(provider, path, model="gpt-4o", *, more=None, **fields):
        connection = make_connection(provider, base_url=f"{answering_server.url}{path}", **fields)
        params = litellm_params(connection, model) | (more or {})
        with pytest.raises(Exception, match=r"."):
            litellm.completion(
                messages=[{"role": "user", "content": "hi"}],
                max_retries=0,
                num_retries=0,
                **params,
            )
        ((path, headers),) = answering_server.requests
        return path, headers

    return call


AZURE = "/openai/deployments/gpt-4o/chat/completions?api-version=2025-02-01-preview"


@pytest.mark.parametrize(
    ("provider", "path", "asked", "header"),
    [
        ("openai", "/v1", "/v1/chat/completions", "authorization"),
        ("azure", "/openai", AZURE, "api-key"),
        ("azure", "/openai/deployments", AZURE, "api-key"),
        ("azure", "/openai/deployments/gpt-4o", AZURE, "api-key"),
        ("azure", "/proxy/openai/deployments", f"/proxy{AZURE}", "api-key"),
        ("anthropic", "", "/v1/messages", "x-api-key"),
        ("anthropic", "/v1", "/v1/messages", "x-api-key"),
        ("google-ai-studio", "", "/v1beta/models/gpt-4o:generateContent", "x-goog-api-key"),
        ("google-ai-studio", "/v1beta", "/v1beta/models/gpt-4o:generateContent", "x-goog-api-key"),
        ("openrouter", "/api/v1", "/api/v1/chat/completions", "authorization"),
        ("portkey", "/v1", "/v1/chat/completions", "authorization"),
        ("ollama", "/v1", "/v1/chat/completions", "authorization"),
        ("mistral", "/v1", "/v1/chat/completions", "authorization"),
        ("cohere", "/v1", "/v1/chat/completions", "authorization"),
        ("huggingface", "/v1", "/v1/chat/completions", "authorization"),
    ],
)
def test_litellm_calls_the_address_that_langfuse_would(ask, provider, path, asked, header):
    """The key goes to the stored address in the provider's own way, and no variable gets in between."""
    where, headers = ask(provider, path, secret="sk-stored")

    assert where == asked
    assert headers[header].removeprefix("Bearer ") == "sk-stored"


def test_litellm_signs_with_the_stored_keys(ask, answering_server):
    """A bearer token in the environment does not replace the connection's own keys."""
    _, headers = ask(
        "bedrock",
        "",
        "anthropic.claude-3-sonnet-20240229-v1:0",
        secret=PAIR,
        region="us-east-1",
        more={"aws_bedrock_runtime_endpoint": answering_server.url},
    )

    assert "Credential=AKIA1/" in headers["authorization"]


def test_litellms_router_takes_the_list(litellm, postgres, make_store):
    """A wildcard entry serves any model of its connection under the provider's own name."""
    router = litellm.Router(model_list=litellm_model_list(make_store(postgres).load(None)))

    (wild,) = router.pattern_router.route("openai_responses/gpt-4.1")
    (listed,) = router.get_model_list("openrouter/anthropic/claude-sonnet-4.5")

    assert wild["litellm_params"]["model"] == "openai/responses/gpt-4.1"
    assert listed["litellm_params"]["model"] == "openrouter/anthropic/claude-sonnet-4.5"
