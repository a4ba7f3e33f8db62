"""What an answer rests on: Google's grounding, citations and fetched pages, beside the text and as annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_KEPT = {
    "groundingMetadata": "grounding_metadata",
    "citationMetadata": "citation_metadata",
    "urlContextMetadata": "url_context_metadata",
}
"""What of a candidate goes beside the message, and its name there."""


def beside(candidate: Mapping[str, Any]) -> Wire:
    """What a candidate has beside its content, under the names of `provider_specific_fields`; mostly nothing."""
    kept = {name: candidate[own] for own, name in _KEPT.items() if candidate.get(own)}
    if candidate.get("safetyRatings") and candidate.get("finishReason") not in _GOOD:
        # Older models rate every answer, which says nothing of a good one.
        kept["safety_ratings"] = candidate["safetyRatings"]
    return kept


_GOOD = (None, "STOP", "MAX_TOKENS")


def annotated(grounding: Mapping[str, Any] | None, text: str) -> list[Wire]:
    """OpenAI's annotations for the parts of a text that have a source.

    Google counts bytes, OpenAI characters: https://ai.google.dev/api/generate-content#Segment.
    """
    if not grounding:
        return []
    chunks = grounding.get("groundingChunks") or ()
    sources = [
        chunk.get("web") or chunk.get("retrievedContext") or chunk.get("maps") for chunk in chunks
    ]
    content = text.encode(errors="replace")
    return [
        {"type": "url_citation", "url_citation": citation}
        for support in grounding.get("groundingSupports") or ()
        for citation in _citations(support, sources, content)
    ]


def _citations(support: Mapping[str, Any], sources: list[Any], content: bytes) -> Iterator[Wire]:
    segment = support.get("segment") or {}
    start, end = (_characters(content, segment.get(name)) for name in ("startIndex", "endIndex"))
    for index in support.get("groundingChunkIndices") or ():
        source = sources[index] if isinstance(index, int) and 0 <= index < len(sources) else None
        if isinstance(source, Mapping) and source.get("uri"):
            title = source.get("title") or ""
            yield {"start_index": start, "end_index": end, "url": source["uri"], "title": title}


def _characters(content: bytes, at: object) -> int:
    """A place in the text; Google leaves out a zero."""
    return len(content[: at if isinstance(at, int) else 0].decode(errors="ignore"))
