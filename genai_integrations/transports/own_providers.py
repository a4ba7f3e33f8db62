"""Providers that a program registers, without a change of this package."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal, get_args
from urllib.parse import urlsplit

from genai_integrations.connections.providers import OWN, Provider, provider_named
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import given
from genai_integrations.transports.dialect import Dialect

Spoken = Literal["openai", "anthropic", "responses", "litellm"]
"""The dialects that need nothing but an address and a key."""

DIALECTS: tuple[Spoken, ...] = get_args(Spoken)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_A_DIALECT = ("endpoint", "body", "headers", "reply", "splitter", "events")


def register_provider(
    name: str,
    base_url: str | None = None,
    *,
    key_variables: Sequence[str] | None = None,
    url_variables: Sequence[str] | None = None,
    families: Sequence[str] = (),
    dialect: Spoken | Dialect = "openai",
    keyless: bool = False,
    litellm: str | None = None,
    check_model: str | None = None,
) -> Provider:
    """Make a provider known to this process: all clients, both frameworks, files and commands.

    Names of models and connections mean the same everywhere in a process, so it holds for all of it and to its end.
    Call it where a module is imported, and import that module in each process that you start. Safe for threads.

    Args:
        name: The prefix that a user writes, as in `acme/acme-large`: small letters, digits, `-` and `_`.
        base_url: Where it lives, with the version's path; None where each connection says so.
        key_variables: Environment variables that hold its key; default `ACME_API_KEY` for `acme`.
        url_variables: Environment variables that hold another base URL; default `ACME_BASE_URL`.
        families: What the names of its models start with, such as `acme-`. A family that others serve too stays theirs.
        dialect: How it is spoken to: `openai`, `anthropic`, `responses`, by LiteLLM (`litellm`), or an object of your own
            that is a `Dialect`.
        keyless: Works without a key.
        litellm: LiteLLM's prefix of it, where LiteLLM speaks to it; default its name.
        check_model: What `genai check` asks a connection that lists no models.

    Returns:
        Its row. The same one if it was registered before, and nothing is different.

    Raises:
        ConfigurationError: Something given cannot work, or the name has another meaning already.
    """
    _check(name, base_url, dialect)
    stem = name.upper().replace("-", "_")
    hosts = (urlsplit(base_url).netloc.rpartition("@")[2].lower(),) if base_url else ()
    row = Provider(
        name,
        dialect,
        (litellm or name) if dialect == "litellm" else litellm or "",
        base_url.rstrip("/") if base_url else None,
        hosts,
        key_variables=_variables(name, "key_variables", key_variables, f"{stem}_API_KEY"),
        url_variables=_variables(name, "url_variables", url_variables, f"{stem}_BASE_URL"),
        keyless=keyless,
        check_model=check_model,
        families=_families(name, families),
    )
    if row.base_url is None and not row.url_variables:
        raise _wrong(name, "without a base_url it needs url_variables")
    kept = provider_named(name) or OWN.setdefault(name, row)
    if kept is not row and not _is_same(kept, row):
        raise _wrong(name, "another one has this name already; take another name, or restart")
    return kept


def _check(name: object, base_url: object, dialect: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"a provider's name is made of a-z, 0-9, '-' and '_', such as 'acme'; {given.shown(name)} is not"
        )
    url = given.text_or_none(f"provider {name!r}: base_url", base_url, "https://llm.example/v1")
    if url is not None and not _is_address(url):
        raise _wrong(name, "base_url must be an address such as 'https://llm.example/v1'")
    if isinstance(dialect, str):
        if dialect not in DIALECTS:
            raise _wrong(
                name,
                f"no dialect is named {given.shown(dialect)}; there are {', '.join(DIALECTS)}, "
                "or an object of your own",
            )
    elif isinstance(dialect, type):
        raise _wrong(name, f"dialect must be an object: write {dialect.__name__}()")
    elif missing := [part for part in _OF_A_DIALECT if not hasattr(dialect, part)]:
        raise _wrong(
            name, f"{type(dialect).__name__} is not a dialect: it lacks {', '.join(missing)}"
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _variables(
    name: str, what: str, variables: Sequence[str] | None, usual: str
) -> tuple[str, ...]:
    if variables is None:
        return (usual,)
    found = given.texts(f"provider {name!r}: {what}", variables, usual)
    for variable in found:
        if not _VARIABLE.fullmatch(variable):
            # It is not shown: a key in its place is a likely mistake.
            raise _wrong(
                name, f"{what} has a name that is not a variable's; write one such as {usual}"
            )
    return found


def _families(name: str, families: object) -> tuple[str, ...]:
    found = given.texts(f"provider {name!r}: families", families, f"{name}-")
    if "" in found:
        raise _wrong(name, "an empty family would be every model's")
    return tuple(family.lower() for family in found)


def _is_same(one: Provider, other: Provider) -> bool:
    """Two dialects of one class are the same: they have no state."""
    kinds = [
        row.dialect if isinstance(row.dialect, str) else type(row.dialect) for row in (one, other)
    ]
    return kinds[0] == kinds[1] and one == dataclasses.replace(other, dialect=one.dialect)


def _wrong(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"provider {name!r}: {why}")
