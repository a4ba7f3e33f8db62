"""Langfuse's database: a real Postgres, and the guard that ends it with its program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_integrations.testing.postgres.database import LangfuseDatabase

__all__ = ["LangfuseDatabase"]


def __getattr__(name: str) -> Any:
    """Imported at its first use: `python -m genai_integrations.testing.postgres....` starts a small process."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from genai_integrations.testing.postgres.database import LangfuseDatabase

    return LangfuseDatabase
