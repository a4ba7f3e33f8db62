"""Which prompts a Langfuse project has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from genai_integrations.errors import ConfigurationError, PromptError
from genai_integrations.settings import Settings

if TYPE_CHECKING:
    from langfuse.api import LangfuseAPI, PromptMeta

_PAGE = 100
"""The most that Langfuse gives at once."""

_TIMEOUT = 20.0
"""Seconds for one page: a person waits at a terminal, so rather an error than silence."""


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """One prompt with all its versions.

    Attributes:
        name: Its name, with folders.
        type: `text` or `chat`.
        versions: Numbers of its versions, the oldest first.
        labels: Every label that one of its versions has.
        tags: Its tags.
        updated_at: When a version or a label last changed.
    """

    name: str
    type: Literal["text", "chat"]
    versions: tuple[int, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    updated_at: datetime


def list_prompts(settings: Settings) -> list[PromptSummary]:
    """Every prompt of the key pair's project, by name.

    Args:
        settings: Has the host and the key pair.

    Raises:
        ConfigurationError: The key pair is not set.
        PromptError: Langfuse cannot be asked, or refuses the key pair.
    """
    import httpx
    from langfuse.api import LangfuseAPI

    if not settings.public_key or not settings.secret_key:
        raise ConfigurationError(
            "prompts come from Langfuse: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
        )
    # A redirect is not followed, because it would take the key pair along.
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as http:
        api = LangfuseAPI(
            base_url=settings.host,
            username=settings.public_key,
            password=settings.secret_key,
            httpx_client=http,
        )
        try:
            return sorted(map(_summary, _rows(api)), key=lambda row: row.name)
        except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
            problem = _problem(error, settings)
    # Outside the handler, because the SDK's frames hold the key pair in their locals.
    raise PromptError(problem)


def _rows(api: LangfuseAPI) -> Iterator[PromptMeta]:
    page, pages = 1, 1
    while page <= pages:
        reply = api.prompts.list(page=page, limit=_PAGE)
        yield from reply.data
        page, pages = page + 1, reply.meta.total_pages


def _summary(row: PromptMeta) -> PromptSummary:
    return PromptSummary(
        row.name,
        str(row.type.value).lower(),  # type: ignore[arg-type]  # the SDK's enum has these two
        tuple(sorted(row.versions)),
        tuple(row.labels),
        tuple(row.tags),
        row.last_updated_at,
    )


def _problem(error: Exception, settings: Settings) -> str:
    from langfuse.api import AccessDeniedError, UnauthorizedError

    host = settings.host
    if isinstance(error, UnauthorizedError | AccessDeniedError):
        return f"Langfuse at {host} refuses the key pair {settings.public_key}: check LANGFUSE_SECRET_KEY"
    return f"the prompts of Langfuse at {host} cannot be listed: {type(error).__name__}: check LANGFUSE_HOST"
