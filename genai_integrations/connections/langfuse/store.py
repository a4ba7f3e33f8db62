"""Connections in Langfuse's Postgres database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_integrations.connections.connection import (
    IN_LANGFUSE,
    BrokenConnection,
    Connection,
)
from genai_integrations.connections.credentials import OF_MACHINES, is_machines_own
from genai_integrations.connections.langfuse.crypto import check_keys, decrypt
from genai_integrations.connections.langfuse.database import read
from genai_integrations.connections.stored_providers import provider_of
from genai_integrations.errors import (
    ConfigurationError,
    CredentialError,
    CredentialStoreError,
    GenAIError,
)
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.secret import Secret

if TYPE_CHECKING:
    import psycopg

_log = logging.getLogger("genai_integrations")

_COLUMNS = b"id, provider, adapter, secret_key, base_url, custom_models, with_default_models, extra_headers, config"
_NAMED = b"(%(names)s::text[] IS NULL OR provider = ANY(%(names)s::text[]))"
_OWN = b"""
SELECT %b
FROM llm_api_keys
WHERE project_id = %%(project)s AND %b
ORDER BY created_at, id
""" % (_COLUMNS, _NAMED)
"""The table, or the view of the same name that `genai setup-db` makes: the role's search path decides."""

_INHERITED = b"""
SELECT %b
FROM llm_api_keys
WHERE project_id IS NULL
  AND organization_id = (SELECT org_id FROM projects WHERE id = %%(project)s)
  AND %b
ORDER BY created_at, id
""" % (_COLUMNS, _NAMED)
"""Those of the project's organisation. Only newer versions of Langfuse have them."""

_OTHERS = b"""
SELECT project_id
FROM llm_api_keys
WHERE project_id <> %(project)s
  AND EXISTS (
    SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass('llm_api_keys') AND relkind = 'v'
  )
LIMIT 1
"""
"""Whose connections the role may read, where they are those of one project only, and of another one."""

_MAY_INHERIT = b"""
SELECT CASE
  WHEN NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass('llm_api_keys') AND attname = 'organization_id' AND NOT attisdropped
  ) THEN NULL
  ELSE coalesce(has_column_privilege(to_regclass('projects')::oid, 'org_id', 'SELECT'), false)
END
"""
"""NULL where no organisation has connections; else whether this role can tell the organisation of a project."""

_IGNORE_BASE_URL = frozenset({"bedrock", "google-vertex-ai"})
_IGNORE_HEADERS = frozenset({"bedrock", "google-ai-studio"})
"""Adapters for which Langfuse itself uses no base URL, or sends no extra headers, though rows may have them."""


class _Row(NamedTuple):
    id: str
    name: str
    adapter: str
    secret_key: str
    base_url: str | None
    custom_models: list[str | None]
    with_default_models: bool
    extra_headers: str | None
    config: Any


