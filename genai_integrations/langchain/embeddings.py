"""`GenAIEmbeddings`: LangChain embeddings over the router."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from genai_integrations.calls.vectors import Vector, vectors_of
from genai_integrations.client import GenAIClient, checked_client, default_client
from genai_integrations.errors import (
    ConfigurationError,
    ContextWindowExceededError,
)
from genai_integrations.langchain.errors import framework_errors

_BYTES_PER_TOKEN = 2
"""Fewer than in any common language, so that a batch is rather too small than too large."""


class GenAIEmbeddings(BaseModel, Embeddings):
    """Embeddings by name.

    Args:
        model: A name as `GenAIClient.embedding` takes it; default `text-embedding-3-small`.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
    """

    model: str = "text-embedding-3-small"
    """The name, as `GenAIClient.embedding` takes it."""
    dimensions: int | None = Field(default=None, gt=0)
    """Size of the vectors, where the model lets one choose."""
    chunk_size: int = Field(default=256, gt=0)
    """Most texts of one request."""
    max_chunk_tokens: int = Field(default=200_000, gt=0)
    """Most tokens of one request, by a careful guess; what is refused as too long all the same is halved."""
    max_concurrency: int = Field(default=4, gt=0)
    """Requests at once, of the async methods."""
    timeout: float | None = None
    """Seconds for one attempt; None leaves it to the client."""
    max_retries: int | None = None
    """`num_retries` of the router; None leaves it to the client."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the embeddings API."""
    show_progress_bar: bool = False
    """Show how far a long list is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, protected_namespaces=())
    _client: GenAIClient | None = PrivateAttr(default=None)

    def __init__(
        self,
        model: str = "text-embedding-3-small",
        *,
        client: GenAIClient | None = None,
        **fields: Any,
    ) -> None:
        if not fields.keys() <= type(self).model_fields.keys():
            from genai_integrations.langchain.fields import unknown_fields

            raise unknown_fields(type(self), fields)
        super().__init__(model=model, **fields)
        self._client = checked_client(client)

    @property
    def client(self) -> GenAIClient:
        """The client this model asks."""
        return self._client or default_client()

    def embed_documents(self, texts: list[str]) -> list[Vector]:
        """One vector per text, in order.

        Raises:
            ConfigurationError: A text is empty.
            CallError: Providers were called and failed.
        """
        with framework_errors, self._progress(len(texts)) as shown:
            vectors: list[Vector] = []
            for batch in self._batches(texts):
                vectors += self._embed(batch)
                shown.update(len(batch))
            return vectors

    def embed_query(self, text: str) -> Vector:
        """The vector of one text. Raises as `embed_documents`."""
        with framework_errors:
            _check([text])
            return self._embed([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[Vector]:
        """As `embed_documents`, without blocking the event loop, several batches at once."""
        places = asyncio.Semaphore(self.max_concurrency)
        with framework_errors, self._progress(len(texts)) as shown:

            async def embed(batch: list[str]) -> list[Vector]:
                async with places:
                    vectors = await self._aembed(batch)
                shown.update(len(batch))
                return vectors

            return await _in_order([embed(batch) for batch in self._batches(texts)])

    async def aembed_query(self, text: str) -> Vector:
        """As `embed_query`, without blocking the event loop."""
        with framework_errors:
            _check([text])
            return (await self._aembed([text]))[0]

    def _embed(self, texts: list[str]) -> list[Vector]:
        try:
            reply = self.client.embedding(self.model, texts, **self._params())
        except ContextWindowExceededError:
            if len(texts) == 1:
                raise
            half = len(texts) // 2
            return self._embed(texts[:half]) + self._embed(texts[half:])
        return vectors_of(reply.wire["data"], len(texts))

    async def _aembed(self, texts: list[str]) -> list[Vector]:
        try:
            reply = await self.client.aembedding(self.model, texts, **self._params())
        except ContextWindowExceededError:
            if len(texts) == 1:
                raise
            half = len(texts) // 2
            return await self._aembed(texts[:half]) + await self._aembed(texts[half:])
        return vectors_of(reply.wire["data"], len(texts))

    def _params(self) -> dict[str, Any]:
        own = {
            "dimensions": self.dimensions,
            "timeout": self.timeout,
            "num_retries": self.max_retries,
        }
        told = {name: value for name, value in own.items() if value is not None}
        return {**self.model_kwargs, **told}

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """The texts in order, in batches of so many texts and tokens at most."""
        _check(texts)
        batch: list[str] = []
        tokens = 0
        for text in texts:
            more = len(text.encode(errors="replace")) // _BYTES_PER_TOKEN + 1
            if batch and (len(batch) == self.chunk_size or tokens + more > self.max_chunk_tokens):
                yield batch
                batch, tokens = [], 0
            batch.append(text)
            tokens += more
        if batch:
            yield batch

    def _progress(self, total: int) -> Any:
        from tqdm.auto import tqdm

        return tqdm(total=total, disable=not self.show_progress_bar, unit="text")


def _check(texts: Sequence[str]) -> None:
    for at, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"texts[{at}] is not a text that can be embedded: {text!r}")


async def _in_order(batches: Iterable[Any]) -> list[Vector]:
    """The vectors of all batches; when one fails, the others are stopped."""
    tasks = [asyncio.ensure_future(batch) for batch in batches]
    try:
        found = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return [vector for vectors in found for vector in vectors]
