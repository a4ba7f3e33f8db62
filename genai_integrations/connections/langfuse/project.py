"""Which Langfuse project a key pair belongs to."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from genai_integrations.errors import ConfigurationError, CredentialError, CredentialStoreError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.network import NO_SUCH_PROXY, proxy_at, proxy_for, tls_context

if TYPE_CHECKING:
    import urllib3

_REFUSED = (401, 403)

_HEALTH_WAIT = 2.0
"""Seconds."""


def fetch_project_id(host: str, public_key: str, secret_key: str) -> str:
    """Ask Langfuse for the project of a key pair.

    Langfuse checks the pair, so a wrong secret learns nothing.

    Args:
        host: Langfuse's address, such as `https://cloud.langfuse.com`.
        public_key: Public key of the project.
        secret_key: Secret key of the project.

    Raises:
        ConfigurationError: The host is no http(s) address.
        CredentialError: Langfuse refuses the pair.
        CredentialStoreError: The host cannot be reached, or what answers is not Langfuse.
    """
    # Masked, because a traceback may show the locals of every frame it passes.
    secret_key = MaskedText(secret_key)
    check_address(host)
    status, body = _ask(host, public_key, secret_key)
    if status in _REFUSED:
        raise CredentialError(
            f"Langfuse at {host} refuses the key pair {public_key}: check LANGFUSE_SECRET_KEY "
            f"(a key of another project or host?) (HTTP {status})"
        )
    if status >= 500:  # noqa: PLR2004 - HTTP's own boundary
        raise CredentialStoreError(f"Langfuse at {host} fails (HTTP {status}): try again later")
    project_id = _project_id(body) if status == 200 else None  # noqa: PLR2004 - HTTP's "OK"
    if project_id is None:
        raise CredentialStoreError(
            f"{host} does not answer like Langfuse (HTTP {status} for /api/public/projects): "
            "check LANGFUSE_HOST"
        )
    return project_id


def check_address(host: str) -> None:
    """Refuse an address of Langfuse at which nothing can ever be.

    Raises:
        ConfigurationError: It is not one of http or https.
    """
    try:
        parts = urlsplit(host)
        is_one = bool(parts.hostname) and parts.port != 0 and not _SPACE.search(host)
    except ValueError:
        is_one = False
    if not is_one or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"LANGFUSE_HOST is {host!r}: it must start with https:// (or http://), and name a host"
        )


_SPACE = re.compile(r"\s")


def is_healthy(host: str) -> bool:
    """Whether Langfuse says that it is well."""
    import urllib3

    try:
        with langfuse_pool(host, longest_wait=_HEALTH_WAIT) as http:
            answer = http.request("GET", f"{host}/api/public/health", redirect=False)
    except (urllib3.exceptions.HTTPError, CredentialStoreError):
        return False
    return answer.status == 200  # noqa: PLR2004 - HTTP's "OK"


def _ask(host: str, public_key: str, secret_key: str) -> tuple[int, bytes]:
    import urllib3

    with langfuse_pool(host) as http:
        try:
            reply = http.request(
                "GET",
                f"{host}/api/public/projects",
                headers=basic_auth(public_key, secret_key),
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            problem = why_no_answer(error)
        else:
            return reply.status, reply.data
    # Raised out here, so that urllib3's frames, whose locals hold the key, do not hang on our error.
    raise CredentialStoreError(f"cannot reach Langfuse at {host} ({problem}): check LANGFUSE_HOST")


def langfuse_pool(host: str, longest_wait: float = 10.0) -> urllib3.PoolManager:
    """Connections to Langfuse, through the proxy that the environment names for it.

    Args:
        host: Langfuse's address.
        longest_wait: Seconds to wait for an answer.

    Raises:
        CredentialStoreError: The proxy is of a kind that cannot be used.
    """
    import urllib3

    address = proxy_for(host)
    wait = urllib3.Timeout(connect=min(5.0, longest_wait), read=longest_wait)
    if address is None:
        return urllib3.PoolManager(retries=False, timeout=wait, ssl_context=tls_context())
    proxy = proxy_at(address)
    if proxy is None:
        raise CredentialStoreError(NO_SUCH_PROXY)
    return urllib3.ProxyManager(
        proxy.origin,
        proxy_headers=proxy.headers,
        retries=False,
        timeout=wait,
        ssl_context=tls_context(),
    )


def why_no_answer(error: Exception) -> str:
    """What is wrong, in a few words, when urllib3 has no answer."""
    from urllib3.exceptions import ProxyError

    if isinstance(error, ProxyError):
        return f"the proxy that the environment names: {why_no_answer(error.original_error)}"
    kinds = [kind.__name__ for kind in type(error).__mro__]
    known = next((_REASONS[kind] for kind in kinds if kind in _REASONS), kinds[0])
    refused = kinds[0] == "NewConnectionError" and "refused" not in str(error)
    return "no connection can be made" if refused else known


_REASONS = {
    "NameResolutionError": "no host has that name",
    # Before the time-outs: urllib3 has it as one of them.
    "NewConnectionError": "the connection is refused: nothing listens there",
    "TimeoutError": "it does not answer in time",
    "SSLError": "its certificate is not trusted here",
}


def basic_auth(public_key: str, secret_key: str) -> dict[str, str]:
    """The headers of a request to Langfuse."""
    pair = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
    return {"authorization": MaskedText(f"Basic {pair}"), "accept": "application/json"}


def _project_id(body: bytes) -> str | None:
    try:
        reply: Any = json.loads(body)
        found = reply["data"][0]["id"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, str) and found else None
