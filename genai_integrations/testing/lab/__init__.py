"""A whole set-up on this machine, and what its models say."""

from __future__ import annotations

from genai_integrations.testing.lab.setup import Lab

__all__ = ["Lab"]
