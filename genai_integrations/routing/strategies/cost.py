"""`cost-based-routing`: the cheapest for this request, by the price map or the rows' own prices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from genai_integrations.calls.request import Request
from genai_integrations.models.prices import cost
from genai_integrations.models.tokens import rough_tokens
from genai_integrations.models.usage import Usage
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.choosing import Chosen, without
from genai_integrations.routing.strategies.tier import Tier, shuffled

ANSWER = 300
"""Tokens that an answer is taken to have where the request sets no limit."""


class Cost:
    """By the dollars of the request's tokens, roughly counted, and of an answer of `max_tokens`; equals at random.

    A model of no known price comes last. One on a server that takes no key, such as Ollama, costs nothing.
    """

    def __init__(self, measured: Measured | None = None) -> None:
        """Nothing is measured for it."""

    def choose(self, request: Request, tier: Tier) -> Chosen:
        """The cheapest one."""
        tokens = expected_tokens(request)
        by_cost = sorted(
            (dollars_of(alike.targets[0], *tokens), at, alike)
            for at, alike in enumerate(tier.alike)
        )
        dollars, _, cheapest = by_cost[0]
        first = cheapest.drawn()
        told = "no price is known" if math.isinf(dollars) else f"${dollars:.3g} expected"
        why = f"cost-based-routing: {told}, the cheapest of {len(tier.targets)}"
        return Chosen(first, why, lambda: without(first, _in_turn(by_cost)))


def _in_turn(by_cost: Sequence[tuple[float, int, Tier]]) -> list[Target]:
    return [target for _, _, alike in by_cost for target in shuffled(alike.targets)]


def expected_tokens(request: Request) -> tuple[int, int]:
    """Tokens of the request and of its answer, roughly."""
    body = request.body
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    answer = limit if isinstance(limit, int) else ANSWER
    return rough_tokens(body), 0 if request.operation == "embeddings" else answer


def dollars_of(target: Target, prompt: int, answer: int) -> float:
    """US dollars of so many tokens; infinite where no price is known."""
    provider = target.connection.provider
    usage = Usage(prompt_tokens=prompt, completion_tokens=answer)
    found = cost(provider.name, target.model, usage, own=target.deployment.prices)
    if found is not None:
        return found
    return 0.0 if provider.keyless else math.inf
