"""A remedy: one way to say a request otherwise, and what can be done with several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Literal

from genai_integrations.calls.args import DropParams, may_drop
from genai_integrations.calls.wire import Wire

if TYPE_CHECKING:
    from genai_integrations.transports.remedies.refusals import Refusal

Kind = Literal["drop", "rename", "restate", "weaken", "bridge"]
"""What a remedy does to the meaning: `drop` and `weaken` lose some of it."""

MOST_AT_ONCE = 4
"""Remedies that one attempt tries."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to say a request otherwise.

    Attributes:
        name: As the route tells it, such as `without temperature`.
        kind: What it does to the meaning.
        param: The parameter that it is about.
        applies: Whether it may help: takes the refusal and the body that was refused.
        fits: Whether a body has what it changes.
        restated: The body, said otherwise.
        replaces: Names of remedies that are no longer wanted beside it.
        value: The only value that is refused; None means every one.
        batch: Texts that one request may have; 0 for all.
        lasts: It is about the target, and so worth remembering; else about this conversation.
    """

    name: str
    kind: Kind
    param: str
    applies: Callable[[Refusal, Wire], bool] = field(compare=False)
    fits: Callable[[Wire], bool] = field(compare=False)
    restated: Callable[[Wire], Wire] = field(compare=False)
    replaces: frozenset[str] = frozenset()
    value: object = None
    batch: int = 0
    lasts: bool = True

    def is_allowed(self, drop_params: DropParams) -> bool:
        """Whether the caller allows it."""
        return self.kind not in ("drop", "weaken") or may_drop(self.param, drop_params)


def applied(body: Wire, remedies: Iterable[Remedy]) -> Wire:
    """The body with all that is done about it."""
    return reduce(lambda said, remedy: remedy.restated(said), remedies, body)


def together(used: Sequence[Remedy], remedy: Remedy) -> tuple[Remedy, ...]:
    """The remedies with one more, in place of what it replaces."""
    kept = [row for row in used if row.name not in remedy.replaces and row != remedy]
    return (*(row for row in kept if not (row.batch and remedy.batch)), remedy)


def fitting(remedies: Iterable[Remedy], body: Wire, drop_params: DropParams) -> tuple[Remedy, ...]:
    """Those of the remedies that change this body, and that the caller allows."""
    found = []
    for remedy in remedies:
        if remedy.is_allowed(drop_params) and remedy.fits(body):
            found.append(remedy)
            body = remedy.restated(body)
    return tuple(found)
