"""Which transport speaks to whom, and in which dialect."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, cast

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.providers import Dialect as Name
from genai_integrations.runtime.loading import loading
from genai_integrations.runtime.made_once import made_once
from genai_integrations.transports.dialect import Dialect
from genai_integrations.transports.direct import DirectTransport
from genai_integrations.transports.http.endpoint import Signer
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import ASYNC_HTTP, SHARED, SYNC_HTTP, Shared
from genai_integrations.transports.litellm.loading import LITELLM

if TYPE_CHECKING:
    from genai_integrations.transports.batch_dialect import BatchDialect
    from genai_integrations.transports.batching import Batching
    from genai_integrations.transports.litellm.transport import LitellmTransport


def dialect_of(connection: Connection, model: str) -> Dialect | None:
    """Whose wire format the model is spoken to in; None where LiteLLM translates."""
    name = connection.dialect or connection.provider.dialect
    if not isinstance(name, str):
        return cast("Dialect", name)  # a program's own
    if name == "vertex":
        name = _on_vertex(model)
    elif name == "azure" and _is_foundry(connection.base_url):
        name = "anthropic"
    return _dialect(name)


@cache
def _dialect(name: str) -> Dialect | None:
    """Loaded with the first call that is spoken so: most programs speak one."""
    load = _DIALECTS.get(name)
    return load() if load else None


def _openai() -> Dialect:
    from genai_integrations.transports.openai.dialect import OpenAIDialect

    return OpenAIDialect()


def _responses() -> Dialect:
    from genai_integrations.transports.openai.responses.dialect import ResponsesDialect

    return ResponsesDialect()


def _anthropic() -> Dialect:
    from genai_integrations.transports.anthropic.dialect import AnthropicDialect

    return AnthropicDialect()


def _gemini() -> Dialect:
    from genai_integrations.transports.gemini.dialect import GeminiDialect

    return GeminiDialect()


def _bedrock() -> Dialect:
    from genai_integrations.transports.bedrock.dialect import BedrockDialect

    return BedrockDialect()


_DIALECTS: Mapping[str, Callable[[], Dialect]] = {
    "openai": _openai,
    "azure": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
}
"""Those of our own."""


@lru_cache(1024)
def _on_vertex(model: str) -> Name:
    """The model's vendor's; all but Google's own and Anthropic's go through LiteLLM there."""
    from genai_integrations.transports.gemini.abilities import is_on_vertex

    if model.startswith("claude-"):
        return "anthropic"
    return "gemini" if is_on_vertex(model) else "litellm"


def _is_foundry(base: str | None) -> bool:
    """Whether an Azure address is Foundry's for Claude: `https://<resource>.services.ai.azure.com/anthropic`.

    Source: learn.microsoft.com, "Deploy and use Claude models in Microsoft Foundry".
    """
    return base is not None and "/anthropic" in base


def batches_of(connection: Connection, model: str) -> BatchDialect | None:
    """How the provider takes many requests at once; None where it does not, or not in a way that is spoken here.

    Vertex AI's read and write storage that a connection does not name; Bedrock's do, too, and settings name it.
    """
    if connection.dialect is not None or dialect_of(connection, model) is None:
        return None
    load = _BATCHES.get(connection.provider.name)
    return None if load is None or _is_foundry(connection.base_url) else load()


def _bedrock_batches() -> BatchDialect | None:
    from genai_integrations.settings import bedrock_batch_settings
    from genai_integrations.transports.bedrock.batches import BedrockBatches, say_once

    settings = bedrock_batch_settings()
    if not settings.is_complete:
        say_once()
        return None
    return BedrockBatches(settings)


def _openai_batches() -> BatchDialect:
    from genai_integrations.transports.openai.batches import OpenAIBatches

    return OpenAIBatches()


def _azure_batches() -> BatchDialect:
    from genai_integrations.transports.openai.batches import AzureBatches

    return AzureBatches()


def _mistral_batches() -> BatchDialect:
    from genai_integrations.transports.openai.batches import MistralBatches

    return MistralBatches()


def _anthropic_batches() -> BatchDialect:
    from genai_integrations.transports.anthropic.batches import AnthropicBatches

    return AnthropicBatches()


def _gemini_batches() -> BatchDialect:
    from genai_integrations.transports.gemini.batches import GeminiBatches

    return GeminiBatches()


_BATCHES: Mapping[str, Callable[[], BatchDialect | None]] = {
    "bedrock": _bedrock_batches,
    "openai": _openai_batches,
    "azure": _azure_batches,
    "mistral": _mistral_batches,
    "anthropic": _anthropic_batches,
    "google-ai-studio": _gemini_batches,
}
"""By the provider's name."""


