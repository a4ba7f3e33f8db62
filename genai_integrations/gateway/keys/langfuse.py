"""The gateway's callers by their Langfuse projects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from genai_integrations.client import GenAIClient
from genai_integrations.connections.langfuse.project import fetch_project_id, is_healthy
from genai_integrations.gateway.callers import Caller, Headers
from genai_integrations.gateway.keys.guesses import Guesses
from genai_integrations.gateway.keys.pairs import AWAY, KeyPairs, wrong_key
from genai_integrations.gateway.keys.shown import Pair, Token, shown_key
from genai_integrations.gateway.keys.stores import KeyStore
from genai_integrations.gateway.keys.tokens import Tokens
from genai_integrations.gateway.refusals import Refused
from genai_integrations.gateway.tenants import MOST, Project, Tenants

_HEALTH_FRESH = 5.0
"""Seconds for which it counts how Langfuse was."""


class LangfuseKeys:
    """Admits whoever shows a Langfuse key pair, or a narrower key that an owner of one has given out.

    Args:
        host: Langfuse's address.
        make: Makes the client of a project.
        store: Where narrow keys are; None for none.
        away: Seconds for which keys that are known work on while Langfuse, or the store, does not answer.
        most: Projects with a client at once.
        only: The pair of the one project that is served; None serves every project.
    """

    def __init__(
        self,
        host: str,
        make: Callable[[Project], GenAIClient],
        *,
        store: KeyStore | None = None,
        away: float = AWAY,
        most: int = MOST,
        only: Pair | None = None,
    ) -> None:
        guesses = Guesses()
        self._host = host
        self._only = only
        self._pairs = KeyPairs(
            partial(fetch_project_id, host),
            away=away,
            guesses=guesses,
            refused=lambda mark: self._tenants.drop(mark),  # noqa: PLW0108  it is made after this
        )
        self._tenants = Tenants(make, self._pairs.is_fresh, most=most)
        self._tokens = None if store is None else Tokens(store, guesses, away=away)
        self._health = False, 0.0

    async def admit(self, headers: Headers, address: str = "") -> Caller:
        """Who asks; see `Keys.admit`."""
        shown = shown_key(headers)
        if isinstance(shown, Pair):
            project = await self._confirmed(shown, address)
            # Not by its public key, which Langfuse does not compare: it may be another project's.
            return Caller(self._tenants.client_of(project), project.id, None, project.id)
        if isinstance(shown, Token) and self._tokens is not None:
            return await self._narrow(self._tokens, shown, address)
        raise Refused(
            401,
            "missing_api_key" if shown is None else "invalid_api_key",
            "show the key pair of your Langfuse project: Authorization: Bearer pk-lf-...:sk-lf-... (or as x-api-key)",
        )

    async def _narrow(self, tokens: Tokens, token: Token, address: str) -> Caller:
        terms, pair = await tokens.of(token, address)
        project = await self._confirmed(pair, address)
        if project.id != terms.project:
            raise wrong_key()
        client = self._tenants.client_of(project, terms)
        name = f"{project.id}/{terms.name}"
        return Caller(client, name, terms.models, project.id, terms.name)

    async def _confirmed(self, pair: Pair, address: str) -> Project:
        project = await self._pairs.project_of(pair, address)
        if self._only is not None and project != await self._pairs.project_of(self._only):
            raise wrong_key()
        return Project(project, pair, self._pairs.mark(pair))

    async def is_ready(self) -> bool:
        """Whether keys can be checked, or some are known."""
        if len(self._tenants):
            return True
        is_well, until = self._health
        if time.monotonic() >= until:
            # Said before it is asked: anybody may ask here, and each question takes a thread.
            self._health = is_well, time.monotonic() + _HEALTH_FRESH
            is_well = await asyncio.to_thread(is_healthy, self._host)
            self._health = is_well, time.monotonic() + _HEALTH_FRESH
        return is_well

    async def aclose(self) -> None:
        """Close every client."""
        self._pairs.close()
        if self._tokens is not None:
            self._tokens.close()
        await self._tenants.aclose()
