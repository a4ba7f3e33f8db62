"""The list of models, embeddings, and what else a gateway serves beside answers."""

from __future__ import annotations

import httpx
import openai
import pytest

from genai_integrations.testing.faults import Fault


@pytest.mark.parametrize("base", ["", "/v1"])
def test_the_models(gateway, base):
    """Names that can be asked for, in OpenAI's shape; one of them by its name, slashes and all."""
    with openai.OpenAI(base_url=f"{gateway}{base}", api_key="any") as sdk:
        names = [row.id for row in sdk.models.list()]
        one = sdk.models.retrieve("seoul/gpt-4o")
        with pytest.raises(openai.NotFoundError, match="there is no such model"):
            sdk.models.retrieve("gpt-9")

    assert names == ["seoul/gpt-4o", "usa/gpt-4o"]
    assert (one.id, one.object, one.owned_by) == ("seoul/gpt-4o", "model", "seoul")


@pytest.mark.parametrize("base", ["", "/v1"])
def test_embeddings(gateway, base):
    """The SDK asks for base64 by itself, and gets floats."""
    with openai.OpenAI(base_url=f"{gateway}{base}", api_key="any") as sdk:
        raw = sdk.embeddings.with_raw_response.create(model="usa/gpt-4o", input=["a", "b"])
        plain = sdk.embeddings.create(model="usa/gpt-4o", input="a", encoding_format="float")
    found = raw.parse()

    assert [row.index for row in found.data] == [0, 1]
    assert found.data[0].embedding == pytest.approx(plain.data[0].embedding, rel=1e-6)
    assert raw.headers["x-genai-target"] == "usa/gpt-4o"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_url"),
        ("GET", "/v1/../v1/models/", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/none", 404, "model_not_found"),
    ],
)
def test_paths_that_are_none(gateway, method, path, status, code):
    """Refused in OpenAI's shape; nothing is said of other origins, so browsers keep pages of others out."""
    response = httpx.request(method, f"{gateway}{path}", headers={"origin": "http://evil.example"})

    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_health(gateway):
    """A worker that serves lives, and is ready."""
    assert httpx.get(f"{gateway}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{gateway}/health/ready").json() == {"status": "ready"}


def test_request_ids(gateway):
    """The caller's own where it is a plain word; else a new one, also with a refusal."""
    own = httpx.get(f"{gateway}/health/live", headers={"x-request-id": "job-7"})
    odd = httpx.get(f"{gateway}/nothing", headers={"x-request-id": "a b"})

    assert own.headers["x-request-id"] == "job-7"
    assert odd.headers["x-request-id"].startswith("req_")


RETRY = {"retry-after": "7"}

REFUSALS = [
    (Fault.rate_limited(), 429, "rate_limit_exceeded", openai.RateLimitError),
    (Fault.out_of_quota(), 429, "insufficient_quota", openai.RateLimitError),
    (Fault.unauthorized(), 502, "provider_authentication", openai.InternalServerError),
    (Fault.model_not_found(), 404, "model_not_found", openai.NotFoundError),
    (Fault.context_window(), 400, "context_length_exceeded", openai.BadRequestError),
    (Fault.content_filter(), 400, "content_filter", openai.BadRequestError),
    (Fault.status(500), 502, "provider_error", openai.InternalServerError),
    (Fault.status(503), 503, "provider_error", openai.InternalServerError),
    (Fault.status(529), 503, "provider_error", openai.InternalServerError),
    (Fault.empty(), 502, "invalid_reply", openai.InternalServerError),
    (Fault.no_answer(), 502, "provider_unreachable", openai.InternalServerError),
]


@pytest.mark.parametrize(("fault", "status", "code", "kind"), REFUSALS)
@pytest.mark.parametrize("stream", [False, True])
def test_what_providers_refuse(sdk, provider, fault, status, code, kind, stream):
    """What the caller can mend is 4xx, what the provider did wrong is 5xx; never 401, which is about the caller's key."""
    provider.faults["*"] = fault
    with pytest.raises(kind) as raised:
        sdk.chat.completions.create(
            model="seoul/gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=stream
        )

    assert raised.value.status_code == status
    assert raised.value.code == code
    assert provider.url not in str(raised.value)
    assert "sk-seoul" not in str(raised.value)


def test_how_long_to_wait(sdk, provider, backup):
    """Where every target is limited, the wait is that of the first to be free."""
    provider.faults["*"] = Fault.rate_limited(retry_after=70)
    backup.faults["*"] = Fault.rate_limited(retry_after=7)
    with pytest.raises(openai.RateLimitError) as raised:
        sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])

    assert raised.value.response.headers["retry-after"] == "7"


def test_a_model_that_nobody_serves(sdk):
    """The nearest names are told."""
    with pytest.raises(openai.NotFoundError, match="gpt-4o") as raised:
        sdk.chat.completions.create(model="gpt-4p", messages=[{"role": "user", "content": "Hi"}])

    assert raised.value.code == "model_not_found"
