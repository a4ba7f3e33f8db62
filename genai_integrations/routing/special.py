"""Names that stand for several models: `auto`, and those of cascades."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence

from genai_integrations.calls.args import AUTO, RouterArgs
from genai_integrations.errors import GenAIError, UnknownModelError
from genai_integrations.routing.cascades import CascadeName
from genai_integrations.routing.choice import Choice
from genai_integrations.routing.deployments import Target, by_order
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.names import Names, Resolution

_log = logging.getLogger("genai_integrations")

SpecialName = Choice | CascadeName
"""What such a name is."""


def special_name(
    model: str, args: RouterArgs, names: Names, measured: Measured | None
) -> SpecialName | None:
    """What a name stands for, if it stands for several models.

    Raises:
        UnknownModelError: Nobody serves any of them.
    """
    meant = args.model_group_alias.get(model, model)
    if meant in args.cascades:
        row = args.cascades[meant]
        return CascadeName(meant, row, _served(meant, row.models, names))
    if meant == AUTO and args.auto is not None:
        return Choice(args.auto, _served(meant, args.auto.models, names), measured)
    return None


def resolved(special: SpecialName, model: str) -> Resolution:
    """What such a name means."""
    groups = special.groups()
    why = special.explained()
    targets = [dataclasses.replace(row, why=why[row.name]) for group in groups for row in group]
    return Resolution(model, model, tuple(targets))


def _served(asked: str, models: Iterable[str], names: Names) -> Mapping[str, Sequence[Target]]:
    """The targets of each model that somebody serves; one that nobody does must not stop the others."""
    found: dict[str, Sequence[Target]] = {}
    reasons = []
    for model in models:
        try:
            found[model] = by_order(names.targets(model))
        except GenAIError as error:
            reasons.append(str(error))
            _log.warning("%r is left out of %r: %s", model, asked, error)
    if not found:
        raise UnknownModelError(
            f"no connection serves any model of {asked!r}: {'; '.join(reasons)}"
        )
    return found
