"""One short read of Langfuse's Postgres database, and what to do when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from genai_integrations.connections.langfuse.address import Address, read_address
from genai_integrations.errors import CredentialStoreError
from genai_integrations.runtime.masked import MASK
from genai_integrations.runtime.secret import Secret

if TYPE_CHECKING:
    import psycopg

_T = TypeVar("_T")

_ADVICE = {
    "42P01": "it has no table llm_api_keys that this role can see: is this Langfuse's database?",
    "42703": "its table llm_api_keys lacks a column: Langfuse 3.92 or newer is needed",
    "42501": "this role may not read llm_api_keys: make one that may, with `genai setup-db`",
    "57014": "it took too long",
}
"""What to do, by SQLSTATE."""

_CONNECT_ADVICE = (
    ("does not support SSL", "it has no TLS: write sslmode=disable, or switch TLS on there"),
    (
        "certificate verify failed",
        "the authority in sslrootcert (in Prisma's words sslcert) did not sign its certificate",
    ),
    ("does not match host name", "its certificate is another host's: write the name that it has"),
    ("root certificate file", "the file of sslrootcert (in Prisma's words sslcert) cannot be read"),
    ("private key file", "the file of sslkey cannot be read"),
    ("invalid sslmode value", "sslmode is disable, prefer, require, verify-ca or verify-full"),
    ("password authentication failed", "the user or the password is wrong"),
    ("no password supplied", "it wants a password"),
    ("pg_hba.conf", "its pg_hba.conf does not let this user in from here"),
    ("does not exist", "the database or the role does not exist there"),
    ("resolve", "no host has that name"),
    ("refused", "nothing listens there"),
    ("No such file", "nothing listens there"),
    ("timeout", "it does not answer in time"),
    ("timed out", "it does not answer in time"),
)
"""What to do when there is no connection yet, and so no SQLSTATE; the first that fits."""


_FIXED: Mapping[str, Any] = {"application_name": "genai_integrations", "prepare_threshold": None}


def read(database_url: Secret, reading: Callable[[psycopg.Connection[Any]], _T]) -> _T:
    """Read in a connection of its own that can do nothing else.

    Args:
        database_url: The address.
        reading: Runs queries, all in one transaction.

    Raises:
        CredentialStoreError: In one line: why not, and what to do. It holds nothing of psycopg, whose
            messages and frames may hold the password.
    """
    import psycopg

    address = read_address(database_url.reveal())
    if isinstance(address, str):
        raise CredentialStoreError(address)
    try:
        with psycopg.connect(**{**address.options, **_FIXED}) as connection:
            _prepare(connection, address.schema)
            return reading(connection)
    except psycopg.Error as error:
        problem = _problem(error, address)
    raise CredentialStoreError(problem)


def _prepare(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.read_only = True
    # Set in the transaction rather than at connect, which PgBouncer would refuse.
    connection.execute("SELECT set_config('statement_timeout', '10s', true)")
    if schema:
        path = '"' + schema.replace('"', '""') + '"'
        connection.execute("SELECT set_config('search_path', %s, true)", [path])


def _problem(error: psycopg.Error, address: Address) -> str:
    text = " ".join(str(error).split())
    advice = _ADVICE.get(error.sqlstate or "") or next(
        (advice for part, advice in _CONNECT_ADVICE if part in text), "see what it says"
    )
    options = address.options
    where = f"{options.get('host', 'localhost')}:{options.get('port', 5432)}/{options.get('dbname', '')}"
    for secret in address.secrets:
        # As a word of its own: a short one is a part of many words, and masking those would give it away.
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return f"cannot read Langfuse's database {where} (LANGFUSE_DATABASE_URL): {advice} [{text}]"
