"""The scripted provider serves Claude as Vertex AI does."""

from __future__ import annotations

import json

import pytest
from litellm_streams import put_together
from wire import USER, ask, call, connect

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.anthropic.dialect import AnthropicDialect
from genai_integrations.testing.providers.anthropic.vertex import VertexClaudeDialect

# pydantic says this of LiteLLM's own types while LiteLLM builds them in the middle of a stream.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Item '.*' on TypedDict class '.*' is using the `ReadOnly` qualifier:UserWarning"
)

RESOURCE = "projects/lab/locations/us-east5/publishers/anthropic/models/claude@20250929"
HEADERS = {"authorization": "Bearer ya29.token"}
BODY = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 100, "messages": USER}


@pytest.fixture
def vertex(provider):
    """A provider that speaks both of Anthropic's dialects."""
    dialects = (AnthropicDialect(), VertexClaudeDialect({"ya29.token": "robot@lab"}.get))
    provider._dialects = (*dialects, *provider._dialects)
    return provider


def predict(vertex, body=BODY, what="rawPredict", headers=HEADERS):
    """Status, headers and JSON of one request."""
    return call(vertex, body, f"/any/prefix/v1/{RESOURCE}:{what}", headers)


def test_the_model_is_in_the_path(vertex):
    """A message as Anthropic's, with ids of Vertex."""
    status, headers, message = predict(vertex)

    assert status == 200
    assert vertex.requests[0].model == "claude@20250929"
    assert message["id"].startswith("msg_vrtx_01")
    assert message["content"] == [{"type": "text", "text": "provider says: hello there"}]
    assert headers["request-id"].startswith("req_vrtx_011")


def test_streams_are_anthropics(vertex):
    """The events and the ids of calls are the same as without Google."""
    vertex.replies["*"] = {"tool_calls": [{"name": "f"}]}
    with connect(vertex) as connection:
        path = f"/v1/{RESOURCE}:streamRawPredict"
        events = ask(connection, {**BODY, "stream": True}, path, HEADERS).read().decode()

    assert events.startswith("event: message_start\ndata: ")
    assert '"id": "toolu_vrtx_01' in events
    assert events.endswith('event: message_stop\ndata: {"type": "message_stop"}\n\n')


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**BODY, "model": "claude"}, "model: Extra inputs are not permitted"),
        ({**BODY, "anthropic_version": "2023-06-01"}, "Input should be 'vertex-2023-10-16'"),
        ({"messages": USER, "max_tokens": 9}, "anthropic_version: Field required"),
        ({**BODY, "max_tokens": -1}, "max_tokens: Input should be greater"),
        (
            {**BODY, "anthropic_version": "2026-10-21", "temperature": 1},
            "temperature: Extra inputs",
        ),
        ({**BODY, "anthropic_beta": "x"}, "anthropic_beta: Input should be a valid list"),
        ({**BODY, "output_format": {}}, "output_format: Extra inputs"),
    ],
)
def test_anthropic_refuses_in_its_own_shape(vertex, body, words):
    """What Anthropic checks fails as it does there."""
    status, _, reply = predict(vertex, body)

    assert (status, reply["type"], reply["error"]["type"]) == (
        400,
        "error",
        "invalid_request_error",
    )
    assert words in reply["error"]["message"]


def test_betas_are_named_in_the_body(vertex):
    """A beta in `anthropic_beta` allows what it stands for."""
    schema = {"type": "object", "additionalProperties": False}
    body = {**BODY, "output_format": {"type": "json_schema", "schema": schema}}

    assert predict(vertex, {**body, "anthropic_beta": ["structured-outputs-2025-11-13"]})[0] == 200


