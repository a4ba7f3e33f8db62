"""Langfuse's HTTP surface, as version 4.16.0 answers it."""

from __future__ import annotations

from genai_integrations.testing.langfuse.stand_in import LangfuseStandIn

__all__ = ["LangfuseStandIn"]
