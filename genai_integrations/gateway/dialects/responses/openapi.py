"""The route of OpenAI's Responses API in OpenAPI: what is looked at here. What else a body may have is OpenAI's to describe."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_PART: Schema = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "input_text"}, "text": _TEXT},
}
_ITEM: Schema = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "type": {"const": "message"},
        "role": {"enum": ["user", "system", "developer"]},
        "content": {"oneOf": [_TEXT, {"type": "array", "items": _PART}]},
    },
}
_TOOL: Schema = {
    "type": "object",
    "required": ["type", "name"],
    "properties": {
        "type": {"const": "function"},
        "name": _TEXT,
        "description": _TEXT,
        "parameters": {"type": "object"},
        "strict": {"type": "boolean"},
    },
}
_ASKED: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "input": {"oneOf": [_TEXT, {"type": "array", "items": _ITEM, "minItems": 1}]},
        "instructions": _TEXT,
        "max_output_tokens": {"type": "integer"},
        "metadata": {"type": "object"},
        "store": {"const": False},
        "stream": {"type": "boolean"},
        "tools": {"type": "array", "items": _TOOL},
    },
}
_RESPONSE: Schema = {
    "type": "object",
    "required": ["id", "object", "created_at", "status", "model", "output", "usage"],
    "properties": {
        "id": _TEXT,
        "object": {"const": "response"},
        "created_at": {"type": "number"},
        "status": {"enum": ["completed", "incomplete"]},
        "model": _TEXT,
        "output": {"type": "array", "items": {"type": "object", "required": ["type"]}},
        "usage": {"type": "object", "required": ["input_tokens", "output_tokens", "total_tokens"]},
    },
}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": _TEXT, "type": _TEXT},
        }
    },
}

PATHS: Schema = {
    "/responses": {
        "post": {
            "summary": "OpenAI's responses",
            "requestBody": {"required": True, "content": {"application/json": {"schema": _ASKED}}},
            "responses": {
                "200": {
                    "description": "The response; a stream of events where one was asked for.",
                    "content": {
                        "application/json": {"schema": _RESPONSE},
                        "text/event-stream": {"schema": _TEXT},
                    },
                },
                "default": {
                    "description": "An error, as OpenAI tells it.",
                    "content": {"application/json": {"schema": _ERROR}},
                },
            },
        }
    }
}
"""By the path without `/v1`."""