@pytest.mark.parametrize(
    ("status", "name", "words"),
    [
        (401, "UNAUTHENTICATED", "invalid authentication credentials"),
        (403, "PERMISSION_DENIED", f"denied on resource '//aiplatform.googleapis.com/{RESOURCE}'"),
        (404, "NOT_FOUND", f"Publisher Model `{RESOURCE}` was not found"),
        (429, "RESOURCE_EXHAUSTED", "base model: anthropic-claude."),
        (500, "INTERNAL", "Internal error"),
        (503, "UNAVAILABLE", "currently unavailable"),
        (504, "DEADLINE_EXCEEDED", "Deadline"),
    ],
)
def test_google_fails_in_its_own_shape(vertex, status, name, words):
    """The errors of Google's own layer; where streams are served, they are the first of a list."""
    vertex.faults["*"] = Fault.status(status, headers={"retry-after": "2"})
    got, headers, reply = predict(vertex)
    _, _, (listed,) = predict(vertex, what="streamRawPredict")

    assert (got, headers["retry-after"]) == (status, "2")
    assert (reply["error"]["code"], reply["error"]["status"]) == (status, name)
    assert words in reply["error"]["message"]
    assert listed == reply


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.status(529), "overloaded_error"),
        (Fault.bad_request(), "invalid_request_error"),
        (Fault.context_window(), "invalid_request_error"),
        (Fault.content_filter(), "invalid_request_error"),
        (Fault.status(429, code="rate_limit_error"), "rate_limit_error"),
    ],
)
def test_anthropic_fails_behind_google(vertex, fault, kind):
    """Errors of the model, and those with a type of their own, come from Anthropic."""
    vertex.faults["*"] = fault
    status, _, reply = predict(vertex)

    assert (status, reply["error"]["type"]) == (fault.http_status, kind)
    assert reply["request_id"].startswith("req_vrtx_")


def test_an_account_is_accepted_by_its_token(vertex):
    """The key is the account that the token was issued to, else the token."""
    for accepted in ("robot@lab", "ya29.other"):
        vertex.api_keys = {accepted}
        for token in ("ya29.token", "ya29.other"):
            good = (accepted == "robot@lab") is (token == "ya29.token")
            status, _, reply = predict(vertex, headers={"authorization": f"Bearer {token}"})

            assert status == (200 if good else 401), reply
    assert predict(vertex, headers={})[2]["error"]["status"] == "UNAUTHENTICATED"


def test_wrong_methods_are_refused(vertex):
    """Only POST predicts; another method of a model is not Claude's."""
    assert call(vertex, b"", f"/v1/{RESOURCE}:rawPredict", HEADERS, "GET")[0] == 405
    assert call(vertex, BODY, f"/v1/{RESOURCE}:predict", HEADERS)[0] == 404


@pytest.fixture
def complete(litellm, vertex, monkeypatch):
    """Ask through LiteLLM with a token that Google need not issue."""
    from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

    monkeypatch.setenv("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    monkeypatch.setattr(
        VertexBase, "_ensure_access_token", lambda *_args, **_kwargs: ("ya29.token", "lab")
    )

    def complete(model="claude-sonnet-4-5", messages=USER, *, stream=False, **params):
        params |= {"api_base": vertex.url, "num_retries": 0, "stream": stream}
        params |= {"vertex_project": "lab", "vertex_location": "us-east5"}
        if stream:
            streams = [litellm.completion(f"vertex_ai/{model}", messages, **params)]
            return put_together(litellm, streams)
        return litellm.completion(f"vertex_ai/{model}", messages, **params)

    return complete


@pytest.mark.parametrize("stream", [False, True])
def test_litellm_is_understood(complete, vertex, stream):
    """Address, token and body are Vertex's, and the answer comes back."""
    vertex.api_keys = {"robot@lab"}
    reply = complete(stream=stream, reasoning_effort="low")
    (request,) = vertex.requests

    what = "streamRawPredict" if stream else "rawPredict"
    assert request.path == (
        f"/v1/projects/lab/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5:{what}"
    )
    assert request.headers["authorization"] == "Bearer ya29.token"
    assert "model" not in request.body
    assert reply.choices[0].message.content == "provider says: hello there"
    assert reply.choices[0].message.reasoning_content == "provider thinks about: hello there"
    assert reply.usage.completion_tokens_details.reasoning_tokens == 5


@pytest.mark.parametrize("stream", [False, True])
def test_litellm_asks_for_structured_output(complete, vertex, stream):
    """By a tool, whose arguments are the text of the answer."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    reply = complete(stream=stream, response_format=wanted)

    assert json.loads(reply.choices[0].message.content) == {"ok": True}
    assert vertex.requests[0].body["tool_choice"]["name"] == "json_tool_call"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "name", "status"),
    [
        ("claude-x", "RateLimitError", 429),
        ("claude-x", "AuthenticationError", 401),
        ("claude-x", "NotFoundError", 404),
        ("claude-x", "InternalServerError", 500),
        ("claude-x", "ServiceUnavailableError", 503),
        ("claude-x", "BadRequestError", 400),
    ],
)
def test_litellm_tells_errors_apart(complete, vertex, litellm, model, name, status, stream):
    """Each error is LiteLLM's class for it."""
    vertex.faults["*"] = Fault.status(status)

    with pytest.raises(getattr(litellm, name)) as caught:
        complete(model, stream=stream)
    assert caught.value.status_code == status