class Transports:
    """Performs attempts, whoever the provider is. Safe for threads, several event loops and after fork.

    Args:
        pins: Which hosts each key may go to.
        shared: Has the connections.
    """

    def __init__(self, pins: OriginPins, shared: Shared = SHARED) -> None:
        self._pins = pins
        self._shared = shared
        self._direct = DirectTransport(pins, dialect_of, shared)

    @made_once
    def _translated(self) -> LitellmTransport:
        """Made for the first call that LiteLLM translates: most programs have none."""
        with loading():
            from genai_integrations.transports.litellm.transport import LitellmTransport

            return LitellmTransport(self._pins)

    @made_once
    def batching(self) -> Batching:
        """Native batches; most programs have none."""
        with loading():
            from genai_integrations.transports.batching import Batching

            return Batching(self._pins, dialect_of, batches_of, self._shared)

    def is_ready(self, call: WireCall) -> bool:
        """Whether everything is loaded that the call takes."""
        return SYNC_HTTP in sys.modules and self._is_prepared(call)

    def is_aready(self, call: WireCall) -> bool:
        """As `is_ready`, for a call from an event loop."""
        return ASYNC_HTTP.is_done and self._is_prepared(call)

    def prepare(self, call: WireCall, ends: float | None = None) -> None:
        """Have everything loaded that the call takes: an import or a token is not the provider's time.

        Args:
            call: The call.
            ends: Moment of `time.monotonic` at which the caller's time is over; None for never.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        with loading():
            importlib.import_module(SYNC_HTTP)
        if not _is_ours(call):
            LITELLM.load(ends)
            self._translated.prepare(call, ends)
            return
        self._direct.open(call)
        if signer := self._signer(call):
            signer.prepare(ends)

    async def aprepare(self, call: WireCall, ends: float | None = None) -> None:
        """As `prepare`, without blocking the loop."""
        await ASYNC_HTTP.aload(ends)
        if not _is_ours(call):
            await LITELLM.aload(ends)
            await self._translated.aprepare(call, ends)
            return
        self._direct.open(call)
        if signer := self._signer(call):
            await signer.aprepare(ends)

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be read, or may not go there.
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
        if "_translated" in vars(self):
            self._translated.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def _for(self, call: WireCall) -> DirectTransport | LitellmTransport:
        return self._direct if _is_ours(call) else self._translated

    def _is_prepared(self, call: WireCall) -> bool:
        # In this order, because it is asked before every attempt, and nearly all are open and not signed.
        if self._direct.is_open(call):
            if call.connection.provider.name not in _SIGNED:
                return True
            signer = self._direct.signer(call)
            return signer is None or signer.is_ready
        return not _is_ours(call) and LITELLM.is_done and self._translated.is_open(call)

    def _signer(self, call: WireCall) -> Signer | None:
        """Only some providers' requests are signed; for the others nothing is looked up."""
        if call.connection.provider.name not in _SIGNED:
            return None
        return self._direct.signer(call)


def _is_ours(call: WireCall) -> bool:
    return dialect_of(call.connection, call.model) is not None


_SIGNED = frozenset(("bedrock", "vertex"))
