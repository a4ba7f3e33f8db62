"""The test call for one connection, as Langfuse's own UI makes it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from genai_integrations.calls.request import Request, chat_request
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.routing.router import Router

_MESSAGES = ({"role": "user", "content": "How are you?"},)
_TIMEOUT = 95.0
"""Seconds; the message and the longest wait are those of Langfuse 4.16.0."""


@dataclass(frozen=True, slots=True)
class Check:
    """How a connection's test call went.

    Attributes:
        connection: Its name.
        model: The model that was asked; None if there is none to ask.
        ok: Whether it answered.
        ms: Milliseconds it took.
        error: What is wrong, if it did not.
    """

    connection: str
    model: str | None
    ok: bool
    ms: float = 0.0
    error: GenAIError | None = None

    def __str__(self) -> str:
        """One line for people."""
        if self.ok:
            return f"{self.connection}: ok, {self.model} answered in {self.ms:.0f} ms"
        return f"{self.connection}: {type(self.error).__name__}: {self.error}"


def check_request(router: Router, name: str) -> Request | Check:
    """The request to make, or what is wrong before one can be made."""
    snapshot = router.registry.load()
    connection = snapshot.by_name.get(name)
    if connection is None:
        broken = [row.error for row in snapshot.broken if row.name == name]
        return Check(
            name, None, ok=False, error=broken[0] if broken else router.registry.no_connection(name)
        )
    model = next(iter(connection.custom_models), connection.provider.check_model)
    if model is None:
        return Check(
            name,
            None,
            ok=False,
            error=ConfigurationError(
                f"{connection.provider.name} has no usual model to ask: add a custom model to the connection"
            ),
        )
    asked_anew = {"no-cache": True, "no-store": True}
    args = router.args.for_call({"num_retries": 0, "timeout": _TIMEOUT, "cache": asked_anew})
    request = chat_request(f"{name}/{model}", _MESSAGES, {}, args, stream=False)
    return dataclasses.replace(request, disable_fallbacks=True)


def checked(router: Router, name: str, request: Request | Check) -> Check:
    """Make the call to the connection of that name."""
    if isinstance(request, Check):
        return request
    model = request.model.removeprefix(f"{name}/")
    router.warm_up([request.model])
    try:
        reply = router.run(request)
    except GenAIError as error:
        return Check(name, model, ok=False, error=error)
    return Check(name, model, ok=True, ms=reply.route.attempts[-1].ms)
