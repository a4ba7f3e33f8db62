"""What is known of targets beforehand, so that no request is refused first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from genai_integrations.connections.connection import Connection, host_in
from genai_integrations.models.catalog import model_info
from genai_integrations.transports.remedies.remedy import Remedy
from genai_integrations.transports.remedies.rows import AS_TOOL, BRIDGE, DEVELOPER, in_batches

ELSEWHERE = (DEVELOPER,)
"""Of all providers without a row: only OpenAI and Azure know the role."""

KNOWN: Mapping[str, tuple[Remedy, ...]] = {
    "openai": (),
    "azure": (),
    # Source: api-docs.deepseek.com, "JSON Output": `response_format` is `text` or `json_object`.
    "deepseek": (DEVELOPER, AS_TOOL),
    # Source: Alibaba Cloud Model Studio, "Text embedding": at most 10 texts for v3 and v4.
    "dashscope": (DEVELOPER, in_batches(10)),
    # Source: docs.cohere.com, "Embed API": "maximum number of texts per call is 96".
    "cohere": (DEVELOPER, in_batches(96)),
    # Source: ai.google.dev: "at most 100 requests can be in one batch".
    "google-ai-studio": (DEVELOPER, in_batches(100)),
}
"""What is known of providers beforehand; a row stands for all that is done about its requests."""

_MAY_BE_BRIDGED = re.compile(r"codex|-pro\b|deep-research|computer-use")
"""Models of which the price map is asked: reading it takes 20 ms, once."""


def known(connection: Connection, model: str) -> tuple[Remedy, ...]:
    """What is known of a target beforehand, so that no request is refused first."""
    return _known(
        connection.provider.name, model, connection.base_url, connection.use_responses_api
    )


@lru_cache(1024)
def _known(provider: str, model: str, base: str | None, uses_responses: bool) -> tuple[Remedy, ...]:
    """Asked for every attempt, hence remembered."""
    rows = KNOWN.get(provider, ELSEWHERE)
    is_openais = (
        provider == "openai" and not uses_responses and host_in(base) in ("", "api.openai.com")
    )
    return (*rows, BRIDGE) if is_openais and _lives_on_responses(model) else rows


def _lives_on_responses(model: str) -> bool:
    """Whether OpenAI has the model on its newer path only."""
    if not _MAY_BE_BRIDGED.search(model):
        return False
    return (model_info("openai", model) or {}).get("mode") == "responses"
