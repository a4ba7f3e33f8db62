"""What the gateway serves, in OpenAPI 3.1: written by hand, and held against the gateway by the tests.

A body may have more than is described: what goes to a provider as it is, that provider describes.
"""

from __future__ import annotations

from typing import Any

from genai_integrations.gateway.dialects.anthropic import openapi as anthropic
from genai_integrations.gateway.dialects.embeddings import MOST_TEXTS, MOST_TOKEN
from genai_integrations.gateway.dialects.responses import openapi as responses
from genai_integrations.version import VERSION

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_NUMBER: Schema = {"type": "integer"}
_FLAG: Schema = {"type": ["boolean", "null"]}
_OBJECT: Schema = {"type": ["object", "null"]}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    bound = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": items, "minItems": least, **bound}


_PART = _object(("type", "text"), type={"const": "text"}, text=_TEXT)
_TURN = _object(
    ("role", "content"),
    role={"enum": ["system", "developer", "user", "assistant"]},
    content={"oneOf": [_TEXT, _list(_PART, 1)]},
)
_ASKED = _object(
    ("model", "messages"),
    model=_NAME,
    messages=_list(_TURN, 1),
    stream=_FLAG,
    stream_options=_OBJECT,
    metadata=_OBJECT,
)
_TOLD = _object(
    ("target", "cost", "cache", "route"),
    target={"type": ["string", "null"]},
    cost={"type": ["number", "null"]},
    cache={"enum": ["HIT", "MISS", "STALE", "BYPASS"]},
    route=_TEXT,
)
_CHOICE = _object(("index", "message", "finish_reason"), index=_NUMBER, message={"type": "object"})
_ANSWER = _object(("id", "object", "model", "choices"), choices=_list(_CHOICE), genai=_TOLD)
_TOKENS = _list({"type": "integer", "minimum": 0, "maximum": MOST_TOKEN}, 1)
_EMBEDDED = _object(
    ("model", "input"),
    model=_NAME,
    input={"anyOf": [_NAME, _TOKENS, _list(_TEXT, 1, MOST_TEXTS), _list(_TOKENS, 1, MOST_TEXTS)]},
    encoding_format={"enum": ["float", "base64", None]},
    metadata=_OBJECT,
)
_VECTOR = {"oneOf": [_list({"type": "number"}), _TEXT]}
_VECTORS = _object(
    ("object", "data", "model"),
    data=_list(_object(("index", "embedding"), index=_NUMBER, embedding=_VECTOR)),
    genai=_TOLD,
)
_MODEL = _object(
    ("id", "object", "created", "owned_by"),
    id=_TEXT,
    object={"const": "model"},
    created=_NUMBER,
    owned_by=_TEXT,
)
_MODELS = _object(("object", "data"), object={"const": "list"}, data=_list(_MODEL))
_ERROR = _object(
    ("error",),
    error=_object(
        ("message", "type", "param", "code"),
        message=_TEXT,
        type=_TEXT,
        param={"type": ["string", "null"]},
        code={"type": ["string", "null"]},
    ),
)
_STATUS = _object(("status",), status=_TEXT)

_HEADERS: Schema = {
    "x-request-id": {"description": "Id of the request.", "schema": _TEXT},
    "x-genai-target": {"description": "Who answered, percent-encoded.", "schema": _TEXT},
    "x-genai-cost": {"description": "US dollars, where they are known.", "schema": _TEXT},
    "x-genai-cache": {
        "description": "Whether the answer was kept.",
        "schema": {"enum": ["HIT", "MISS"]},
    },
}
_NAME_IN_PATH: Schema = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": _NAME,
    "description": "Its slashes are a part of the path.",
}


def _content(schema: Schema, kind: str = "application/json") -> Schema:
    return {kind: {"schema": schema}}


def _operation(summary: str, answer: Schema, **more: Any) -> Schema:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": "The answer.", "content": answer, "headers": _HEADERS},
            "default": {"description": "An error.", "content": _content(_ERROR)},
        },
        **more,
    }


def _asking(summary: str, asked: Schema, answer: Schema) -> Schema:
    body = {"required": True, "content": _content(asked)}
    return {"post": _operation(summary, answer, requestBody=body)}


def _getting(summary: str, answer: Schema, **more: Any) -> Schema:
    return {"get": _operation(summary, _content(answer), **more)}


PATHS: Schema = {
    "/v1/chat/completions": _asking(
        "OpenAI's chat completions",
        _ASKED,
        {**_content(_ANSWER), **_content(_TEXT, "text/event-stream")},
    ),
    "/v1/embeddings": _asking("OpenAI's embeddings", _EMBEDDED, _content(_VECTORS)),
    "/v1/models": _getting("The names that the caller may use", _MODELS),
    "/v1/models/{name}": _getting("One of them", _MODEL, parameters=[_NAME_IN_PATH]),
    "/health/live": _getting("Whether the process works", _STATUS),
    "/health/ready": _getting("Whether it should be sent requests", _STATUS),
}


def description() -> Schema:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "genai-integrations gateway",
            "version": VERSION,
            "description": "Each path below /v1 is served without it, too.",
        },
        "paths": {**PATHS, **_of(anthropic.PATHS), **_of(responses.PATHS)},
    }


def _of(paths: Schema) -> Schema:
    """The paths of one of the APIs, as they are usually written."""
    return {f"/v1{path}": row for path, row in paths.items()}
