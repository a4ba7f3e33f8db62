"""What is known of targets beforehand, so that no request is refused first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial

from genai_integrations.calls.enforced_schemas import enforceable
from genai_integrations.calls.wire import Wire
from genai_integrations.connections.connection import Connection, is_openais_own
from genai_integrations.models.catalog import model_info
from genai_integrations.transports.remedies.remedy import Remedy
from genai_integrations.transports.remedies.restatements import asks_to_think, schema_wanted
from genai_integrations.transports.remedies.rows import (
    AS_JSON_MODE,
    AS_TOOL,
    BRIDGE,
    DEVELOPER,
    IN_WORDS_BESIDE_TOOLS,
    in_batches,
)

ELSEWHERE = (DEVELOPER,)
"""Of all providers without a row: only OpenAI and Azure know the role."""

KNOWN: Mapping[str, tuple[Remedy, ...]] = {
    "openai": (),
    "azure": (),
    # Source: api-docs.deepseek.com, "JSON Output": `response_format` is `text` or `json_object`; of `json_schema` it
    # says "This response_format type is unavailable now".
    "deepseek": (DEVELOPER, AS_TOOL),
    # Source: Alibaba Cloud Model Studio, "Text embedding", of v3 and v4: "batch size is invalid, it should not be
    # larger than 10".
    "dashscope": (DEVELOPER, in_batches(10)),
    # Source: docs.cohere.com/reference/errors: "total number of texts must be at most 96 - received 104".
    "cohere": (DEVELOPER, in_batches(96)),
    # Source: what its API answers: "at most 100 requests can be in one batch".
    "google-ai-studio": (DEVELOPER, in_batches(100)),
    # Source: cloud.google.com, "Get text embeddings": "a limit of 250 input texts".
    "vertex": (DEVELOPER, in_batches(250)),
}
"""What is known of providers beforehand; a row stands for all that is done about its requests."""

_ONE_TEXT = re.compile(r"gemini-embedding")
"""Models of Vertex AI that embed one text a request. Source: cloud.google.com, "Get text embeddings"."""

_GOOGLES = ("google-ai-studio", "vertex")

_MAY_BE_BRIDGED = re.compile(r"codex|-pro\b|deep-research|computer-use")
"""Models of which the price map is asked: reading it takes 20 ms, once."""


def known(connection: Connection, model: str) -> tuple[Remedy, ...]:
    """What is known of a target beforehand, so that no request is refused first."""
    if (connection.dialect or connection.provider.dialect) == "bedrock":
        return _of_bedrock(model)
    return _known(connection.provider.name, model, connection.base_url, connection.dialect)


@lru_cache(1024)
def _of_bedrock(model: str) -> tuple[Remedy, ...]:
    """Each of Bedrock's models is another: whether it answers by a schema, and how many texts it embeds at once."""
    from genai_integrations.transports.bedrock.embeddings import most_texts
    from genai_integrations.transports.bedrock.models import answers_by_schema, can_be_forced

    if most := most_texts(model):
        return (in_batches(most),)
    rows = (_AS_TOOL_UNLESS_THINKING, AS_JSON_MODE) if can_be_forced(model) else (AS_JSON_MODE,)
    if answers_by_schema(model):
        return tuple(replace(row, fits=partial(_fits_unenforced, row)) for row in rows)
    return rows


_AS_TOOL_UNLESS_THINKING = replace(
    AS_TOOL, fits=lambda body: AS_TOOL.fits(body) and not asks_to_think(body)
)
"""Claude may not be made to call a tool while it thinks."""


def _fits_unenforced(row: Remedy, body: Wire) -> bool:
    """Whether there is a schema that has no form in which it is enforced."""
    schema = schema_wanted(body)
    return schema is not None and enforceable(schema) is None and row.fits(body)


@lru_cache(1024)
def _known(provider: str, model: str, base: str | None, dialect: str | None) -> tuple[Remedy, ...]:
    """Asked for every attempt, hence remembered."""
    rows = KNOWN.get(provider, ELSEWHERE)
    if provider == "vertex" and _ONE_TEXT.search(model):
        rows = (*ELSEWHERE, in_batches(1))
    elif provider in _GOOGLES and _is_older_gemini(model):
        # What AI Studio says: function calling "with a response mime type: 'application/json' is unsupported".
        rows = (*rows, IN_WORDS_BESIDE_TOOLS)
    is_openais = provider == "openai" and dialect is None and is_openais_own(base)
    return (*rows, BRIDGE) if is_openais and _lives_on_responses(model) else rows


def _is_older_gemini(model: str) -> bool:
    """Whether it is a Gemini from before 3, which takes a schema for the answer, but not beside tools."""
    from genai_integrations.transports.gemini.abilities import is_3_or_newer

    is_gemini = "gemini-" in model and "embedding" not in model
    return is_gemini and not is_3_or_newer(model)


def _lives_on_responses(model: str) -> bool:
    """Whether OpenAI has the model on its newer path only."""
    if not _MAY_BE_BRIDGED.search(model):
        return False
    return (model_info("openai", model) or {}).get("mode") == "responses"
