"""The address of Langfuse's Postgres: libpq's parameters, and those that Prisma's form of it may have.

Prisma's words: https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments. Langfuse hands its own
`DATABASE_URL` to Prisma, so a copy of it may have any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from genai_integrations.runtime.masked import MaskedText

_SHAPE = "postgresql://user:password@host:5432/database"
_URL = re.compile(r"postgres(?:ql)?://(?:(?:[^\s/?#@%\[\]]|%[0-9a-fA-F]{2})*@)?[^\s@]*")
_PLAIN = re.compile(r"\w{1,40}")

_OF_A_POOL = frozenset(
    (
        "connection_limit",
        "max_connection_lifetime",
        "max_idle_connection_lifetime",
        "pgbouncer",
        "pool_timeout",
        "single_use_connections",
        "socket_timeout",
        "statement_cache_size",
    )
)
"""Parameters of a pool that is kept open. One short read needs none of it, and has its own limit of time."""

_SECRETS = (
    "password",
    "sslpassword",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_secret",
)
_DEFAULTS: dict[str, Any] = {"connect_timeout": 5, "tcp_user_timeout": 10_000}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect.

    Attributes:
        options: libpq's options; secrets among them show masked.
        schema: The schema of Langfuse's tables, empty where the role's search path decides.
    """

    options: dict[str, Any]
    schema: str

    @property
    def secrets(self) -> list[str]:
        """Texts that no message may have."""
        return [self.options[name] for name in _SECRETS if self.options.get(name)]


def read_address(text: str) -> Address | str:
    """Read an address or a connection string; where that cannot be, say why, and what to write.

    What it says repeats nothing but names of parameters, because a badly written address may hold the password
    anywhere. It is no error, because an error would hold the frames that hold the address.
    """
    try:
        return _address(text.strip())
    except _WrongError as wrong:
        return f"LANGFUSE_DATABASE_URL {wrong}"


class _WrongError(Exception):
    """Why it cannot be read."""


def _address(text: str) -> Address:
    is_url = "://" in text
    base, _, query = text.partition("?") if is_url else (text, "", "")
    options = None if is_url and not _URL.fullmatch(text) else _parsed(base)
    if options is None:
        raise _WrongError(
            f"is not a Postgres address: write {_SHAPE}, "
            "with special characters of the password percent-encoded (@ is %40, / is %2F)"
        )
    given = _parameters(query)
    schema = given.pop("schema", "")
    given = _with_libpqs_tls({name: given[name] for name in given if name not in _OF_A_POOL})
    _check_names(given)
    options = {**_DEFAULTS, **options, **given}
    options |= {name: MaskedText(options[name]) for name in _SECRETS if name in options}
    # `public` is where every role looks, except one that `genai setup-db` made, which looks at its view.
    return Address(options, "" if schema == "public" else schema)


def _parsed(text: str) -> dict[str, Any] | None:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return dict(conninfo_to_dict(text))
    except psycopg.Error:
        return None


def _parameters(query: str) -> dict[str, str]:
    fields = (field.partition("=") for field in query.split("&") if field)
    return {unquote(name): unquote(value) for name, _, value in fields if value}


def _check_names(given: dict[str, str]) -> None:
    from psycopg import pq

    known = {row.keyword.decode() for row in pq.Conninfo.get_defaults()}
    unknown = [name if _PLAIN.fullmatch(name) else "?" for name in given if name not in known]
    if unknown:
        raise _WrongError(
            f"has {', '.join(unknown)}, a parameter that neither libpq nor Prisma has: "
            "correct its name, or take it out"
        )


def _with_libpqs_tls(given: dict[str, str]) -> dict[str, str]:
    """The parameters with TLS in libpq's words; changes `given` to them. It never checks less than was asked for."""
    mode = _mode(given)
    accept, identity = given.pop("sslaccept", ""), given.pop("sslidentity", "")
    if accept not in ("", "strict", "accept_invalid_certs"):
        raise _WrongError("cannot be used: sslaccept is strict or accept_invalid_certs")
    if mode == "disable":
        if accept == "strict":
            raise _WrongError(
                "cannot be used: sslmode=disable contradicts sslaccept=strict: write sslmode=verify-full, or take out sslaccept"
            )
        return given
    if identity:
        raise _WrongError(
            "cannot be used: sslidentity is a PKCS#12 file, which libpq does not read: write sslcert=client.crt&sslkey=client.key, "
            "made by openssl pkcs12 -in FILE -clcerts -nokeys -out client.crt (and -nocerts -out client.key)"
        )
    if "sslcert" in given and not given.keys() & {"sslkey", "sslrootcert"}:
        # In Prisma's words the authority of the server; in libpq's a client's own, which has a key beside it.
        authority = given.pop("sslcert")
        if accept != "accept_invalid_certs":
            given["sslrootcert"] = authority
    if accept == "strict":
        given["sslmode"] = "verify-full"
        given.setdefault("sslrootcert", _system_authorities())
    return given


def _mode(given: dict[str, str]) -> str:
    """`sslmode`, also where it is said in the words of other drivers."""
    spoken = given.pop("ssl", "")
    if spoken not in ("", "true", "1", "false", "0"):
        raise _WrongError(
            "cannot be used: ssl is true or false: write sslmode=require, or sslmode=verify-full"
        )
    if spoken and "sslmode" not in given:
        given["sslmode"] = "require" if spoken in ("true", "1") else "disable"
    if given.get("sslmode") == "no-verify":
        given["sslmode"] = "require"
    return given.get("sslmode", "")


def _system_authorities() -> str:
    """A file: the OpenSSL within psycopg's wheels does not know where this system keeps them."""
    import ssl

    found = ssl.get_default_verify_paths().cafile
    if found is None:
        import certifi

        found = certifi.where()
    return found
