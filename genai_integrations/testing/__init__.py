"""Fakes of everything that is far away, for tests and demonstrations without a network or an account.

- `provider.ScriptedProvider`: a model provider that answers as scripted, or fails as scripted
- `faults.Fault`: the ways in which it can fail
- `langfuse.LangfuseStandIn`: Langfuse's HTTP surface
- `postgres.LangfuseDatabase`: the database behind it, a real Postgres
"""
