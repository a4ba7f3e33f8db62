"""One short read of Langfuse's Postgres database, and what to do when it fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from genai_integrations.errors import CredentialStoreError
from genai_integrations.runtime.masked import MASK, MaskedText
from genai_integrations.runtime.secret import Secret

if TYPE_CHECKING:
    import psycopg

_SHAPE = "postgresql://user:password@host:5432/database"
_URL = re.compile(r"postgres(?:ql)?://(?:(?:[^\s/?#@%\[\]]|%[0-9a-fA-F]{2})*@)?[^\s@]*")
_PRISMA_ONLY = frozenset(
    {
        "connection_limit",
        "max_idle_connection_lifetime",
        "pgbouncer",
        "pool_timeout",
        "schema",
        "socket_timeout",
        "sslaccept",
        "statement_cache_size",
    }
)
"""Parameters that Langfuse's own DATABASE_URL may have, but libpq refuses."""

_ADVICE = {
    "42P01": "it has no table llm_api_keys that this role can see: is this Langfuse's database?",
    "42703": "its table llm_api_keys lacks a column: Langfuse 3.92 or newer is needed",
    "42501": "this role may not read llm_api_keys: make one that may, with `genai setup-db`",
    "57014": "it took too long",
}
"""What to do, by SQLSTATE."""

_CONNECT_ADVICE = (
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


def read_rows(
    database_url: Secret, query: bytes, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run one query in a connection of its own that can only read.

    Raises:
        CredentialStoreError: In one line: why not, and what to do. It holds nothing of psycopg, whose
            messages and frames may hold the password.
    """
    import psycopg

    options, schema = _options(database_url)
    if options is None:
        raise CredentialStoreError(
            f"LANGFUSE_DATABASE_URL is no Postgres address: write {_SHAPE}, "
            "with special characters of the password percent-encoded (@ is %40, / is %2F)"
        )
    try:
        with psycopg.connect(**options, **_FIXED) as connection:
            return _read(connection, schema, query, parameters)
    except psycopg.Error as error:
        problem = _problem(error, options)
    raise CredentialStoreError(problem)


def _read(
    connection: psycopg.Connection[tuple[Any, ...]],
    schema: str,
    query: bytes,
    parameters: Mapping[str, Any],
) -> list[tuple[Any, ...]]:
    connection.read_only = True
    # Set in the transaction rather than at connect, which PgBouncer would refuse.
    connection.execute("SELECT set_config('statement_timeout', '10s', true)")
    if schema:
        path = '"' + schema.replace('"', '""') + '"'
        connection.execute("SELECT set_config('search_path', %s, true)", [path])
    return connection.execute(query, parameters).fetchall()


def _options(database_url: Secret) -> tuple[dict[str, Any] | None, str]:
    """Connection options of an address, None if it is none; and the schema that Prisma's form of it names."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    text, schema = _without_prisma(database_url.reveal().strip())
    if "://" in text and not _URL.fullmatch(text):
        return None, ""
    try:
        options = conninfo_to_dict(text)
    except psycopg.Error:
        return None, ""
    if "password" in options:
        options["password"] = MaskedText(options["password"])
    return {"connect_timeout": 5, "tcp_user_timeout": 10_000} | options, schema


def _without_prisma(text: str) -> tuple[str, str]:
    base, mark, query = text.partition("?")
    if not mark or "://" not in base:
        return text, ""
    fields = [field.partition("=") for field in query.split("&")]
    kept = "&".join("".join(field) for field in fields if field[0] not in _PRISMA_ONLY)
    schema = next((unquote(value) for name, _, value in fields if name == "schema"), "")
    # `public` is where every role looks, except one that `genai setup-db` made, which looks at its view.
    return f"{base}?{kept}" if kept else base, "" if schema == "public" else schema


def _problem(error: psycopg.Error, options: Mapping[str, Any]) -> str:
    text = " ".join(str(error).split())
    advice = _ADVICE.get(error.sqlstate or "") or next(
        (advice for part, advice in _CONNECT_ADVICE if part in text), "see what it says"
    )
    where = f"{options.get('host', 'localhost')}:{options.get('port', 5432)}/{options.get('dbname', '')}"
    password = options.get("password")
    if password:
        # As a word of its own: a short one is a part of many words, and masking those would give it away.
        text = re.sub(rf"(?<!\w){re.escape(password)}(?!\w)", MASK, text)
    return f"cannot read Langfuse's database {where} (LANGFUSE_DATABASE_URL): {advice} [{text}]"
