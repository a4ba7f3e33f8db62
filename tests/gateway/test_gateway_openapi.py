"""The description at /openapi.json, held against what the gateway does."""

from __future__ import annotations

import ast
from pathlib import Path

import httpx
import jsonschema
import pytest

from genai_integrations import gateway
from genai_integrations.calls import failures
from genai_integrations.gateway import openapi
from genai_integrations.gateway.app import ROWS

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
EMBED = {"model": "gpt-4o", "input": "Hi"}

TAKEN = [
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": None, "stream_options": None, "metadata": {}}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {}}),
    (
        "/v1/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "system", "content": ""}, *CHAT["messages"]]},
    ),
    (
        "/v1/chat/completions",
        {**CHAT, "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
    ),
    ("/v1/embeddings", EMBED),
    ("/v1/embeddings", {**EMBED, "input": ["a", "b"], "encoding_format": "base64"}),
    ("/v1/embeddings", {**EMBED, "input": [1, 2], "encoding_format": None}),
    ("/v1/embeddings", {**EMBED, "input": [[1], [2, 3]]}),
]

REFUSED = [
    *(("/v1/chat/completions", body) for body in ({}, {"model": "gpt-4o"}, {**CHAT, "model": ""})),
    *(("/v1/chat/completions", {**CHAT, "model": value}) for value in (None, 5, ["gpt-4o"], {})),
    *(
        ("/v1/chat/completions", {**CHAT, "messages": value})
        for value in (None, [], {}, "Hi", [None], [{}], [{"role": "user", "content": 5}])
    ),
    *(
        ("/v1/chat/completions", {**CHAT, "messages": [{"role": value, "content": "Hi"}]})
        for value in (None, 5, "nobody", ["user"], {})
    ),
    *(
        ("/v1/chat/completions", {**CHAT, "messages": [{"role": "user", "content": [value]}]})
        for value in (None, 5, "Hi", {}, {"type": 5})
    ),
    *(("/v1/chat/completions", {**CHAT, "stream": value}) for value in (0, "true", [], {})),
    *(("/v1/chat/completions", {**CHAT, "stream_options": value}) for value in (0, "a", [])),
    *(("/v1/chat/completions", {**CHAT, "metadata": value}) for value in (0, "a", [])),
    *(
        ("/v1/embeddings", {**EMBED, "input": value})
        for value in (None, "", [], [[]], [None], ["a", 5], [1.5], {}, [[1], "a", {}], True)
    ),
    *(("/v1/embeddings", {**EMBED, "encoding_format": value}) for value in ("hex", 5, [], {})),
    ("/v1/embeddings", {**EMBED, "metadata": "a"}),
]


@pytest.fixture(scope="module")
def description():
    """The paths of the description."""
    return openapi.description()["paths"]


def _valid(content, value):
    schema = content["application/json"]["schema"]
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(("path", "body"), TAKEN)
def test_what_is_described_is_taken(gateway, description, path, body):
    """And the answer is as described."""
    response = httpx.post(f"{gateway}{path}", json=body)
    operation = description[path]["post"]

    assert _valid(operation["requestBody"]["content"], body)
    assert response.status_code == 200, response.text
    if not body.get("stream"):
        assert _valid(operation["responses"]["200"]["content"], response.json())


def test_what_is_not_described_is_refused(gateway, provider, description):
    """In the shape that is described, and nobody is asked."""
    with httpx.Client(base_url=gateway) as caller:
        for path, body in REFUSED:
            response = caller.post(path, json=body)
            operation = description[path]["post"]
            assert not _valid(operation["requestBody"]["content"], body), (path, body)
            assert response.status_code == 400, (path, body)
            assert _valid(operation["responses"]["default"]["content"], response.json())
    assert provider.requests == []


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/seoul/gpt-4o", "/health/live", "/health/ready"]
)
def test_what_is_got(gateway, description, path):
    """As described."""
    found = httpx.get(f"{gateway}{path}").json()
    described = "/v1/models/{name}" if path.startswith("/v1/models/") else path

    assert _valid(description[described]["get"]["responses"]["200"]["content"], found)


def test_every_route_is_described(gateway, description):
    """But for pages that people look at, metrics and the description itself, which is served as it is."""
    served = {(row.method.lower(), f"/v1{row.path}" if row.is_api else row.path) for row in ROWS}
    told = {
        (method, path.replace("{name}", "*")) for path, row in description.items() for method in row
    }

    assert httpx.get(f"{gateway}/openapi.json").json()["paths"] == description
    assert served - told == {
        ("get", "/"),
        ("get", "/status/events"),
        ("get", "/metrics"),
        ("get", "/openapi.json"),
    }
    assert told <= served


def test_every_code_is_in_the_docs():
    """A caller's program decides by the code, so each that the gateway can tell is in the table of errors."""
    folder = Path(gateway.__file__).parent
    codes = {code for _, code in failures._ROWS.values()}
    for path in folder.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Refused":
                words = [
                    part.value for part in ast.walk(call.args[1]) if isinstance(part, ast.Constant)
                ]
                codes |= {word for word in words if isinstance(word, str)}
    text = (Path(__file__).parents[2] / "docs/gateway.md").read_text("utf-8")

    assert "keys_unavailable" in codes
    assert {code for code in codes if f"`{code}`" not in text} == set()
