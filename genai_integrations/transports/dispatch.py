"""Which transport speaks to whom."""

from __future__ import annotations

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, WireCall
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.litellm.loading import ASYNC_HTTP
from genai_integrations.transports.litellm.transport import LitellmTransport
from genai_integrations.transports.openai.restating import RESTATED, RestatedChunks, restated_stream
from genai_integrations.transports.openai.transport import OpenAITransport


class Transports:
    """Performs attempts, whoever the provider is. Safe for threads, several event loops and after fork.

    Args:
        pins: Which hosts each key may go to.
    """

    def __init__(self, pins: OriginPins) -> None:
        self._direct = OpenAITransport(pins)
        self._translated = LitellmTransport(pins)

    def is_ready(self, call: WireCall) -> bool:
        """Whether everything is loaded that the call takes."""
        return self._for(call) is self._direct or self._translated.is_loaded

    def is_aready(self, call: WireCall) -> bool:
        """As `is_ready`, for a call from an event loop."""
        return ASYNC_HTTP.is_done and self.is_ready(call)

    def prepare(self, call: WireCall, ends: float | None = None) -> None:
        """Have everything loaded that the call takes: an import is not the provider's time.

        Args:
            call: The call.
            ends: Moment of `time.monotonic` at which the caller's time is over; None for never.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        if not self.is_ready(call):
            self._translated.load(ends)

    async def aprepare(self, call: WireCall, ends: float | None = None) -> None:
        """As `prepare`, without blocking the loop."""
        await ASYNC_HTTP.aload(ends)
        if not self.is_ready(call):
            await self._translated.aload(ends)

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be had or may not go there.
        """
        reply = self._for(call).send(call, patience)
        restate = RESTATED.get(call.connection.provider.name)
        return restate(reply) if restate else reply

    def stream(self, call: WireCall, patience: Patience) -> Chunks:
        """One request, chunks as they arrive; `END` is the server saying that they are all.

        Nothing is sent before the first `next`. Raises as `send`, at any chunk.
        """
        chunks = self._for(call).stream(call, patience)
        restate = RESTATED.get(call.connection.provider.name)
        return restated_stream(chunks, restate) if restate else chunks

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As `send`; how long the whole may take is the caller's to bound."""
        reply = await self._for(call).asend(call, idle)
        restate = RESTATED.get(call.connection.provider.name)
        return restate(reply) if restate else reply

    def astream(self, call: WireCall, idle: float) -> AsyncChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        chunks = self._for(call).astream(call, idle)
        restate = RESTATED.get(call.connection.provider.name)
        return RestatedChunks(chunks, restate) if restate else chunks

    def close(self) -> None:
        """Forget every key. Calls under way go on; connections are the process's, and close when they are old."""
        self._direct.close()
        self._translated.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def _for(self, call: WireCall) -> OpenAITransport | LitellmTransport:
        connection = call.connection
        if connection.provider.dialect == "litellm" or connection.use_responses_api:
            return self._translated
        return self._direct
