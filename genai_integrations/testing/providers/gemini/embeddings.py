"""Google's embeddings: AI Studio's one and many, and Vertex's predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.testing.providers.embeddings import vector_of
from genai_integrations.testing.providers.gemini.content import prompt_tokens
from genai_integrations.testing.providers.gemini.draft import text_of
from genai_integrations.testing.providers.gemini.errors import GoogleError

_LARGE = 3072
_SMALL = 768
_BATCH = 100
_PREDICTIONS = 250


def check_embed(request: Mapping[str, Any]) -> None:
    """Refuse what `embedContent` refuses.

    Raises:
        GoogleError: The request is wrong.
    """
    parts = request.get("content", {}).get("parts", [])
    if not any(part.get("text") or "inlineData" in part or "fileData" in part for part in parts):
        raise GoogleError("* EmbedContentRequest.content: content is empty\n")
    size = request.get("outputDimensionality", 1)
    if not 1 <= size <= _LARGE:
        raise GoogleError(
            f"* EmbedContentRequest.output_dimensionality: must be in the range [1, {_LARGE}].\n"
        )


def check_batch(request: Mapping[str, Any], model: str) -> None:
    """Refuse what `batchEmbedContents` refuses: among others, a request for a model other than the path's.

    Raises:
        GoogleError: The request is wrong.
    """
    rows = request.get("requests", [])
    if not 1 <= len(rows) <= _BATCH:
        raise GoogleError(
            f"* BatchEmbedContentsRequest.requests: from 1 to {_BATCH} requests can be in one batch\n"
        )
    for index, row in enumerate(rows):
        if row.get("model") != f"models/{model}":
            message = "model must match the model in the parent path"
            raise GoogleError(f"* BatchEmbedContentsRequest.requests[{index}].model: {message}\n")
        check_embed(row)


def check_predict(request: Mapping[str, Any], model: str) -> None:
    """Refuse what `predict` refuses.

    Raises:
        GoogleError: The request is wrong.
    """
    rows = request.get("instances", [])
    most = 1 if model.startswith("gemini-embedding") else _PREDICTIONS
    if not 1 <= len(rows) <= most:
        raise GoogleError(f"{len(rows)} instance(s) is not allowed. 1 to {most} are.")
    if not all(isinstance(row.get("content"), str) and row["content"] for row in rows):
        raise GoogleError("The text content is empty.")


def embed(request: Mapping[str, object], model: str) -> dict[str, object]:
    """The answer of `embedContent`."""
    return {"embedding": _vector(request, model), "usageMetadata": _usage([request])}


def embed_batch(request: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The answer of `batchEmbedContents`."""
    rows = request["requests"]
    return {"embeddings": [_vector(row, model) for row in rows], "usageMetadata": _usage(rows)}


def _usage(rows: Sequence[Mapping[str, object]]) -> dict[str, int]:
    words = sum(prompt_tokens({"contents": [row["content"] for row in rows]}).values())
    return {"promptTokenCount": words, "totalTokenCount": words}


def predict(request: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The answer of `predict`."""
    wanted = (request.get("parameters") or {}).get("outputDimensionality")
    rows = [
        {
            "embeddings": {
                "values": vector_of(row["content"], wanted or _size(model)),
                "statistics": {"truncated": False, "token_count": len(row["content"].split())},
            }
        }
        for row in request["instances"]
    ]
    characters = sum(len(row["content"]) for row in request["instances"])
    return {"predictions": rows, "metadata": {"billableCharacterCount": characters}}


def _vector(request: Mapping[str, Any], model: str) -> dict[str, Any]:
    text = text_of(request["content"]) or str(request["content"])
    return {"values": vector_of(text, request.get("outputDimensionality") or _size(model))}


def _size(model: str) -> int:
    return _LARGE if model.startswith("gemini-embedding") else _SMALL
