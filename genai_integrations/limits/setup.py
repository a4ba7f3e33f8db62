"""What a client was given for its limits, made into a gate."""

from __future__ import annotations

from genai_integrations.limits.gate import Gate
from genai_integrations.limits.rules import OnLimit, StoreAway, budgets_of, choice_of, limits_of
from genai_integrations.limits.shared import SharedLimits
from genai_integrations.limits.spending import OnAlert
from genai_integrations.runtime import given
from genai_integrations.runtime.redis_link import redis_link


def gate_of(
    limits: object,
    budgets: object,
    *,
    on_limit: object,
    on_alert: OnAlert | None,
    limits_away: object,
    redis_url: str | None,
    space: str | None,
) -> Gate:
    """The gate of a client.

    Args:
        limits: See `GenAIClient`.
        budgets: See `GenAIClient`.
        on_limit: See `GenAIClient`.
        on_alert: See `GenAIClient`.
        limits_away: See `GenAIClient`.
        redis_url: The server that shares them; None for limits of this client alone.
        space: Whose they are there.

    Raises:
        ConfigurationError: Something given cannot work.
    """
    if on_alert is not None and not callable(on_alert):
        raise given.wrong("on_alert", on_alert, "a function that takes an Alert")
    wait_or_fail: OnLimit = choice_of("on_limit", on_limit, OnLimit)
    when_away: StoreAway = choice_of("limits_away", limits_away, StoreAway)
    shared = None
    if redis_url is not None:
        shared = SharedLimits(redis_link(redis_url), when_away, space or "", on_alert=on_alert)
    return Gate(
        limits_of(limits or {}),
        budgets_of(budgets or {}),
        on_limit=wait_or_fail,
        on_alert=on_alert,
        shared=shared,
    )
