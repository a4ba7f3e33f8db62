"""Anthropic's Messages API as a `Dialect`: at Anthropic, on Azure AI Foundry, and on Vertex AI."""

from __future__ import annotations

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.anthropic.address import open_endpoint
from genai_integrations.transports.anthropic.betas import HEADER, betas_of
from genai_integrations.transports.anthropic.events import MessageEvents
from genai_integrations.transports.anthropic.replies import reply_of
from genai_integrations.transports.anthropic.requests import relayed_body, request_body
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.sse import SSEDecoder


class AnthropicDialect:
    """Anthropic itself, Foundry, and Claude on Vertex."""

    speaks = "anthropic"

    def endpoint(
        self,
        connection: Connection,
        model: str,
        operation: Operation,
        *,
        streamed: bool,
        pins: OriginPins,
    ) -> Endpoint:
        """Of the messages."""
        _check(operation)
        return open_endpoint(connection, model, pins, streamed=streamed)

    def body(self, call: WireCall) -> Wire:
        """The request."""
        return request_body(call)

    def relayed(self, call: WireCall) -> Wire | None:
        """The request in the caller's own words."""
        return relayed_body(call)

    def headers(self, call: WireCall, body: Wire) -> Headers:
        """Those of the call, with the betas that its body makes use of."""
        betas = betas_of(body, call.connection.provider.name)
        if not betas:
            return call.headers
        asked = [call.headers[HEADER]] if HEADER in call.headers else []
        return {**call.headers, HEADER: ",".join((*asked, *betas))}

    def reply(self, answer: object, call: WireCall) -> object:
        """A message."""
        return reply_of(answer, call)

    def splitter(self) -> SSEDecoder:
        """For server-sent events."""
        return SSEDecoder()

    def events(self, call: WireCall) -> MessageEvents:
        """Of one message."""
        return MessageEvents(call)


def _check(operation: Operation) -> None:
    if operation != "chat/completions":
        raise ConfigurationError(
            "Anthropic has no embeddings: use a model of another provider, such as voyage"
        )
