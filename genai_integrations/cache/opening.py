"""Which store an address means: `memory`, `sqlite:///file`, `redis://host`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_integrations.cache.kept import Lifetimes
from genai_integrations.cache.memory import MemoryAnswers
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown
from genai_integrations.runtime.secret import Secret
from genai_integrations.settings import Settings

if TYPE_CHECKING:
    from genai_integrations.cache.redis import RedisAnswers
    from genai_integrations.cache.sqlite import SqliteAnswers

MEMORY = "memory"
_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://", "unix://")

_SHORTEST = 16
"""Characters of a `GENAI_CACHE_KEY` at least; a shorter one can be guessed."""


def opened_store(
    address: object, options: Mapping[str, Any], settings: Settings, tenant: Callable[[], str]
) -> MemoryAnswers | SqliteAnswers | RedisAnswers:
    """The store at an address. Nothing is read or written before its first use.

    Args:
        address: `memory`, `sqlite:///` with a path, or a Redis server's.
        options: Those of `cache_kwargs`, by their names there.
        settings: Has what answers are sealed with.
        tenant: Whose answers they are.

    Raises:
        ConfigurationError: It is no such address, or there is nothing to seal answers with.
    """
    if address == MEMORY:
        return MemoryAnswers(**options)
    kept = {name: options[name] for name in ("max_bytes",) if name in options}
    if isinstance(address, str) and address.startswith(_SQLITE) and not _is_memory(address):
        from genai_integrations.cache.sqlite import SqliteAnswers

        path = Path(address.removeprefix(_SQLITE)).expanduser().absolute()
        return SqliteAnswers(path, _sealing(options, settings, tenant), **kept)
    if isinstance(address, str) and address.startswith(_REDIS):
        from genai_integrations.cache.redis import RedisAnswers
        from genai_integrations.runtime.redis_link import redis_link

        return RedisAnswers(redis_link(address), _sealing(options, settings, tenant), **kept)
    raise ConfigurationError(
        "cache must be 'memory', 'sqlite:///answers.db' or 'redis://host:6379/0', not "
        + (shown(address) if not isinstance(address, str) else "another address")
    )


def _is_memory(address: str) -> bool:
    """Whether it is SQLite's word for a file that is none, or none at all."""
    return address.removeprefix(_SQLITE) in ("", ":memory:")


def _sealing(options: Mapping[str, Any], settings: Settings, tenant: Callable[[], str]) -> Any:
    from genai_integrations.cache.sealing import Sealing

    secret = settings.cache_key or settings.secret_key
    if not secret:
        raise ConfigurationError(
            "answers in a file or on a server are sealed: set GENAI_CACHE_KEY to a secret text (such as the output of "
            "`openssl rand -hex 32`), or give the client a Langfuse key pair"
        )
    if len(secret) < _SHORTEST:
        raise ConfigurationError(
            f"GENAI_CACHE_KEY is too short: it must have at least {_SHORTEST} characters, such as the output of "
            "`openssl rand -hex 32`"
        )
    times = {name: options[name] for name in ("ttl", "stale") if name in options}
    return Sealing(Secret(secret), tenant, Lifetimes(**times))
