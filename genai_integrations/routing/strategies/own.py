"""A strategy of the program's own: a callable that is given to `routing_strategy`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.deployments import Target

if TYPE_CHECKING:
    from genai_integrations.calls.request import Request

Strategy = Callable[["Request", Sequence[Target]], Sequence[Target]]
"""Orders the targets of one name for one request."""


def arranged_by(
    strategy: Strategy, request: Request, targets: Sequence[Target]
) -> Sequence[Target]:
    """What a program's own strategy gives.

    Raises:
        ConfigurationError: It raises, or gives something else than some of the targets.
    """
    try:
        found = tuple(strategy(request, targets))
    except Exception as error:
        raise ConfigurationError(
            f"the routing strategy {named(strategy)} raised {type(error).__name__}: {error}"
        ) from error
    if not found or not set(found) <= set(targets):
        raise ConfigurationError(
            f"the routing strategy {named(strategy)} must return at least one of the targets that it was given, "
            "and nothing else"
        )
    return found


def named(strategy: Strategy) -> str:
    """The strategy's name, for people."""
    return repr(getattr(strategy, "__name__", type(strategy).__name__))
