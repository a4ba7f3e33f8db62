"""`region_preference`: targets of a region that is named earlier are tried before the others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genai_integrations.connections.connection import host_in
from genai_integrations.routing.deployments import Target

_IN_HOST = re.compile(
    r"(?:^|[.-])([a-z]{2,12}(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)+-?\d+)(?=[.-])"
    r"|^(eu|us)(?=\.api\.openai\.com$)"
)
"""A region in a host's name, as AWS (`ap-northeast-2`), Google (`europe-west4`) and OpenAI (`eu`) call theirs."""


def region_of(target: Target) -> str:
    """Where a target is: as its row or connection says, else as its address does; empty if neither does."""
    if target.deployment.region:
        return target.deployment.region
    found = _IN_HOST.search(host_in(target.connection.base_url))
    return (found[1] or found[2]) if found else ""


def place(target: Target, preference: Sequence[str]) -> tuple[int, int]:
    """What targets are sorted by before any strategy: their `order`, then the preference."""
    return target.deployment.order, rank(target, preference)


def rank(target: Target, preference: Sequence[str]) -> int:
    """The place of the first preferred region that the target is in; the last of all if it is in none.

    `eu` means every region whose name begins with `eu-`, and `europe` every `europe-...`.
    """
    region = region_of(target).lower()
    for at, wanted in enumerate(preference):
        if region == wanted.lower() or region.startswith(f"{wanted.lower()}-"):
            return at
    return len(preference)
