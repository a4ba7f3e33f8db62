"""Who the operator is, and what only the operator gets: `/metrics`, and the figures of all projects.

The operator is who knows the operator's token. Where the gateway has no keys, everybody who reaches it is the operator,
unless there is a token. Nothing depends on the address that a request comes from: behind a proxy on the same machine
everybody comes from loopback.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING

from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.callers import Headers, OpenKeys
from genai_integrations.gateway.refusals import Refused
from genai_integrations.runtime.masked import MaskedText

if TYPE_CHECKING:
    from genai_integrations.gateway.app import Gateway
    from genai_integrations.gateway.exchange import Exchange
    from genai_integrations.gateway.options import GatewayOptions

USER = "operator"
"""The name to give with the token where a browser asks for a name and a password."""

TOKEN_VARIABLE = "GENAI_GATEWAY_OPERATOR_TOKEN"  # noqa: S105 - a name
LEAST_LENGTH = 32
"""Letters of a token: nobody counts the guesses, so it must not be guessed."""


_IN_HEADERS = re.compile(r"[!-~]+")


def checked_token(token: str | None) -> MaskedText | None:
    """The operator's token.

    Raises:
        ConfigurationError: It is too short, or has letters that no header brings as they are.
    """
    if not token:
        return None
    if len(token) < LEAST_LENGTH or not _IN_HEADERS.fullmatch(token):
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} must have at least {LEAST_LENGTH} ASCII letters and no spaces: openssl rand -hex 32"
        )
    return MaskedText(token)


def has_token(options: GatewayOptions, headers: Headers) -> bool:
    """Whether a request brings the operator's token, as `Bearer` or as a password."""
    token = options.operator_token
    brought = _brought(headers.get("authorization", ""))
    return token is not None and hmac.compare_digest(brought.encode(), token.encode())


def is_for_everybody(options: GatewayOptions) -> bool:
    """Whether whoever is served is the operator."""
    return isinstance(options.keys, OpenKeys) and options.operator_token is None


async def require_operator(options: GatewayOptions, headers: Headers) -> None:
    """Let only the operator go on.

    Raises:
        Refused: It is not.
    """
    if is_for_everybody(options):
        await options.keys.admit(headers)
    elif options.operator_token is None:
        raise Refused(
            403,
            "operator_only",
            f"this is for the operator: set {TOKEN_VARIABLE} where the gateway starts",
        )
    elif not has_token(options, headers):
        raise Refused(401, "operator_only", "send the operator's token: authorization: Bearer ...")


async def metrics(gateway: Gateway, exchange: Exchange) -> None:
    """`GET /metrics`: all figures of all workers, in Prometheus's text format."""
    await require_operator(gateway.options, exchange.headers)
    body = await gateway.operation.render_metrics()
    from genai_integrations.gateway.metrics import CONTENT_TYPE

    await exchange.answer(200, body, NOT_KEPT, CONTENT_TYPE.encode())


NOT_KEPT = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Headers of what is one reader's own."""


def _brought(authorization: str) -> str:
    """The token in a header; empty where there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        name, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password if name == USER else ""
