"""What can be relied on of a name, whichever of its targets answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from genai_integrations.models.catalog import model_info


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Limits and capabilities of a name over all its targets, fallbacks included.

    Attributes:
        max_input_tokens: The smallest context window; None where the price map knows none.
        max_output_tokens: The smallest limit of an answer; None where the price map knows none.
        capabilities: The price map's `supports_...` flags; true only where every target has it.
        known: The price map knows every target.
    """

    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    known: bool = False


def profile_of(served: Iterable[tuple[str, str]]) -> ModelProfile:
    """The profile of several models together.

    Args:
        served: Each provider's name, and its own id of the model there.
    """
    found = [model_info(provider, model) for provider, model in served]
    rows = [row for row in found if row is not None]
    if not rows:
        return ModelProfile()
    flags = {name for row in rows for name in row if name.startswith("supports_")}
    return ModelProfile(
        _smallest(row.get("max_input_tokens") or row.get("max_tokens") for row in rows),
        _smallest(row.get("max_output_tokens") for row in rows),
        {name: all(bool(row.get(name)) for row in rows) for name in sorted(flags)},
        len(rows) == len(found),
    )


def _smallest(limits: Iterable[object]) -> int | None:
    known = [limit for limit in limits if isinstance(limit, int)]
    return min(known) if known else None
