"""What the gateway serves, in OpenAPI 3.1: written by hand, and held against the gateway by the tests."""

from __future__ import annotations

from typing import Any

from genai_integrations.gateway.dialects.anthropic import openapi as anthropic
from genai_integrations.gateway.dialects.responses import openapi as responses
from genai_integrations.version import VERSION

Schema = dict[str, Any]


def description() -> Schema:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "genai-integrations gateway", "version": VERSION},
        "paths": {
            f"/v1{path}": row for path, row in (*anthropic.PATHS.items(), *responses.PATHS.items())
        },
    }
