# ruff: noqa: ARG002  the arguments are those of `Dialect`
"""OpenAI's chat and embeddings, Azure's, and those of every compatible server, as a `Dialect`."""

from __future__ import annotations

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.dialect import Events
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.sse import SSEDecoder
from genai_integrations.transports.openai.address import open_endpoint
from genai_integrations.transports.openai.shaping import shaped

CARRYING = (b'"choices"', b'"usage"', b'"error"', b"[DONE]")
"""What a named event must have to be more than a `ping`, of which servers have many: OpenAI's events have no names."""


class OpenAIDialect:
    """Calls have this form already, so little is left to do."""

    headers = None

    def endpoint(
        self,
        connection: Connection,
        model: str,
        operation: Operation,
        *,
        streamed: bool,
        pins: OriginPins,
    ) -> Endpoint:
        """Whole answers and streams have one address."""
        return open_endpoint(connection, model, operation, pins)

    def body(self, call: WireCall) -> Wire:
        """The request as this provider's copy of the dialect takes it."""
        return shaped(call)

    def reply(self, answer: object, call: WireCall) -> object:
        """As it came."""
        return answer

    def splitter(self) -> SSEDecoder:
        """For server-sent events."""
        return SSEDecoder(CARRYING)

    def events(self, call: WireCall) -> Events | None:
        """Each is a chunk."""
