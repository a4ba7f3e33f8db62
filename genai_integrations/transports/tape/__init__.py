"""Attempts written to a file, and given again from it without a network."""

from __future__ import annotations

from genai_integrations.transports.tape.record import Recorder
from genai_integrations.transports.tape.replay import Replay

__all__ = ["Recorder", "Replay"]
