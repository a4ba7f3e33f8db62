"""What one call wants of the kept answers: `cache={...}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls import checks
from genai_integrations.errors import ConfigurationError

_LITELLMS = {"no-cache": "refresh", "no-store": "no_store"}
"""LiteLLM's names for keys of ours."""


@dataclass(frozen=True, slots=True)
class CacheControl:
    """What one call wants of the kept answers.

    Attributes:
        ttl: Seconds for which its answer is kept; None is the cache's own time.
        refresh: Do not look, ask. The answer is kept. LiteLLM's name is `no-cache`.
        no_store: Look, but keep nothing. LiteLLM's name is `no-store`.
        semantic: Whether an answer to a question that says the same in other words will do; None leaves it to the client.
    """

    ttl: float | None = None
    refresh: bool = False
    no_store: bool = False
    semantic: bool | None = None


_CHECKS: Mapping[str, checks.Check] = {
    "ttl": checks.seconds,
    "refresh": checks.flag,
    "no_store": checks.flag,
    "semantic": checks.flag,
    "no-cache": checks.flag,
    "no-store": checks.flag,
}


def cache_control(name: str, value: object) -> CacheControl:
    """The check of `cache={...}`.

    Raises:
        ConfigurationError: A key is unknown, or a value cannot work.
    """
    if isinstance(value, CacheControl):
        return value
    given: Any = checks.options(**_CHECKS)(name, value)
    return CacheControl(**{_LITELLMS.get(key, key): item for key, item in given.items()})


def no_semantic_cache() -> ConfigurationError:
    """The error of a call that asks for answers by meaning where none are kept."""
    return ConfigurationError('cache={"semantic": True} needs GenAIClient(semantic_cache=True)')
