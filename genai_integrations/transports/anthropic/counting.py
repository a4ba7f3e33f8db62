"""How many tokens a request has, as Anthropic counts them before it is sent: `POST /v1/messages/count_tokens`.

Source: platform.claude.com, "Token counting"; for Vertex, "Count tokens for Claude models" of cloud.google.com.
"""

from __future__ import annotations

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.anthropic.address import is_on_vertex, open_endpoint
from genai_integrations.transports.anthropic.requests import request_body
from genai_integrations.transports.http.endpoint import Endpoint

_COUNTED = frozenset(
    (
        "anthropic_version",
        "cache_control",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "output_format",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    )
)
"""What the prompt is made of. The API refuses the rest."""

_ON_VERTEX = "count-tokens"
"""In place of the model in the address; the body has it."""


def count_endpoint(connection: Connection, model: str, pins: OriginPins) -> Endpoint:
    """Where tokens are counted.

    Raises:
        CredentialError: As for a message.
        ConfigurationError: As for a message.
    """
    if is_on_vertex(connection):
        return open_endpoint(connection, _ON_VERTEX, pins, streamed=False)
    return open_endpoint(connection, model, pins, streamed=False, beyond="/count_tokens")


def count_body(call: WireCall) -> Wire:
    """The request whose tokens are to be counted.

    Raises:
        ConfigurationError: Something in it has no form there.
    """
    body = {name: value for name, value in request_body(call).items() if name in _COUNTED}
    return {**body, "model": call.model}


def counted(answer: object) -> int:
    """The tokens that an answer tells.

    Raises:
        InvalidReplyError: It tells none.
    """
    tokens = answer.get("input_tokens") if isinstance(answer, dict) else None
    if not isinstance(tokens, int):
        raise InvalidReplyError("the server's answer has no input_tokens")
    return tokens
