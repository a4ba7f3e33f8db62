"""What Gemini counts, in OpenAI's form: https://ai.google.dev/api/generate-content#UsageMetadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire


def usage_of(answer: Mapping[str, Any]) -> Wire | None:
    """The usage of an answer or of a stream's last event; None if it tells none.

    Thoughts are part of the completion, and what Google's own tools put before the model part of the prompt, unless
    they came from a search, which has a price of its own: https://ai.google.dev/gemini-api/docs/pricing.
    """
    told = answer.get("usageMetadata")
    if not isinstance(told, Mapping) or not told:
        return None
    prompt, said = _count(told, "promptTokenCount"), _count(told, "candidatesTokenCount")
    thought, tools = _count(told, "thoughtsTokenCount"), _count(told, "toolUsePromptTokenCount")
    if prompt + said + tools != told.get("totalTokenCount"):
        # Some models count thoughts among what was said; of those the sum is right without.
        said += thought
    if tools and not _is_searched(answer):
        prompt += tools
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
    }
    into = _by_modality(told.get("promptTokensDetails"))
    if cached := told.get("cachedContentTokenCount"):
        into["cached_tokens"] = cached
    if tools:
        into["tool_use_tokens"] = tools
    out = _by_modality(told.get("candidatesTokensDetails"))
    if thought:
        out["reasoning_tokens"] = thought
    return {
        **usage,
        **({"prompt_tokens_details": into} if into else {}),
        **({"completion_tokens_details": out} if out else {}),
    }


def tier_of(answer: Mapping[str, Any]) -> Wire:
    """The service tier that AI Studio tells with the usage, in OpenAI's word; nothing if it is not told."""
    told = (answer.get("usageMetadata") or {}).get("serviceTier")
    if not isinstance(told, str):
        return {}
    return {"service_tier": "default" if told.lower() == "standard" else told.lower()}


def traffic_of(answer: Mapping[str, Any]) -> str | None:
    """How Vertex AI served it: on demand, or by throughput that was bought."""
    told = answer.get("usageMetadata") or {}
    kind = told.get("trafficType")
    return kind if isinstance(kind, str) else None


def embedding_usage(told: object) -> Wire | None:
    """The usage of embeddings; None if it is not told."""
    if not isinstance(told, Mapping) or "promptTokenCount" not in told:
        return None
    prompt = _count(told, "promptTokenCount")
    return {"prompt_tokens": prompt, "total_tokens": prompt}


def _count(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0


def _by_modality(rows: object) -> Wire:
    """`{"audio_tokens": 12}` for `[{"modality": "AUDIO", "tokenCount": 12}]`."""
    counts: Wire = {}
    for row in rows if isinstance(rows, list) else ():
        name = f"{str(row.get('modality')).lower()}_tokens"
        counts[name] = counts.get(name, 0) + _count(row, "tokenCount")
    return counts


def _is_searched(answer: Mapping[str, Any]) -> bool:
    candidates: Iterable[Mapping[str, Any]] = answer.get("candidates") or ()
    grounded = (candidate.get("groundingMetadata") or {} for candidate in candidates)
    return any(
        row.get("webSearchQueries")
        or any("maps" in chunk for chunk in row.get("groundingChunks") or ())
        for row in grounded
    )
