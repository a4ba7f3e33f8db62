"""Checks of what has to do with Langfuse: the key pair, the host, the database, the encryption key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from genai_integrations.cli.doctor.findings import Finding, fail, ok, warn
from genai_integrations.cli.doctor.setup import Setup
from genai_integrations.connections.langfuse.database import read
from genai_integrations.errors import CredentialError, CredentialStoreError, GenAIError
from genai_integrations.runtime.secret import Secret
from genai_integrations.settings import DEFAULT_HOST

_PAIR = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
_IN_LANGFUSE = "in Langfuse: Settings, API Keys"
_KEY_LENGTH = 64
_OLDEST = (3, 92)
"""Older versions store connections in another form."""

ROLE = b"""
SELECT current_user,
       has_table_privilege('llm_api_keys', 'INSERT, UPDATE, DELETE'),
       (SELECT count(DISTINCT project_id) FROM llm_api_keys)
"""


def keys(setup: Setup) -> Iterator[Finding]:
    """Whether the key pair is set, and each key in its place."""
    public, secret = setup.settings.public_key or "", setup.settings.secret_key or ""
    missing = [name for name, key in zip(_PAIR, (public, secret), strict=True) if not key]
    if len(missing) == len(_PAIR) and not setup.settings.database_url:
        yield ok("not set; that is fine without Langfuse's prompts, traces and connections")
    elif missing:
        verb = "is" if len(missing) == 1 else "are"
        yield fail(f"{' and '.join(missing)} {verb} not set", f"copy the key pair {_IN_LANGFUSE}")
    elif public.startswith("sk-") or secret.startswith("pk-"):
        yield fail("the public and the secret key are swapped", "swap them")
    elif public != public.strip() or secret != secret.strip():
        yield fail("a key has spaces around it", "set it again without them")
    else:
        yield ok(f"{public} and its secret key are set")


def host(setup: Setup) -> Iterator[Finding]:
    """Whether Langfuse's address is one."""
    if not setup.uses_langfuse:
        return
    address = setup.settings.host
    if not setup.has_address:
        yield fail(f"{address!r} is not an address", "set LANGFUSE_HOST to https://...")
        return
    parts = urlsplit(address)
    if "/api/" in f"{parts.path}/":
        then = f"set LANGFUSE_HOST to {address.partition('/api')[0]}"
        yield fail(f"{address} includes the API path, which is added automatically", then)
    elif parts.scheme == "http" and not is_near(parts.hostname or ""):
        yield warn(f"{address} is not encrypted: the secret key travels in the clear", "use https")
    elif not {"LANGFUSE_HOST", "LANGFUSE_BASE_URL"} & setup.environ.keys():
        yield ok(f"{DEFAULT_HOST}, because LANGFUSE_HOST is not set")
    else:
        yield ok(address)


def server(setup: Setup) -> Iterator[Finding]:
    """Whether Langfuse answers, and its version."""
    if not setup.uses_langfuse or not setup.has_address:
        return
    address, health = setup.settings.host, setup.health
    version = _version(health.version)
    if health.problem:
        then = f"check LANGFUSE_HOST and the network: curl -i {address}/api/public/health"
        yield fail(f"{address}: {health.problem}", then)
    elif version is None:
        then = "LANGFUSE_HOST must be the address that you open Langfuse with in a browser"
        yield fail(f"{address} does not answer like Langfuse (HTTP {health.status})", then)
    elif version < _OLDEST:
        yield fail(f"version {health.version} is too old", "update Langfuse to 3.92 or newer")
    else:
        yield ok(f"version {health.version} answers")


def _version(text: object) -> tuple[int, ...] | None:
    numbers = re.match(r"(\d+)\.(\d+)", text) if isinstance(text, str) else None
    return tuple(map(int, numbers.groups())) if numbers else None


def login(setup: Setup) -> Iterator[Finding]:
    """Whether Langfuse takes the key pair."""
    if not setup.has_pair or setup.health.version is None:
        return
    match setup.project:
        case CredentialStoreError() as error:
            yield fail(str(error), "look at Langfuse's own logs")
        case CredentialError() as error:
            then = f"make a new key pair {_IN_LANGFUSE}, and set both keys from it"
            yield fail(str(error), then)
        case GenAIError() as error:
            yield fail(str(error), "correct LANGFUSE_HOST")
        case project:
            yield ok(f"the key pair belongs to the project {project}")


def database(setup: Setup) -> Iterator[Finding]:
    """Whether the table of connections can be read, and whether by a role that can do no more."""
    url = setup.settings.database_url
    if url is None:
        yield ok("not set: connections come from the providers' own variables")
        return
    try:
        role, may_write, projects = read(
            Secret(url), lambda connection: connection.execute(ROLE).fetchall()
        )[0]
    except GenAIError as error:
        yield fail(
            str(error), "correct LANGFUSE_DATABASE_URL, or what it leads to, and run this again"
        )
        return
    too_much = _too_much(may_write=may_write, projects=projects)
    if too_much:
        then = "use the role that `genai setup-db` prints"
        yield warn(f"the role {role} can read it, but also {too_much}", then)
    else:
        yield ok(f"the role {role} can read it, and nothing else")


def _too_much(*, may_write: bool, projects: int) -> str:
    extra = ["write to it"] * may_write + ["read other projects"] * (projects > 1)
    return " and ".join(extra)


def encryption(setup: Setup) -> Iterator[Finding]:
    """Whether the encryption keys can be keys at all. If they are the right ones, the connections tell."""
    if not setup.settings.database_url:
        return
    found = setup.settings.encryption_keys
    then = "take Langfuse's own ENCRYPTION_KEY from where Langfuse is deployed"
    if not found:
        yield fail("LANGFUSE_ENCRYPTION_KEY is not set", then)
        return
    problems = [(at, wrong) for at, key in enumerate(found, 1) if (wrong := _not_a_key(key))]
    for at, wrong in problems:
        yield fail(f"{_which(at, found)} {wrong}", then)
    if "0" * _KEY_LENGTH in found:
        yield warn(
            "it is the placeholder of Langfuse's docker-compose.yml, 64 zeros, which protects nothing",
            "set ENCRYPTION_KEY there to what `openssl rand -hex 32` prints, and enter each "
            "connection's key again",
        )
    elif not problems:
        yield ok(
            f"{len(found)} keys of 64 hex characters" if len(found) > 1 else "64 hex characters"
        )


def _not_a_key(key: str) -> str:
    if key[:1] in "'\"":
        return "has quotation marks around it"
    if len(key) != _KEY_LENGTH:
        return f"has {len(key)} characters instead of {_KEY_LENGTH}"
    return "" if re.fullmatch(r"[0-9a-fA-F]+", key) else "has characters that are not hex"


def _which(at: int, found: Sequence[str]) -> str:
    return f"key {at} of {len(found)}" if len(found) > 1 else "it"


def is_near(name: str) -> bool:
    """Whether a host is this machine or in a private network, by its address; names are not looked up."""
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return (
            name == "localhost"
            or name.endswith((".localhost", ".local", ".internal"))
            or "." not in name
        )
