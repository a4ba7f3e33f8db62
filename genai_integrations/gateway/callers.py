"""Who asks: a caller with the client of its project, and what finds one by the headers of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from genai_integrations.calls.allowed import may_use
from genai_integrations.calls.args import CALL_FALLBACKS
from genai_integrations.client import GenAIClient
from genai_integrations.gateway.bounds import check_length, keep_within
from genai_integrations.gateway.refusals import Refused

Headers = Mapping[str, str]
"""A request's headers, names in lower case. None of them came twice that says who asks."""


_NAMING = frozenset(CALL_FALLBACKS)
"""Parameters that name models beside the one that is asked for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        client: Of its project; everything is asked through it.
        name: The project's id, with the name of a narrower key behind a slash; safe in logs and metrics.
        models: Patterns of the names it may use, such as `gpt-4o*`; None for all.
        project: Id of the project in Langfuse; empty without one.
        key: What the limits and budgets of a key are kept under; empty for none.
    """

    client: GenAIClient
    name: str
    models: tuple[str, ...] | None = None
    project: str = ""
    key: str = ""

    def may_use(self, model: str) -> bool:
        """Whether it may ask for a model by this name: its own patterns never widen the operator's."""
        return all(
            patterns is None or may_use(model, patterns)
            for patterns in (self.models, self.client.router_args.allowed_models)
        )

    def require(self, model: str, params: Mapping[str, Any]) -> None:
        """Refuse a model that it may not use, as the one that is asked for or as one to fall back to.

        Args:
            model: The one that is asked for.
            params: Of the request, which may name others.

        Raises:
            Refused: It may not, whether there is such a model is not told; or no model has such a name.
            ConfigurationError: What the request says of others cannot be meant.
        """
        self._require(model, "model")
        if not _NAMING.isdisjoint(params):
            from genai_integrations.calls.fallbacks import names_in

            for name in names_in(params):
                check_length(name, "fallbacks")
                self._require(name, "fallbacks")

    def _require(self, model: str, param: str) -> None:
        if self.models is not None and not self.may_use(model):
            raise Refused(
                404,
                "model_not_found",
                "this key may not use that model; GET /v1/models lists those it may",
                param=param,
            )

    def bound(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a call with what binds this caller, whatever it says itself."""
        if self.models is not None:
            params["allowed_models"] = self.models
        if self.key:
            params["metadata"] = {**(params.get("metadata") or {}), "key": self.key}
        keep_within(params, self.client.router_args)
        return params


class Keys(Protocol):
    """Knows callers by their keys. One serves a whole process."""

    async def admit(self, headers: Headers, address: str = "") -> Caller:
        """Who asks.

        Args:
            headers: Of the request.
            address: Where the request comes from, for those who guess; a proxy's own where one stands before.

        Raises:
            Refused: Nobody who is known, or one who guesses too often.
        """
        ...

    async def is_ready(self) -> bool:
        """Whether callers can be served: what they need has been read, or can be."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open; what was recorded is sent."""
        ...


class OpenKeys:
    """Takes everybody: for one machine, or behind something that checks who asks.

    Args:
        client: Everybody's.
        only_loopback: Take only requests that were sent to this machine by name: a page in a browser can have its own
            name lead here, and would then read the answers.
    """

    def __init__(self, client: GenAIClient, *, only_loopback: bool = True) -> None:
        self._client = client
        self._caller = Caller(client, "anybody")
        self._only_loopback = only_loopback

    async def admit(self, headers: Headers, address: str = "") -> Caller:  # noqa: ARG002  of the protocol
        """Everybody, whatever key they bring."""
        if self._only_loopback and not is_loopback(_host_of(headers.get("host", ""))):
            raise Refused(
                403,
                "not_loopback",
                "this gateway has no keys and serves this machine only: ask for http://localhost, or start it with --no-auth",
            )
        return self._caller

    async def is_ready(self) -> bool:
        """Always."""
        return True

    async def aclose(self) -> None:
        """Forget every opened key."""
        await self._client.aclose()


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host.lower() in ("localhost", "127.0.0.1", "::1"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(header: str) -> str:
    """The host in a `Host` header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header
