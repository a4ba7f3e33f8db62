"""Checks of the connections: whether they can be used, their hosts, and their test calls."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from genai_integrations.cli.doctor.findings import Finding, fail, ok, warn
from genai_integrations.cli.doctor.langfuse import is_near
from genai_integrations.cli.doctor.machine import unreachable
from genai_integrations.cli.doctor.setup import Setup
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import origin_of
from genai_integrations.connections.overview import ConnectionRow
from genai_integrations.errors import DecryptionError, GenAIError
from genai_integrations.routing.check import Check
from genai_integrations.routing.domains import outages_of
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.network import proxy_for

_AT_ONCE = 8
_MOST_MODELS = 200
_MOST_SHOWN = 3


def connections(setup: Setup) -> Iterator[Finding]:
    """Whether there are any, and which cannot be used."""
    if isinstance(setup.connections, GenAIError):
        yield fail(f"they cannot be read: {setup.connections}", "correct what failed above")
        return
    rows = setup.rows
    broken = [row for row in rows if row.error]
    if not rows:
        yield _none(setup)
    elif len(broken) > 1 and all(isinstance(row.error, DecryptionError) for row in rows):
        then = "set LANGFUSE_ENCRYPTION_KEY to the ENCRYPTION_KEY of the Langfuse that stored them"
        yield fail(f"none of the {len(rows)} can be decrypted: the encryption key is wrong", then)
    else:
        yield from map(_broken, broken)
    usable = [row.name for row in rows if not row.error]
    if usable:
        yield ok(f"{len(usable)} can be used: {', '.join(usable)}")


def _none(setup: Setup) -> Finding:
    if setup.settings.database_url:
        then = "add one in Langfuse: Settings, LLM Connections"
        return fail(f"the project {setup.project} has none", then)
    then = "set OPENAI_API_KEY or another provider's variable, or LANGFUSE_DATABASE_URL"
    return fail("there are none", then)


def _broken(row: ConnectionRow) -> Finding:
    if isinstance(row.error, DecryptionError):
        then = (
            f"save the key of {row.name!r} again in Langfuse, or add the ENCRYPTION_KEY that it was stored "
            "with to LANGFUSE_ENCRYPTION_KEY, after a comma"
        )
    else:
        then = f"correct the connection {row.name!r} where it is kept"
    return fail(f"{row.name}: {row.error}", then)


def extras(setup: Setup) -> Iterator[Finding]:
    """Whether what a provider needs is installed."""
    vertex = [row.name for row in setup.rows if row.provider == "vertex"]
    if vertex and importlib.util.find_spec("google.auth") is None:
        what = f"{', '.join(vertex)}: Vertex AI needs google-auth, which is not installed"
        yield fail(what, to_install_extra("vertex"))


def hosts(setup: Setup) -> Iterator[Finding]:
    """Whether each connection's host can be reached; nothing is sent. A proxy's hosts are not tried."""
    names = {row.name for row in setup.rows if row.host and not row.error}
    origins: dict[str, list[str]] = {}
    for row in _usable(setup):
        if row.name in names:
            address = row.base_url or row.provider.base_url or ""
            origins.setdefault(origin_of(address, row.name), []).append(row.name)
    direct = [origin for origin in origins if "{" not in origin and proxy_for(origin) is None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        problems = list(pool.map(_unreachable, direct))
    for origin, problem in zip(direct, problems, strict=True):
        who = ", ".join(origins[origin])
        if problem:
            then = "check the base URL and the network; behind a proxy, set HTTPS_PROXY"
            yield fail(f"{origin} ({who}): {problem}", then)
    for origin, users in origins.items():
        if origin.startswith("http:") and not is_near(urlsplit(origin).hostname or ""):
            what = f"{origin} ({', '.join(users)}) is not encrypted: the key travels in the clear"
            yield warn(what, "use https in the base URL")
    if direct and not any(problems):
        yield ok(
            f"{len(direct)} can be reached" if len(direct) > 1 else f"{direct[0]} can be reached"
        )


def _usable(setup: Setup) -> Sequence[Connection]:
    if isinstance(setup.connections, GenAIError):
        return ()
    return [row for row in setup.connections if isinstance(row, Connection)]


def _unreachable(origin: str) -> str:
    parts = urlsplit(origin)
    return unreachable(parts.hostname or "", parts.port or 0)


def outages(setup: Setup) -> Iterator[Finding]:
    """Which single outage would take a listed model down, or every connection. How much that matters is the user's."""
    names = {row.name for row in setup.rows if not row.error}
    client, usable = setup.client, [row for row in _usable(setup) if row.name in names]
    if isinstance(client, GenAIError) or not usable:
        return
    every = outages_of(usable)
    if every:
        yield ok(f"one outage takes down every model: {' and '.join(every)}")
        return
    models = dict.fromkeys(model for row in usable for model in row.custom_models)
    found = [client.resolve(model) for model in list(models)[:_MOST_MODELS]]
    frail = [row for row in found if row.outages]
    if frail:
        shown = "; ".join(f"{row.name}: {' and '.join(row.outages)}" for row in frail[:_MOST_SHOWN])
        yield ok(f"one outage takes down {len(frail)} of {len(found)} listed models: {shown}")
    else:
        yield ok("no single outage takes every connection down, or a listed model")


def calls(setup: Setup) -> Iterator[Finding]:
    """With `--call`: the test call of each connection that can be used."""
    client = setup.client
    if not setup.call or isinstance(client, GenAIError):
        return
    names = [row.name for row in setup.rows if not row.error]
    for name in names:
        yield _called(client.check(name))


def _called(check: Check) -> Finding:
    if check.ok:
        return ok(str(check))
    return fail(str(check), "look the error up in the documentation, under Errors and what to do")
