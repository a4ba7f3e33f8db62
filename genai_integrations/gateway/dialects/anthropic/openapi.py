"""Anthropic's routes in OpenAPI: what is looked at here. What else a body may have is Anthropic's to describe."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_BLOCK: Schema = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": _TEXT},
}
_WORDS: Schema = {"oneOf": [_TEXT, {"type": "array", "items": _BLOCK}]}
_TURN: Schema = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {"role": {"enum": ["user", "assistant"]}, "content": _WORDS},
}
_TOOL: Schema = {
    "type": "object",
    "required": ["name", "input_schema"],
    "properties": {"name": _TEXT, "description": _TEXT, "input_schema": {"type": "object"}},
}
_PROMPT: Schema = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "messages": {"type": "array", "items": _TURN, "minItems": 1},
        "system": _WORDS,
        "tools": {"type": "array", "items": _TOOL},
        "max_tokens": _NUMBER,
        "stream": {"type": "boolean"},
        "stop_sequences": {"type": "array", "items": _TEXT},
        "metadata": {"type": "object", "properties": {"user_id": _TEXT}},
    },
}
_ASKED: Schema = {**_PROMPT, "required": [*_PROMPT["required"], "max_tokens"]}
_MESSAGE: Schema = {
    "type": "object",
    "required": ["id", "type", "role", "model", "content", "stop_reason", "usage"],
    "properties": {
        "id": _TEXT,
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": _TEXT,
        "content": {"type": "array", "items": {"type": "object", "required": ["type"]}},
        "stop_reason": {"type": ["string", "null"]},
        "usage": {
            "type": "object",
            "required": ["input_tokens", "output_tokens"],
            "properties": {"input_tokens": _NUMBER, "output_tokens": _NUMBER},
        },
    },
}
_COUNT: Schema = {
    "type": "object",
    "required": ["input_tokens"],
    "properties": {"input_tokens": _NUMBER},
}
_ERROR: Schema = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": _TEXT, "message": _TEXT},
        },
    },
}


def _operation(summary: str, asked: Schema, answer: Schema) -> Schema:
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
            "responses": {
                "200": {
                    "description": "The answer; a stream of events where one was asked for.",
                    "content": {
                        "application/json": {"schema": answer},
                        "text/event-stream": {"schema": _TEXT},
                    },
                },
                "default": {
                    "description": "An error, as Anthropic tells it.",
                    "content": {"application/json": {"schema": _ERROR}},
                },
            },
        }
    }


PATHS: Schema = {
    "/messages": _operation("Anthropic's messages", _ASKED, _MESSAGE),
    "/messages/count_tokens": _operation("The tokens of a prompt", _PROMPT, _COUNT),
}
"""By the path without `/v1`."""
