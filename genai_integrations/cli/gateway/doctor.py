"""`genai gateway doctor`: what is wrong with a gateway's set-up, and what to do next. Nothing is changed or called."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from genai_integrations.cli.doctor import langfuse, machine
from genai_integrations.cli.doctor.findings import Finding, fail, ok, warn
from genai_integrations.cli.doctor.run import Check
from genai_integrations.cli.doctor.setup import Setup
from genai_integrations.cli.gateway.asked import Asked
from genai_integrations.client import GenAIClient
from genai_integrations.config.reading import read_config
from genai_integrations.connections.langfuse.crypto import decrypt
from genai_integrations.connections.langfuse.database import read
from genai_integrations.errors import DecryptionError, GenAIError
from genai_integrations.gateway.callers import is_loopback
from genai_integrations.gateway.operator import TOKEN_VARIABLE, checked_token
from genai_integrations.gateway.serving import option_of
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.redis_link import SCHEMES, RedisAway, RedisLink
from genai_integrations.runtime.secret import Secret
from genai_integrations.settings import (
    gateway_has_keys,
    operator_token,
    read_gateway_settings,
    trusted_proxies,
)

KEY_STORE = "GENAI_GATEWAY_KEYS"

_FILE = "sqlite:///"

_PACKAGES = ("httptools", "prometheus_client", "uvicorn", "uvloop")
_NEWEST = b"SELECT id, secret_key FROM llm_api_keys ORDER BY created_at DESC, id LIMIT 20"
_ENOUGH_FILES = 12_000
"""Each connection of a caller, and each to a provider, is an open file."""


class GatewaySetup(Setup):
    """The set-up of a gateway, read once.

    Args:
        asked: How it would be called.
        environ: The variables; None for those of the process.
    """

    def __init__(self, asked: Asked, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self.asked = asked

    @property
    def has_keys(self) -> bool:
        """Whether callers are asked for the key pair of their project."""
        return gateway_has_keys(self.environ) and not self.asked.no_auth

    @property
    def uses_langfuse(self) -> bool:
        """Whether Langfuse is asked: it confirms the callers' keys."""
        return self.has_keys or super().uses_langfuse

    @cached_property
    def client(self) -> GenAIClient | GenAIError:
        """A client as the configuration makes it, or why there is none."""
        if self.asked.config is None:
            return super().client
        try:
            return GenAIClient.from_config(self.asked.config)
        except GenAIError as error:
            return error

    @property
    def redis_addresses(self) -> dict[str, str]:
        """The Redis servers that are named, by where."""
        found = {KEY_STORE: self.environ.get(KEY_STORE, "")}
        if isinstance(self.client, GenAIClient):
            args = self.client._router.args  # noqa: SLF001  its arguments are no part of the interface
            found["router_args"] = args.redis_address
        return {where: url for where, url in found.items() if _scheme(url) in SCHEMES}


def _scheme(address: str) -> str:
    return address.partition("://")[0].lower()


