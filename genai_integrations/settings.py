"""Where every setting comes from: argument, then environment, then default.

This module alone touches `os.environ`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.masked import MaskedText

DEFAULT_HOST = "https://cloud.langfuse.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client was told.

    Attributes:
        public_key: Langfuse public key, `LANGFUSE_PUBLIC_KEY`.
        secret_key: Langfuse secret key, `LANGFUSE_SECRET_KEY`.
        host: Langfuse address without a trailing slash, `LANGFUSE_HOST` or `LANGFUSE_BASE_URL`.
        database_url: Langfuse's Postgres, `LANGFUSE_DATABASE_URL`; None means connections come from
            the providers' own variables.
        encryption_keys: Langfuse's `ENCRYPTION_KEY`s, newest first, `LANGFUSE_ENCRYPTION_KEY`
            (comma-separated).
        tracing: Whether calls are recorded in Langfuse, unless `LANGFUSE_TRACING_ENABLED` is `false`.
        prompt_ttl: Seconds for which a prompt counts as fresh, `LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS`.
        environ: The variables that environment connections are read from.
    """

    public_key: str | None
    secret_key: str | None = field(repr=False)
    host: str
    database_url: str | None = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    tracing: bool
    prompt_ttl: float
    environ: Mapping[str, str] = field(repr=False)


def read_settings(
    *,
    public_key: str | None = None,
    secret_key: str | None = None,
    host: str | None = None,
    tracing: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settle every setting once.

    Args:
        public_key: Wins over `LANGFUSE_PUBLIC_KEY`.
        secret_key: Wins over `LANGFUSE_SECRET_KEY`.
        host: Wins over `LANGFUSE_HOST`, which wins over `LANGFUSE_BASE_URL`.
        tracing: Wins over `LANGFUSE_TRACING_ENABLED`.
        environ: Read instead of the process's environment.

    Raises:
        ConfigurationError: A database is named but not the keys that reading it takes, or a number is none.
    """
    variables = os.environ if environ is None else environ
    settings = Settings(
        public_key=public_key or variables.get("LANGFUSE_PUBLIC_KEY") or None,
        secret_key=_masked(secret_key or variables.get("LANGFUSE_SECRET_KEY")),
        host=_host(host, variables),
        database_url=_masked(variables.get("LANGFUSE_DATABASE_URL")),
        encryption_keys=_keys(variables.get("LANGFUSE_ENCRYPTION_KEY", "")),
        tracing=_tracing(tracing, variables),
        prompt_ttl=_seconds("LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS", 60, variables),
        environ=variables,
    )
    if settings.database_url:
        _require_store_settings(settings)
    return settings


_LITELLMS_OWN_FILES = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")


@contextlib.contextmanager
def without_downloads() -> Generator[None]:
    """While LiteLLM is imported: have it use the files that it ships, instead of fetching newer ones."""
    before = {name: os.environ.get(name) for name in _LITELLMS_OWN_FILES}
    os.environ.update(dict.fromkeys(_LITELLMS_OWN_FILES, "True"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _host(host: str | None, variables: Mapping[str, str]) -> str:
    chosen = host or variables.get("LANGFUSE_HOST") or variables.get("LANGFUSE_BASE_URL")
    return (chosen or DEFAULT_HOST).rstrip("/")


def _tracing(tracing: bool | None, variables: Mapping[str, str]) -> bool:
    if tracing is not None:
        return tracing
    return variables.get("LANGFUSE_TRACING_ENABLED", "true").strip().lower() != "false"


def _seconds(name: str, default: float, variables: Mapping[str, str]) -> float:
    given = variables.get(name) or default
    try:
        return max(float(given), 0)
    except ValueError:
        raise ConfigurationError(f"{name} is {given!r}: it must be a number of seconds") from None


def _keys(text: str) -> tuple[str, ...]:
    return tuple(MaskedText(key) for part in text.split(",") if (key := part.strip()))


def _masked(text: str | None) -> str | None:
    """The text with a masked repr, because a traceback may show the locals of every frame it passes."""
    return MaskedText(text) if text else None


def _require_store_settings(settings: Settings) -> None:
    needed = {
        "LANGFUSE_PUBLIC_KEY": settings.public_key,
        "LANGFUSE_SECRET_KEY": settings.secret_key,
        "LANGFUSE_ENCRYPTION_KEY": settings.encryption_keys,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise ConfigurationError(
            f"LANGFUSE_DATABASE_URL is set, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not: set it, or unset LANGFUSE_DATABASE_URL "
            "to use the providers' own variables such as OPENAI_API_KEY"
        )
