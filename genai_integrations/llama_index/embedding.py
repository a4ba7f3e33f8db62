"""`GenAIEmbedding`: a LlamaIndex embedding over the router. It only converts."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from typing import Any, Self

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr

from genai_integrations.calls.reply import Reply
from genai_integrations.client import GenAIClient, checked_client, default_client
from genai_integrations.llama_index.copies import checked_fields, picklable, rebuilt
from genai_integrations.llama_index.params import merged
from genai_integrations.tracing.owners import records_calls_of, surrounding_span, watch_spans

_counting = threading.Lock()
"""One for all embeddings, held for an addition: a lock of its own would be a field, which pickles cannot have."""


@dataclass(frozen=True, slots=True)
class EmbeddingUsage:
    """What an embedding has used so far.

    Attributes:
        requests: Requests that were answered.
        total_tokens: Tokens, as the providers report them.
        cost: US dollars, as far as prices are known.
    """

    requests: int = 0
    total_tokens: int = 0
    cost: float = 0.0


class GenAIEmbedding(BaseEmbedding):
    """An embedding by name.

    Args:
        model: A name as `GenAIClient.embedding` takes it; default `text-embedding-3-small`.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
        fields: The fields below, and those of LlamaIndex's `BaseEmbedding`.

    Raises:
        ConfigurationError: A field does not exist, or would redirect a key.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    dimensions: int | None = Field(default=None, description="None: the model's own.", gt=0)
    timeout: float | None = Field(default=None, description="Seconds for one attempt.")
    max_retries: int | None = Field(default=None, description="num_retries of the router.")
    query_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Parameters for queries only."
    )
    document_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Parameters for documents only."
    )
    additional_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Further parameters of OpenAI's API."
    )

    _client: GenAIClient | None = PrivateAttr(default=None)
    _usage: EmbeddingUsage = PrivateAttr(default_factory=EmbeddingUsage)

    def __init__(
        self, model: str | None = None, *, client: GenAIClient | None = None, **fields: Any
    ) -> None:
        given = checked_fields(type(self), fields)
        given["model_name"] = model or given.get("model_name") or "text-embedding-3-small"
        super().__init__(**given)
        self._client = checked_client(client)
        records_calls_of(type(self).__name__)

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "genai_integrations_embedding"

    @property
    def client(self) -> GenAIClient:
        """The client this embedding asks."""
        return self._client or default_client()

    @property
    def model(self) -> str:
        """The model's name."""
        return self.model_name

    @property
    def usage(self) -> EmbeddingUsage:
        """What this embedding has used since it was made."""
        return self._usage

    def with_(self, **fields: Any) -> Self:
        """A copy with other fields and the same client. Raises as the constructor does."""
        return type(self)(**{"client": self._client, **dict(self), **fields})

    def to_payload(self) -> dict[str, Any]:
        """What callbacks and traces may see."""
        watch_spans()
        return {**super().to_payload(), "dimensions": self.dimensions}

    def _get_query_embedding(self, query: str) -> Embedding:
        return self._embed([query], self.query_kwargs)[0]

    async def _aget_query_embedding(self, query: str) -> Embedding:
        return (await self._aembed([query], self.query_kwargs))[0]

    def _get_text_embedding(self, text: str) -> Embedding:
        return self._embed([text], self.document_kwargs)[0]

    async def _aget_text_embedding(self, text: str) -> Embedding:
        return (await self._aembed([text], self.document_kwargs))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return self._embed(texts, self.document_kwargs)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return await self._aembed(texts, self.document_kwargs)

    def _embed(self, texts: list[str], kwargs: dict[str, Any]) -> list[Embedding]:
        params = self._params(kwargs)
        return self._read(self.client.embedding(self.model_name, texts, **params), len(texts))

    async def _aembed(self, texts: list[str], kwargs: dict[str, Any]) -> list[Embedding]:
        params = self._params(kwargs)
        reply = await self.client.aembedding(self.model_name, texts, **params)
        return self._read(reply, len(texts))

    def _params(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        own = {
            name: value
            for name in ("dimensions", "timeout", "max_retries")
            if (value := getattr(self, name)) is not None
        }
        span = surrounding_span()
        trace = {} if span is None else {"langfuse_observation": span}
        return merged(self.additional_kwargs, own, trace, kwargs)

    def _read(self, reply: Reply, wanted: int) -> list[Embedding]:
        tokens = (reply.wire.get("usage") or {}).get("total_tokens") or 0
        with _counting:
            before = self._usage
            self._usage = EmbeddingUsage(
                before.requests + 1,
                before.total_tokens + tokens,
                before.cost + (reply.route.cost or 0.0),
            )
        from genai_integrations.calls.vectors import vectors_of

        return vectors_of(reply.wire["data"], wanted)

    def __copy__(self) -> Self:
        return self.with_()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with the same client, callbacks and cache, and parameters of its own."""
        names = ("additional_kwargs", "query_kwargs", "document_kwargs")
        return self.with_(**{name: copy.deepcopy(getattr(self, name)) for name in names})

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the fields and, of the client, what it is found by."""
        return rebuilt, (type(self), picklable(self), self._client)
