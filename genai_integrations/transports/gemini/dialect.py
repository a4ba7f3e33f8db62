"""Gemini's `generateContent` and `streamGenerateContent` and Google's embeddings, as a `Dialect`."""

from __future__ import annotations

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.gemini.address import open_endpoint
from genai_integrations.transports.gemini.embeddings import embedding_body, embeddings_of
from genai_integrations.transports.gemini.events import GeminiEvents
from genai_integrations.transports.gemini.replies import reply_of
from genai_integrations.transports.gemini.requests import chat_body
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.sse import SSEDecoder


class GeminiDialect:
    """Of AI Studio and of Vertex AI alike: they differ in the address, in the proof and in embeddings."""

    def endpoint(
        self,
        connection: Connection,
        model: str,
        operation: Operation,
        *,
        streamed: bool,
        pins: OriginPins,
    ) -> Endpoint:
        """As `open_endpoint`."""
        return open_endpoint(connection, model, operation, pins, streamed=streamed)

    def body(self, call: WireCall) -> Wire:
        """As `chat_body` and `embedding_body`."""
        return embedding_body(call) if call.operation == "embeddings" else chat_body(call)

    def headers(self, call: WireCall, body: Wire) -> Headers:  # noqa: ARG002  as in `Dialect`
        """Those of the call."""
        return call.headers

    def reply(self, answer: object, call: WireCall) -> Wire:
        """As `reply_of` and `embeddings_of`."""
        if call.operation == "embeddings":
            return embeddings_of(answer, call.model)
        return reply_of(answer, call.model)

    def splitter(self) -> SSEDecoder:
        """For server-sent events, which have no names here."""
        return SSEDecoder()

    def events(self, call: WireCall) -> GeminiEvents:
        """As `GeminiEvents`."""
        return GeminiEvents(call.model)
