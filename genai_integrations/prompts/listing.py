"""Which prompts a Langfuse project has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
        labels: Which version has each label, by label.
        tags: Its tags.
        updated_at: When a version or a label last changed.
    """

    name: str
    type: Literal["text", "chat"]
    versions: tuple[int, ...]
    labels: Mapping[str, int]
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
            rows = sorted(_rows(api), key=lambda row: row.name)
            versions = _labelled(api, rows)
            return [_summary(row, versions) for row in rows]
        except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
            problem = _problem(error, settings)
    # Outside the handler, because the SDK's frames hold the key pair in their locals.
    raise PromptError(problem)


def _rows(api: LangfuseAPI, label: str | None = None) -> Iterator[PromptMeta]:
    page, pages = 1, 1
    while page <= pages:
        reply = api.prompts.list(page=page, limit=_PAGE, label=label)
        yield from reply.data
        page, pages = page + 1, reply.meta.total_pages


def _labelled(api: LangfuseAPI, rows: Iterable[PromptMeta]) -> Mapping[tuple[str, str], int]:
    """The version of each name and label. The list tells only which labels there are, so it is asked for each of them."""
    found = {(row.name, _LATEST): max(row.versions) for row in rows}
    for label in {label for row in rows for label in row.labels} - {_LATEST}:
        found |= {(row.name, label): max(row.versions) for row in _rows(api, label)}
    return found


_LATEST = "latest"
"""The label that Langfuse itself keeps on the newest version."""


def _summary(row: PromptMeta, versions: Mapping[tuple[str, str], int]) -> PromptSummary:
    return PromptSummary(
        row.name,
        str(row.type.value).lower(),  # type: ignore[arg-type]  # the SDK's enum has these two
        tuple(sorted(row.versions)),
        {name: at for name in sorted(row.labels) if (at := versions.get((row.name, name)))},
        tuple(row.tags),
        row.last_updated_at,
    )


def _problem(error: Exception, settings: Settings) -> str:
    from langfuse.api import AccessDeniedError, UnauthorizedError

    host = settings.host
    if isinstance(error, UnauthorizedError | AccessDeniedError):
        return f"Langfuse at {host} refuses the key pair {settings.public_key}: check LANGFUSE_SECRET_KEY"
    return f"the prompts of Langfuse at {host} cannot be listed: {type(error).__name__}: check LANGFUSE_HOST"
