"""The set-up that the checks look at, read once."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.langfuse.project import (
    check_address,
    fetch_project_id,
    langfuse_pool,
    why_no_answer,
)
from genai_integrations.connections.overview import ConnectionRow, overview
from genai_integrations.errors import GenAIError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import Settings, read_settings

_LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """How Langfuse answered when it was asked how it is.

    Attributes:
        status: HTTP status; None if there was no answer.
        version: Langfuse's version, None if it is not Langfuse that answered.
        date: The server's clock, as it wrote it.
        problem: Why there was no answer.
    """

    status: int | None = None
    version: str | None = None
    date: str | None = None
    problem: str = ""


class Setup:
    """Settings, Langfuse's answers and the connections, each asked for once and only if a check needs it.

    Args:
        environ: The variables; None for those of the process.
        call: Whether the connections may be called.
        now: Seconds since 1970 by this machine's clock.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        call: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        self.call = call
        self.now = now

    @cached_property
    def settings(self) -> Settings:
        """The settings, also where they are not complete; a check of its own says so."""
        database_url = self.environ.get("LANGFUSE_DATABASE_URL")
        incomplete = read_settings(environ={**self.environ, "LANGFUSE_DATABASE_URL": ""})
        return replace(incomplete, database_url=MaskedText(database_url) if database_url else None)

    @property
    def has_pair(self) -> bool:
        """Whether Langfuse's key pair is set."""
        return bool(self.settings.public_key and self.settings.secret_key)

    @property
    def uses_langfuse(self) -> bool:
        """Whether anything of Langfuse is set."""
        settings = self.settings
        return bool(settings.public_key or settings.secret_key or settings.database_url)

    @property
    def has_address(self) -> bool:
        """Whether Langfuse's host is an address that can be asked."""
        try:
            check_address(self.settings.host)
        except GenAIError:
            return False
        return True

    @cached_property
    def health(self) -> Health:
        """Langfuse's answer to `GET /api/public/health`, which needs no key."""
        return _health(self.settings.host) if self.has_address else Health()

    @cached_property
    def project(self) -> str | GenAIError:
        """The project of the key pair, or why it is not known."""
        settings = self.settings
        pair = (settings.public_key or "", MaskedText(settings.secret_key or ""))
        try:
            return fetch_project_id(settings.host, *pair)
        except GenAIError as error:
            return error

    @cached_property
    def client(self) -> GenAIClient | GenAIError:
        """The client that programs use with these settings, or why there is none."""
        with warnings.catch_warnings():
            # A check of its own speaks of Langfuse's placeholder key.
            warnings.simplefilter("ignore")
            try:
                return default_client()
            except GenAIError as error:
                return error

    @cached_property
    def connections(self) -> tuple[Connection | BrokenConnection, ...] | GenAIError:
        """The connections, or why they cannot be read."""
        if isinstance(self.client, GenAIError):
            return self.client
        try:
            return self.client.connections
        except GenAIError as error:
            return error

    @cached_property
    def rows(self) -> list[ConnectionRow]:
        """What is to say about each connection; nothing where they cannot be read."""
        return [] if isinstance(self.connections, GenAIError) else overview(self.connections)


def _health(host: str) -> Health:
    import urllib3

    try:
        with langfuse_pool(host, _LONGEST_WAIT) as http:
            reply = http.request("GET", f"{host}/api/public/health", redirect=False)
            version = reply.json().get("version") if reply.status == 200 else None  # noqa: PLR2004 - HTTP's "OK"
    except urllib3.exceptions.HTTPError as error:
        return Health(problem=why_no_answer(error))
    except GenAIError as error:
        return Health(problem=str(error))
    except (ValueError, AttributeError):
        return Health(problem="what answers is not Langfuse")
    return Health(reply.status, version, reply.headers.get("date"))
