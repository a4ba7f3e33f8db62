"""Embeddings by InvokeModel: Amazon's Titan and Cohere's models."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any

from genai_integrations.testing.providers.bedrock.errors import ServiceError, invalid
from genai_integrations.testing.providers.embeddings import vector_of

_NUMBERS = itertools.count(1)
_TITAN_TEXT = 1536
_TITAN_V2 = (1024, 512, 256)
_TITAN_IMAGE = (1024, 384, 256)
_COHERE = 1024
_COHERE_V4 = (1536, 1024, 512, 256)
_COHERE_MOST = 96
_COHERE_KEYS = frozenset({"embedding_types", "images", "input_type", "texts", "truncate"})
_COHERE_V4_KEYS = frozenset({"inputs", "max_tokens", "output_dimension"})


def embedding_of(model: str, body: object) -> tuple[dict[str, object], int]:
    """The answer of an embedding model, and how many tokens it read.

    Raises:
        ServiceError: The request is wrong, or the model is none of these.
    """
    if not isinstance(body, dict):
        raise _malformed("expected type: JSONObject, found: something else")
    if "cohere.embed" in model:
        return _cohere(model, body)
    if "titan-embed-image" in model:
        return _titan_image(body)
    if "titan-embed" in model:
        return _titan(model, body)
    raise invalid(f"This scripted provider serves {model} only by Converse.")


def _titan(model: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    v2 = "v2" in model
    options = {"dimensions", "normalize", "embeddingTypes"} if v2 else set()
    _check_keys(body, {"inputText", *options}, required=("inputText",))
    text = _filled(body["inputText"])
    size = body.get("dimensions", _TITAN_V2[0]) if v2 else _TITAN_TEXT
    if v2 and size not in _TITAN_V2:
        raise _malformed(f"/dimensions: {size} is not a valid enum value")
    vector, tokens = vector_of(text, size), len(text.split())
    answer: dict[str, Any] = {"inputTextTokenCount": tokens}
    kinds = body.get("embeddingTypes") or ["float"]
    if "float" in kinds:
        answer["embedding"] = vector
    if v2:
        by_kind = {"float": vector, "binary": [int(value > 0) for value in vector]}
        answer["embeddingsByType"] = {kind: by_kind[kind] for kind in kinds}
    return answer, tokens


def _titan_image(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    _check_keys(body, {"inputText", "inputImage", "embeddingConfig"})
    if not body.get("inputText") and not body.get("inputImage"):
        raise invalid(
            "Invalid request. Please provide either 'inputText' or 'inputImage', or both."
        )
    size = (body.get("embeddingConfig") or {}).get("outputEmbeddingLength", _TITAN_IMAGE[0])
    if size not in _TITAN_IMAGE:
        raise _malformed(
            f"/embeddingConfig/outputEmbeddingLength: {size} is not a valid enum value"
        )
    text = body.get("inputText") or ""
    vector = vector_of(text + (body.get("inputImage") or ""), size)
    tokens = len(text.split())
    return {"embedding": vector, "inputTextTokenCount": tokens, "message": None}, tokens


def _cohere(model: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    v4 = "v4" in model
    _check_keys(
        body, _COHERE_KEYS | _COHERE_V4_KEYS if v4 else _COHERE_KEYS, required=("input_type",)
    )
    field = next((name for name in ("texts", "images") if body.get(name)), None)
    if field is None:
        raise _malformed("required key [texts] not found")
    texts = body[field]
    if len(texts) > _COHERE_MOST:
        raise _malformed(
            f"/{field}: expected maximum item count: {_COHERE_MOST}, found: {len(texts)}"
        )
    size = body.get("output_dimension", _COHERE_V4[0]) if v4 else _COHERE
    vectors = [vector_of(_filled(text), size) for text in texts]
    kinds = body.get("embedding_types") or (["float"] if v4 else [])
    answer = {
        "id": f"00000000-0000-4000-8000-{next(_NUMBERS):012d}",
        "texts" if field == "texts" else "images": texts,
        "embeddings": dict.fromkeys(kinds, vectors) if kinds else vectors,
        "response_type": "embeddings_by_type" if kinds else "embeddings_floats",
    }
    return answer, sum(len(text.split()) for text in texts)


def _check_keys(
    body: Mapping[str, object], known: Collection[str], required: Collection[str] = ()
) -> None:
    problems = [f"required key [{name}] not found" for name in required if name not in body]
    problems += [f"extraneous key [{name}] is not permitted" for name in body if name not in known]
    if problems:
        raise _malformed("#: ".join(problems))


def _filled(text: Any) -> str:
    if not isinstance(text, str):
        raise _malformed("/inputText: expected type: String")
    if not text:
        raise _malformed("/inputText: expected minLength: 1, actual: 0")
    return text


def _malformed(problem: str) -> ServiceError:
    return invalid(
        f"Malformed input request: #: {problem}, please reformat your input and try again."
    )
