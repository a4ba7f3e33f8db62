"""How many tokens a conversation has, asked of OpenAI itself.

Source: OpenAI's published description, `POST /responses/input_tokens`.
"""

from __future__ import annotations

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.openai.responses.requests import body_of

ACTION = "input_tokens"
"""The last part of the path, behind `responses`."""

_COUNTED = (
    "model",
    "input",
    "conversation",
    "instructions",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
)


def counting_body(call: WireCall) -> Wire:
    """The request that counts what a chat request would send."""
    body = body_of(call)
    return {name: body[name] for name in _COUNTED if name in body}


def counted_tokens(answer: object) -> int:
    """The number in an answer.

    Raises:
        InvalidReplyError: It has none.
    """
    match answer:
        case {"input_tokens": int(tokens)}:
            return tokens
    raise InvalidReplyError("the server's answer has no input_tokens")