def variables(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the gateway's own variables can be meant."""
    readers = (read_gateway_settings, trusted_proxies) if setup.has_keys else (trusted_proxies,)
    for read_them in readers:
        try:
            read_them(setup.environ)
        except GenAIError as error:
            yield fail(str(error), "correct it: the gateway does not start so")


def packages(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the server's packages are installed."""
    wanted = (*_PACKAGES, *(["redis"] if setup.redis_addresses else []))
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        then = to_install_extra("gateway")
        yield fail(f"{', '.join(missing)} not installed", then)
    else:
        yield ok(", ".join(wanted))


def configuration(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the file can be read, and what it says that has no meaning here."""
    path = setup.asked.config
    if path is None:
        yield ok("none: connections come from Langfuse, or from the providers' own variables")
        return
    if isinstance(setup.client, GenAIError):
        yield fail(str(setup.client), f"correct it; `genai config check {path}` looks at it alone")
        return
    yield ok(path)
    for note in read_config(path).notes:
        yield warn(str(note), "correct the line, or leave it if it is intended")


def callers(setup: GatewaySetup) -> Iterator[Finding]:
    """Who would be served."""
    host = setup.asked.host
    if setup.has_keys:
        yield ok("each brings the Langfuse key pair of its project, or a narrower key")
    elif is_loopback(host) and not setup.asked.no_auth:
        yield ok("everybody on this machine, with any key or none")
    elif setup.asked.no_auth:
        then = "let only those reach it who may spend its money, or serve with keys: set the Langfuse key pair"
        yield warn(f"everybody who can reach {host}, with any key or none", then)
    else:
        then = (
            "set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, listen at 127.0.0.1, or say --no-auth"
        )
        yield fail(f"nobody: there are no keys, and others can reach {host}", then)


def database(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the connections of the projects can be read, and not written."""
    url = setup.settings.database_url
    if url is None:
        if setup.has_keys:
            yield ok("not set: every project has the connections of the gateway's environment")
        return
    try:
        row = read(Secret(url), lambda connection: connection.execute(langfuse.ROLE).fetchone())
    except GenAIError as error:
        then = "correct LANGFUSE_DATABASE_URL, or what it leads to, and run this again"
        yield fail(str(error), then)
        return
    role, may_write, projects = row or ("", False, 0)
    if may_write:
        then = "use a role that may only SELECT; `genai setup-db` prints one for one project"
        yield warn(f"the role {role} can read it, but also write to it", then)
    else:
        yield ok(f"the role {role} can read the connections of {projects} projects")


def encryption_key(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the encryption key opens what is stored."""
    url, keys = setup.settings.database_url, setup.settings.encryption_keys
    if url is None or not keys:
        return
    try:
        rows = read(Secret(url), lambda connection: connection.execute(_NEWEST).fetchall())
    except GenAIError:
        return  # as the check before this one has said
    closed = sum(not _opens(secret, keys) for _, secret in rows)
    then = "set LANGFUSE_ENCRYPTION_KEY to the ENCRYPTION_KEY of the Langfuse that stored them"
    if not rows:
        yield warn("nothing is stored yet, so it cannot be tried", "add a connection in Langfuse")
    elif closed == len(rows):
        yield fail("it opens none of the stored keys", then)
    elif closed:
        yield warn(f"it opens {len(rows) - closed} of the newest {len(rows)} stored keys", then)
    else:
        yield ok(f"it opens the newest {len(rows)} stored keys")


def _opens(ciphertext: str, keys: tuple[str, ...]) -> bool:
    try:
        decrypt(ciphertext, keys, where="a connection")
    except DecryptionError:
        return False
    return True


def redis(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the servers answer that are to be shared, and what is not shared without one."""
    addresses = setup.redis_addresses
    for where, url in addresses.items():
        yield _redis(where, url)
    if not addresses and setup.asked.workers > 1:
        then = "set router_args.redis_url to redis://host:6379/0 in the configuration"
        yield warn(
            "none: each worker counts limits and budgets, and learns of cooldowns, by itself", then
        )


def _redis(where: str, url: str) -> Finding:
    then = f"correct the address in {where}, or start the server"
    try:
        link = RedisLink(url)
        link.ask(lambda server: server.ping())
    except RedisAway as error:
        return fail(str(error), then)
    except GenAIError as error:
        return fail(str(error), then)
    return ok(f"{link.where} answers")


def key_store(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the file of narrower keys can be read and written; a Redis server was asked before."""
    address = setup.environ.get(KEY_STORE, "")
    if not address or _scheme(address) in SCHEMES:
        return
    path = Path(address.removeprefix(_FILE))
    if not address.startswith(_FILE) or not path.name:
        then = f"set {KEY_STORE} to sqlite:///keys.db or redis://host:6379/0"
        yield fail("it is neither a SQLite file nor a Redis server", then)
    elif not os.access(path if path.exists() else path.parent, os.R_OK | os.W_OK):
        then = f"let the gateway's user read and write it and its folder, or name another one in {KEY_STORE}"
        yield fail(f"{path} cannot be written", then)
    else:
        yield ok(f"{path}, for the gateways of this machine")


def port(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether the address can be listened at."""
    host, number = setup.asked.host, setup.asked.port
    try:
        found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        why = error.strerror or type(error).__name__
        then = f"choose another {option_of(error)}"
        if error.errno == errno.EADDRINUSE:
            then = f"end what listens there, or {then}"
        yield fail(f"{host} port {number}: {why}", then)
    else:
        yield ok(f"{host} port {number} is free")


def tls(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether keys and prompts would travel in the clear."""
    if is_loopback(setup.asked.host):
        yield ok("not needed on this machine; a proxy in front must have it")
    else:
        yield warn(
            f"the gateway speaks plain HTTP at {setup.asked.host}",
            "put a proxy with a certificate in front, and let nobody reach this port but the proxy",
        )


def workers(setup: GatewaySetup) -> Iterator[Finding]:
    """Whether there are as many as the machine has room for."""
    asked, cores = setup.asked.workers, os.cpu_count() or 1
    if asked > cores:
        then = f"ask for --workers {cores}: more take memory, and serve nobody faster"
        yield warn(f"{asked} workers for {cores} processors", then)
    else:
        yield ok(f"{asked} of {cores} processors")


def run_folder(setup: GatewaySetup) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """Whether workers have a place for the files in which they sum up metrics and figures."""
    try:
        with tempfile.TemporaryDirectory(prefix="genai-gateway-") as name:
            yield ok(f"{Path(name).parent} can be written")
    except OSError as error:
        yield fail(
            f"no place for files: {error.strerror}", "set TMPDIR to a folder that can be written"
        )


def operator(setup: GatewaySetup) -> Iterator[Finding]:
    """Who sees `/metrics` and the figures of all projects."""
    make = f"set {TOKEN_VARIABLE} to what `openssl rand -hex 32` prints"
    try:
        token = checked_token(operator_token(setup.environ))
    except GenAIError as error:
        yield fail(str(error), make)
        return
    if token is not None:
        yield ok("who knows the token sees /metrics and the figures of all projects")
    elif setup.has_keys:
        yield warn("there is no token: nobody sees /metrics", make)
    elif setup.asked.no_auth and not is_loopback(setup.asked.host):
        yield warn("there is no token: everybody who can reach it sees /metrics", make)
    else:
        yield ok("everybody on this machine sees /metrics")


def files(setup: GatewaySetup) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """How many connections a worker can have."""
    with contextlib.suppress(ImportError):
        import resource

        most: Any = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if most != resource.RLIM_INFINITY and most < _ENOUGH_FILES:
            then = "raise it: `ulimit -Hn`, LimitNOFILE= in systemd, --ulimit nofile= in Docker"
            yield warn(f"a worker can have {most:,}, connections among them", then)
        else:
            yield ok("enough for 10,000 connections")


CHECKS: tuple[Check[GatewaySetup], ...] = (
    Check("python", machine.python),
    Check("packages", packages),
    Check("configuration", configuration),
    Check("variables", variables),
    Check("callers", callers),
    Check("langfuse host", langfuse.host),
    Check("langfuse", langfuse.server),
    Check("langfuse login", langfuse.login),
    Check("clock", machine.clock),
    Check("database", database),
    Check("encryption key", langfuse.encryption),
    Check("encryption key", encryption_key),
    Check("redis", redis),
    Check("key store", key_store),
    Check("address", port),
    Check("tls", tls),
    Check("workers", workers),
    Check("run folder", run_folder),
    Check("operator", operator),
    Check("open files", files),
)
"""Later checks leave out what earlier ones found missing."""