class LangfuseStore:
    """Reads a project's LLM connections from Langfuse's database; decrypts each secret only when it is revealed.

    Args:
        database_url: Langfuse's Postgres, as in `LANGFUSE_DATABASE_URL`.
        encryption_keys: Langfuse's `ENCRYPTION_KEY`s, the newest first.
        project_id: The project to read, where whoever asks has been checked; or what says it. That is asked at every
            load, so that a revoked key pair reads nothing more; while Langfuse is away, its last answer counts.
        may_be_machine: Whether a connection may stand for the machine's own AWS or Google credentials. Whoever writes
            connections has those then.

    Raises:
        ConfigurationError: A key can never decrypt anything.
    """

    def __init__(
        self,
        database_url: str,
        encryption_keys: Sequence[str],
        *,
        project_id: str | Callable[[], str],
        may_be_machine: bool = True,
    ) -> None:
        # Masked, because a traceback may show the locals of every frame it passes.
        database_url = MaskedText(database_url)
        encryption_keys = tuple(MaskedText(key) for key in encryption_keys)
        check_keys(encryption_keys)
        self._database_url = Secret(database_url)
        self._keys = tuple(Secret(key) for key in encryption_keys)
        self._ask_project_id = None if isinstance(project_id, str) else project_id
        self._project_id = project_id if isinstance(project_id, str) else None
        self._may_be_machine = may_be_machine
        self._told = False
        self._known: Mapping[str, tuple[_Row, Connection | BrokenConnection]] = {}

    def __str__(self) -> str:
        return "the Langfuse project of this key pair"

    @property
    def project_id(self) -> str | None:
        """The project; None before the first load, unless it is given."""
        return self._project_id

    def load(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """Read the connections of these names in that order, or all of the project, the oldest first.

        Then follow those of its organisation whose names the project itself has not. A row that has not changed since the last load gives the same object again.

        Raises:
            CredentialError: Langfuse refuses the key pair.
            CredentialStoreError: The database cannot be read, or Langfuse cannot be asked for the project.
        """
        parameters = {
            "project": self._current_project_id(),
            "names": None if names is None else list(names),
        }
        rows, is_whole = read(self._database_url, partial(_rows, parameters=parameters))
        if not is_whole and not self._told:
            self._told = True
            _log.warning(
                "connections of the organisation cannot be seen: this role may not read projects; "
                "make one that may, with `genai setup-db`"
            )
        if names is not None:
            position = {name: index for index, name in enumerate(names)}
            rows.sort(key=lambda row: position[row.name])
        known = {row.id: (row, self._known_or_new(row)) for row in rows}
        self._known = known
        return [connection for _, connection in known.values()]

    def _current_project_id(self) -> str | None:
        if self._ask_project_id is None:
            return self._project_id
        try:
            self._project_id = self._ask_project_id()
        except CredentialStoreError as error:
            if self._project_id is None:
                raise
            _log.warning("%s; still reading project %s", error, self._project_id)
        return self._project_id

    def _known_or_new(self, row: _Row) -> Connection | BrokenConnection:
        before, connection = self._known.get(row.id, (None, None))
        if connection is not None and before == row:
            return connection
        try:
            return self._connection(row)
        except GenAIError as error:
            return BrokenConnection(row.name, error.with_traceback(None))

    def _connection(self, row: _Row) -> Connection:
        provider = provider_of(row.adapter, row.name, row.base_url)
        config = row.config if isinstance(row.config, dict) else {}
        base_url = None if row.adapter in _IGNORE_BASE_URL else (row.base_url or "").strip() or None
        if row.adapter == "azure" and base_url is None:
            raise ConfigurationError(
                f"connection {row.name!r} has no base URL, which Azure needs: add it in Langfuse"
            )
        sends_headers = row.extra_headers and row.adapter not in _IGNORE_HEADERS
        return Connection(
            row.name,
            provider,
            self._key(row, provider.name),
            base_url=base_url,
            custom_models=tuple(model for model in row.custom_models if model),
            with_default_models=row.with_default_models,
            extra_headers=self._secret(row.name, "extra_headers", row.extra_headers)
            if row.extra_headers and sends_headers
            else None,
            region=_region(row.name, row.adapter, config),
            dialect="responses" if config.get("useResponsesApi") is True else None,
            key_from=IN_LANGFUSE,
            address_from=IN_LANGFUSE,
        )

    def _key(self, row: _Row, provider: str) -> Secret:
        secret = self._secret(row.name, "secret_key", row.secret_key)
        if self._may_be_machine or provider not in OF_MACHINES:
            return secret
        return Secret.lazy(partial(_not_machines, secret, provider, row.name))

    def _secret(self, name: str, column: str, ciphertext: str) -> Secret:
        where = f"{column} of connection {name!r}"
        return Secret.lazy(partial(_decrypted, MaskedText(ciphertext), self._keys, where))


def _rows(
    connection: psycopg.Connection[Any], parameters: Mapping[str, Any]
) -> tuple[list[_Row], bool]:
    """The project's rows, then its organisation's; and whether these could be read."""
    rows = [_Row(*record) for record in connection.execute(_OWN, parameters)]
    (may_inherit,) = connection.execute(_MAY_INHERIT).fetchone() or (None,)
    if may_inherit:
        own = {row.name for row in rows}
        inherited = [_Row(*record) for record in connection.execute(_INHERITED, parameters)]
        rows += [row for row in inherited if row.name not in own]
    if not rows and (other := connection.execute(_OTHERS, parameters).fetchone()):
        raise CredentialStoreError(
            f"the role in LANGFUSE_DATABASE_URL reads the project {other[0]}, but the key pair belongs to "
            f"{parameters['project']}: use the role of that project, or make one with `genai setup-db --role NAME`"
        )
    return rows, may_inherit is not False


def _decrypted(ciphertext: str, keys: Sequence[Secret], where: str) -> str:
    return decrypt(ciphertext, [MaskedText(key.reveal()) for key in keys], where=where)


def _not_machines(secret: Secret, provider: str, name: str) -> str:
    if is_machines_own(provider, secret):
        raise CredentialError(
            f"connection {name!r} stands for the credentials of the gateway's machine, which are not this project's: "
            "store keys of its own in it"
        )
    return secret.reveal()


def _region(name: str, adapter: str, config: Mapping[str, Any]) -> str | None:
    match adapter, config:
        case ("bedrock", {"region": str(region)}) | ("google-vertex-ai", {"location": str(region)}):
            return region
        case "bedrock", _:
            raise ConfigurationError(
                f"connection {name!r} has no AWS region: add it in {IN_LANGFUSE}"
            )
        case "google-vertex-ai", _:
            return "global"
    return None
