"""How many tokens a conversation has, asked of Bedrock itself: CountTokens.

Source: AWS API reference, `CountTokens`. It takes ids of models, not of inference profiles, and knows Claude.
"""

from __future__ import annotations

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.bedrock.requests import converse_body

ACTION = "count-tokens"
"""The last part of the path, in place of `converse`."""

_COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")


def counting_body(call: WireCall) -> Wire:
    """The request that counts what a chat request would send."""
    body = converse_body(call)
    return {"input": {"converse": {name: body[name] for name in _COUNTED if name in body}}}


def counted_tokens(answer: object) -> int:
    """The number in an answer.

    Raises:
        InvalidReplyError: It has none.
    """
    match answer:
        case {"inputTokens": int(tokens)}:
            return tokens
    raise InvalidReplyError("the server's answer has no inputTokens")
