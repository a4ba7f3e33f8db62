"""A real language model behind a server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_integrations.testing.local_model.model import LocalModel

__all__ = ["LocalModel"]


def __getattr__(name: str) -> Any:
    """Imported at its first use: `python -m genai_integrations.testing.local_model....` starts a small process."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from genai_integrations.testing.local_model.model import LocalModel

    return LocalModel
