"""The targets of one call as it sees them: who comes first, and how each has answered so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genai_integrations.errors import CallError, GenAIError
from genai_integrations.routing.deployments import Target


@dataclass(slots=True)
class Candidate:
    """A target, as one call sees it.

    Attributes:
        target: Where an attempt goes, with the newest key.
        reason: Why it would go there first.
        depth: The group it is of: 0 for the name itself, then each name that is fallen back to.
        tries: Attempts made, and other calls' probes whose failure was told.
        error: How the last one failed.
        ready_at: The moment at which the target wants to be asked again.
        rested: Whether the wait before a retry is over.
        patience_ends_at: When this call stops waiting for another's probe; None before it began to.
        renewals: How often a new key was asked for.
    """

    target: Target
    reason: str
    depth: int = 0
    tries: int = 0
    error: GenAIError | None = None
    ready_at: float = 0.0
    rested: bool = False
    patience_ends_at: float | None = None
    renewals: int = 0

    @property
    def level(self) -> tuple[int, int]:
        """Candidates of one level are equals to whoever wrote the plan."""
        return self.depth, self.target.deployment.order

    def learn(self, error: GenAIError, now: float) -> None:
        """One more attempt has failed, or another call's probe has."""
        asked = error.retry_after if isinstance(error, CallError) else None
        self.tries += 1
        self.error = error
        self.ready_at = now + (asked or 0.0)
        self.rested = False
        self.patience_ends_at = None


def candidates(groups: Sequence[Sequence[Target]]) -> list[Candidate]:
    """Candidates of the name itself (the first group) and of its fallbacks, each target once."""
    found: dict[str, Candidate] = {}
    for depth, group in enumerate(groups):
        for target in group:
            reason = "fallback" if depth else "failover" if found else "first"
            found.setdefault(target.name, Candidate(target, reason, depth))
    return list(found.values())
