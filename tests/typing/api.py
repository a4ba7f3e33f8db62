"""Never run, only type-checked: what fits where."""

from __future__ import annotations

from genai_integrations.connections.origins import OriginPins
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.redis_store import RedisStore
from genai_integrations.routing.sharing.store import Store
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.protocol import Transport

own: Transport = Transports(OriginPins())
stores: tuple[Store, ...] = (RedisStore("redis://localhost"), FileStore("state.json"))
