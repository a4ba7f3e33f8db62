"""Amazon Bedrock's Converse, and embeddings by InvokeModel, as a `Dialect`."""

from __future__ import annotations

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.bedrock.address import open_endpoint
from genai_integrations.transports.bedrock.embeddings import embedding_body, embedding_reply
from genai_integrations.transports.bedrock.events import ConverseEvents
from genai_integrations.transports.bedrock.replies import reply_of
from genai_integrations.transports.bedrock.requests import converse_body
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.event_stream import EventStreamDecoder


class BedrockDialect:
    """One form for the chat models of all vendors; streams are AWS's binary events."""

    def endpoint(
        self,
        connection: Connection,
        model: str,
        operation: Operation,
        *,
        streamed: bool,
        pins: OriginPins,
    ) -> Endpoint:
        """The model is in the path, and a stream has a path of its own."""
        return open_endpoint(connection, model, operation, pins, streamed=streamed)

    def body(self, call: WireCall) -> Wire:
        """The request as Bedrock takes it."""
        return embedding_body(call) if call.operation == "embeddings" else converse_body(call)

    def headers(self, call: WireCall, body: Wire) -> Headers:  # noqa: ARG002  as in `Dialect`
        """Those of the call."""
        return call.headers

    def reply(self, answer: object, call: WireCall) -> object:
        """A decoded answer in OpenAI's shape."""
        if call.operation == "embeddings":
            return embedding_reply(answer, call)
        return reply_of(answer, call)

    def splitter(self) -> EventStreamDecoder:
        """For AWS's event stream."""
        return EventStreamDecoder()

    def events(self, call: WireCall) -> ConverseEvents:
        """For the events of one stream."""
        return ConverseEvents(call)
