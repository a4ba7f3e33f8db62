"""OpenAI's Responses API as a `Dialect`: chat goes there, embeddings where they are with OpenAI."""

from __future__ import annotations

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.dialect import Events
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.sse import SSEDecoder
from genai_integrations.transports.openai.dialect import OpenAIDialect
from genai_integrations.transports.openai.responses.address import open_endpoint
from genai_integrations.transports.openai.responses.events import ResponseEvents
from genai_integrations.transports.openai.responses.replies import completion_of
from genai_integrations.transports.openai.responses.requests import body_of, relayed_body
from genai_integrations.transports.openai.responses.stops import StoppedEvents, cut, stops_of


class ResponsesDialect(OpenAIDialect):
    """Of OpenAI itself, Azure, and servers that copied it."""

    speaks = "responses"

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
        if operation == "chat/completions":
            return open_endpoint(connection, model, pins)
        return super().endpoint(connection, model, operation, streamed=streamed, pins=pins)

    def body(self, call: WireCall) -> Wire:
        """The request with its messages as items."""
        return body_of(call) if call.operation == "chat/completions" else super().body(call)

    def relayed(self, call: WireCall) -> Wire | None:
        """The request in the caller's own words."""
        return relayed_body(call)

    def reply(self, answer: object, call: WireCall) -> object:
        """The response as a completion."""
        if call.operation == "chat/completions":
            stops = stops_of(call.body)
            return cut(completion_of(answer), stops) if stops else completion_of(answer)
        return super().reply(answer, call)

    def splitter(self) -> SSEDecoder:
        """For server-sent events, all of which have names here."""
        return SSEDecoder()

    def events(self, call: WireCall) -> Events:
        """A response's."""
        stops = stops_of(call.body)
        return StoppedEvents(stops) if stops else ResponseEvents()
