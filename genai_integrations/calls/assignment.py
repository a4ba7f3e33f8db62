"""Which model a call was given to by an experiment or a rollout, and which one answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict


class VariantRecord(TypedDict):
    """A `Variant` as plain values for JSON."""

    of: str
    assigned: str
    served: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which model a call was given to.

    Attributes:
        of: The experiment's or rollout's name.
        variant: The model's name.
        by: What the caller was told apart by; `random` if nothing did.
        targets: Names of the targets that serve it.
        others: By name, targets of another model that answers instead, and that model's name.
    """

    of: str
    variant: str
    by: str
    targets: frozenset[str]
    others: Mapping[str, str] = field(default_factory=dict)

    def told(self, served: str | None) -> Variant:
        """What the route says of it.

        Args:
            served: The target that answered; None if none did.
        """
        model = self.variant if served in self.targets else self.others.get(served or "", served)
        return Variant(self.of, self.variant, model, self.by)


@dataclass(frozen=True, slots=True)
class Variant:
    """The model that an experiment or a rollout gave a call to, and the one that answered.

    Attributes:
        of: The experiment's or rollout's name.
        assigned: The model's name that the call was given to.
        served: The one that answered, or the target where a fallback did; None if none did.
        by: What the caller was told apart by: `user`, say; `random` if the call did not say it.
    """

    of: str
    assigned: str
    served: str | None
    by: str

    def as_dict(self) -> VariantRecord:
        """As plain values for JSON."""
        return {"of": self.of, "assigned": self.assigned, "served": self.served, "by": self.by}
