"""Fakes of everything that is far away, for tests and demonstrations without a network or an account.

- `assert_route`: what the route of a call must be
- `pytest_plugin`: the fixture `genai_tape`, which records the calls of a test once
- `provider.ScriptedProvider`: a model provider that answers as scripted, or fails as scripted
- `faults.Fault`: the ways in which it can fail
- `langfuse.LangfuseStandIn`: Langfuse's HTTP surface
- `postgres.LangfuseDatabase`: the database behind it, a real Postgres
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_integrations.testing.routes import assert_route

__all__ = ["assert_route"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: pytest loads this package in every run, for its plugin."""
    if name != "assert_route":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from genai_integrations.testing import routes

    return routes.assert_route
