"""Which transport speaks to whom, and in which dialect."""

from __future__ import annotations

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.dialect import Dialect
from genai_integrations.transports.direct import DirectTransport
from genai_integrations.transports.http.endpoint import Signer
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import ASYNC_HTTP, SHARED, Shared
from genai_integrations.transports.litellm.transport import LitellmTransport
from genai_integrations.transports.openai.dialect import OpenAIDialect

_OPENAI = OpenAIDialect()


def dialect_of(connection: Connection, model: str) -> Dialect | None:  # noqa: ARG001  Vertex has several
    """Whose wire format the model is spoken to in; None where LiteLLM translates."""
    if connection.use_responses_api:
        return None
    match connection.dialect or connection.provider.dialect:
        case "openai" | "azure":
            return _OPENAI
    return None


class Transports:
    """Performs attempts, whoever the provider is. Safe for threads, several event loops and after fork.

    Args:
        pins: Which hosts each key may go to.
        shared: Has the connections.
    """

    def __init__(self, pins: OriginPins, shared: Shared = SHARED) -> None:
        self._direct = DirectTransport(pins, dialect_of, shared)
        self._translated = LitellmTransport(pins)

    def is_ready(self, call: WireCall) -> bool:
        """Whether everything is loaded that the call takes."""
        if self._for(call) is self._translated:
            return self._translated.loading(call).is_done
        signer = self._signer(call)
        return signer is None or signer.is_ready

    def is_aready(self, call: WireCall) -> bool:
        """As `is_ready`, for a call from an event loop."""
        return ASYNC_HTTP.is_done and self.is_ready(call)

    def prepare(self, call: WireCall, ends: float | None = None) -> None:
        """Have everything loaded that the call takes: an import or a token is not the provider's time.

        Args:
            call: The call.
            ends: Moment of `time.monotonic` at which the caller's time is over; None for never.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        if self._for(call) is self._translated:
            self._translated.loading(call).load(ends)
        elif signer := self._signer(call):
            signer.prepare(ends)

    async def aprepare(self, call: WireCall, ends: float | None = None) -> None:
        """As `prepare`, without blocking the loop."""
        await ASYNC_HTTP.aload(ends)
        if self._for(call) is self._translated:
            await self._translated.loading(call).aload(ends)
        elif signer := self._signer(call):
            await signer.aprepare(ends)

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be had or may not go there.
        """
        return self._for(call).send(call, patience)

    def stream(self, call: WireCall, patience: Patience) -> Chunks:
        """One request, chunks as they arrive; `END` is the server saying that they are all.

        Nothing is sent before the first `next`. Raises as `send`, at any chunk.
        """
        return self._for(call).stream(call, patience)

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As `send`; how long the whole may take is the caller's to bound."""
        return await self._for(call).asend(call, idle)

    def astream(self, call: WireCall, idle: float) -> AsyncChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        return self._for(call).astream(call, idle)

    def close(self) -> None:
        """Forget every key. Calls under way go on; connections are the process's, and close when they are old."""
        self._direct.close()
        self._translated.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def _for(self, call: WireCall) -> DirectTransport | LitellmTransport:
        is_ours = dialect_of(call.connection, call.model) is not None
        return self._direct if is_ours else self._translated

    def _signer(self, call: WireCall) -> Signer | None:
        """Only some providers' requests are signed; for the others nothing is looked up."""
        if call.connection.provider.name not in _SIGNED:
            return None
        return self._direct.signer(call)


_SIGNED = frozenset(("bedrock", "vertex"))
