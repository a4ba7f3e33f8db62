"""Fakes of everything that is far away, for tests and demonstrations without a network or an account.

- `assert_route`: what the route of a call must be
- `provider.ScriptedProvider`: a model provider that answers as scripted, or fails as scripted
- `faults.Fault`: the ways in which it can fail
- `langfuse.LangfuseStandIn`: Langfuse's HTTP surface
- `postgres.LangfuseDatabase`: the database behind it, a real Postgres
"""

from __future__ import annotations

from genai_integrations.testing.routes import assert_route

__all__ = ["assert_route"]
