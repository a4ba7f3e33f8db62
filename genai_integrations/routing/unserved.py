"""Why nobody serves a name, and what to do about it: one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from genai_integrations.calls.args import AUTO
from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.providers import PROVIDERS, Provider, provider_named
from genai_integrations.models.families import Family, family_of

_MOST_PROVIDERS = 3
"""Of those whose keys would do, so many are named."""

_FROM_LANGFUSE = "LANGFUSE_DATABASE_URL with LANGFUSE_ENCRYPTION_KEY to use the keys in Langfuse"


def unserved(
    name: str,
    meant: str,
    connections: Sequence[Connection],
    broken: Iterable[BrokenConnection],
    near: str,
) -> str:
    """The sentence for a name that no connection serves.

    Args:
        name: As it was asked for.
        meant: After aliases.
        connections: Those that can be used.
        broken: Those that cannot.
        near: A question with the nearest names; empty if there are none.
    """
    unusable = _unusable(broken)
    nobody = f"no connection serves {name!r}" + (f" (alias of {meant!r})" if meant != name else "")
    if not connections:
        return f"{nobody}: {unusable or _how_to_connect(meant)}"
    hint = f"; {near}" if near else "."
    if name == AUTO:
        hint = "; router_args['auto'] says what it chooses from."
    family = family_of(meant)
    wanted = f" It needs a connection to {' or '.join(_hosts(family))}." if family else ""
    have = ", ".join(row.name for row in connections)
    open_ended = next((row.name for row in connections if row.with_default_models), None)
    written = f" `{open_ended}/{meant}` asks it anyway." if open_ended else ""
    cannot = f" Not to be used: {unusable}." if unusable else ""
    return f"{nobody}{hint}{wanted} Connections: {have}.{cannot}{written}"


def explained_by(name: str) -> str:
    """What the error of a call adds, and the command itself does not."""
    return f" `genai resolve {name}` explains."


def _unusable(broken: Iterable[BrokenConnection]) -> str:
    return "; ".join(f"{row.name} cannot be used: {row.error}" for row in broken)


def _how_to_connect(meant: str) -> str:
    """Which variables would bring a connection that serves it."""
    prefix, slash, rest = meant.partition("/")
    asked = provider_named(prefix) if slash and rest else None
    family = family_of(meant)
    if asked is not None:
        wanted = [asked]
    else:
        wanted = [PROVIDERS[host] for host in _hosts(family)] if family else []
    told = [_variables(provider) for provider in wanted[:_MOST_PROVIDERS]]
    ways = " or ".join(told) if told else "a provider's variable such as OPENAI_API_KEY"
    return f"there are no connections; set {ways}, or {_FROM_LANGFUSE}"


def _hosts(family: Family) -> tuple[str, ...]:
    return family.providers + family.hosts


def _variables(provider: Provider) -> str:
    """The variables of a provider that are enough for a connection."""
    own = _ENOUGH.get(provider.name)
    if own is not None:
        return own
    keys = () if provider.keyless and provider.url_variables else provider.key_variables[:1]
    needs_address = provider.base_url is None or not keys
    named = (*keys, *(provider.url_variables[:1] if needs_address else ()))
    return f"{' and '.join(named)} ({provider.name})" if named else provider.name


_ENOUGH: Mapping[str, str] = {
    "bedrock": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (bedrock)",
    "vertex": "GOOGLE_APPLICATION_CREDENTIALS (vertex)",
    "portkey": "PORTKEY_API_KEY (portkey)",
}
"""Providers of which one key is not enough."""
