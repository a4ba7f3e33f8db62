"""Never run, only type-checked: what fits where."""

from __future__ import annotations

from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.protocol import Transport

own: Transport = Transports(OriginPins())
