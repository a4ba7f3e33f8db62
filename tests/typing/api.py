"""Never run, only type-checked: what fits where."""

from __future__ import annotations

from genai_integrations import register_provider
from genai_integrations.cache.memory import MemoryAnswers
from genai_integrations.cache.redis import RedisAnswers
from genai_integrations.cache.sqlite import SqliteAnswers
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.providers import Provider
from genai_integrations.routing.answer_stores import AnswerStore, AsyncAnswerStore
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.redis_store import RedisStore
from genai_integrations.routing.sharing.store import Store
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.openai.dialect import OpenAIDialect
from genai_integrations.transports.protocol import Transport
from genai_integrations.transports.tape import Recorder, Replay

acme: Provider = register_provider("acme", families=["acme-"], dialect=OpenAIDialect())
own: Transport = Transports(OriginPins())
stores: tuple[Store, ...] = (RedisStore("redis://localhost"), FileStore("state.json"))
recorded: Transport = Recorder(own, "calls.jsonl")
replayed: Transport = Replay("calls.jsonl")


def answer_stores(
    sqlite: SqliteAnswers, redis: RedisAnswers
) -> tuple[list[AnswerStore], AsyncAnswerStore]:
    """Each place is a store, and Redis is awaited."""
    return [MemoryAnswers(), sqlite, redis], redis
