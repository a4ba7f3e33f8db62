"""The gateway: other programs and languages ask models through it, and hold no key of a provider."""

from __future__ import annotations

from genai_integrations.gateway.app import Gateway, build_app
from genai_integrations.gateway.callers import Caller, Keys, OpenKeys
from genai_integrations.gateway.options import GatewayOptions
from genai_integrations.gateway.refusals import Refused

__all__ = ["Caller", "Gateway", "GatewayOptions", "Keys", "OpenKeys", "Refused", "build_app"]
