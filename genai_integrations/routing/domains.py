"""Failure domains: what targets share, so that one outage takes all of it down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from genai_integrations.connections.connection import Connection, host_in
from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    GenAIError,
    InvalidReplyError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.routing.accounts import Accounts

Cause = tuple[str, ...]
"""What a failure may have to do with: an account, or a place."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a connection leads.

    Attributes:
        provider: Provider's name.
        account: Its account as a keyed hash, of the Google Cloud project or else of the key; the same for the same
            account within one client only. None where there is no key, or it cannot be had.
        region: The region or location; None where the connection names none.
        host: `host:port` of an address that is not the provider's, of a proxy or a server of one's own, say; None
            where it is the provider that answers.
    """

    provider: str
    account: str | None
    region: str | None
    host: str | None


def domain_of(connection: Connection, accounts: Accounts, region: str = "") -> Domain:
    """Where a connection leads; its key is read for the hash.

    Args:
        connection: It.
        accounts: Tells accounts apart.
        region: Where it is, if that is not what the connection says.
    """
    account = accounts.name_of(connection)
    hashed = account.hex()[:16] if account else None
    host = None if _is_providers(connection) else _host(connection)
    return Domain(connection.provider.name, hashed, region or connection.region, host)


def _host(connection: Connection) -> str:
    return urlsplit(connection.base_url or "").netloc


_OWN = {"azure": "azure.com"}
"""Where a provider's addresses end, for one whose addresses are of each customer's own."""


def _is_providers(connection: Connection) -> bool:
    """Whether it leads to the provider itself; Azure's and OpenAI's dialects are spoken by many others."""
    provider = connection.provider
    usual = urlsplit(provider.base_url or "").hostname or ""
    end = _OWN.get(provider.name) or ".".join(usual.split(".")[-2:])
    return not connection.base_url or f".{host_in(connection.base_url)}".endswith(f".{end}")


_ACCOUNT = (RateLimitError, AuthenticationError)
_PLACE = (APIConnectionError, InvalidReplyError, RequestTimeoutError, ServerError)


class Failed:
    """What has failed in one call, so that the next attempt goes where the same cause would not fail it.

    Only among targets that are equals otherwise: of one name and one `order`. Whoever wrote a list of models means its
    order; which connection of one model comes first matters less than an answer.

    Args:
        accounts: Tells accounts apart.
    """

    __slots__ = ("_accounts", "_causes")

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._causes: set[Cause] = set()

    def add(self, connection: Connection, error: GenAIError) -> None:
        """A target failed; an error that has to do with the request only says nothing."""
        if isinstance(error, _ACCOUNT):
            self._causes.update(self._account(connection))
        elif isinstance(error, _PLACE):
            self._causes.add(_place(connection))

    def shares(self, connection: Connection) -> bool:
        """Whether it would fail for the same cause."""
        if not self._causes:
            return False
        if _place(connection) in self._causes:
            return True
        # The key is looked at only where an account has failed.
        has_account = any(cause[0] == "account" for cause in self._causes)
        return has_account and not self._causes.isdisjoint(self._account(connection))

    def _account(self, connection: Connection) -> Iterator[Cause]:
        name = self._accounts.name_of(connection)
        if name:
            yield "account", name.hex()


def _place(connection: Connection) -> Cause:
    """Regions of one provider fail apart, and so do addresses of one's own."""
    where = _host(connection) or connection.region or ""
    return "place", connection.provider.name, where


def outages_of(connections: Iterable[Connection]) -> tuple[str, ...]:
    """The single outages that take all of these connections down, one line each."""
    accounts = Accounts()
    return single_outages([domain_of(connection, accounts) for connection in connections])


def single_outages(domains: Sequence[Domain]) -> tuple[str, ...]:
    """What all of these share, one line each; nothing for none."""
    if len(domains) < _SEVERAL:
        return ("it has no other target",) if domains else ()
    every, found = f"all {len(domains)}", []
    provider = _shared(row.provider for row in domains)
    if provider and _shared(row.account for row in domains):
        found.append(f"{every} depend on one {provider} account")
    elif provider and not any(row.host for row in domains):
        found.append(f"{every} depend on {provider}")
    if host := _shared(row.host for row in domains):
        found.append(f"{every} go through {host}")
    if region := _shared(row.region for row in domains):
        found.append(f"{every} are in {region}")
    return tuple(found)


_SEVERAL = 2


def _shared(values: Iterable[str | None]) -> str | None:
    """The value that all have; None if they differ, or none has one."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
