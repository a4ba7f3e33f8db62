"""Embeddings: AI Studio's `batchEmbedContents`, Vertex AI's `predict` and `embedContent`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.args import may_drop
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ConfigurationError, InvalidReplyError
from genai_integrations.transports.gemini.abilities import embeds_by_predict
from genai_integrations.transports.gemini.address import is_vertex
from genai_integrations.transports.gemini.usage import embedding_usage

_NAMES = {
    "dimensions": "outputDimensionality",
    "output_dimensionality": "outputDimensionality",
    "task_type": "taskType",
    "auto_truncate": "autoTruncate",
}
_LACKING = frozenset(("encoding_format", "user"))
_OF_TEXTS = frozenset(("taskType", "title"))
"""What `predict` wants beside each text: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/
text-embeddings-api. The rest are its parameters."""


def embedding_body(call: WireCall) -> Wire:
    """The body of a request for embeddings.

    Raises:
        ConfigurationError: The input is tokens.
    """
    texts = _texts(call.body["input"])
    fields = {
        _NAMES.get(name, name): value
        for name, value in call.body.items()
        if name not in ("input", "model")
        and not (name in _LACKING and may_drop(name, call.drop_params))
    }
    if not is_vertex(call.connection):
        name = call.model if call.model.startswith("models/") else f"models/{call.model}"
        rows = [{"model": name, "content": _content(text), **fields} for text in texts]
        return {"requests": rows}
    if embeds_by_predict(call.model):
        return _predict(texts, fields)
    # One text a request, as `transports/remedies/known.py` has it.
    return {"content": _content(texts[0]), **fields}


def _predict(texts: Sequence[str], fields: Mapping[str, Any]) -> Wire:
    own = {_SNAKE.get(name, name): fields[name] for name in _OF_TEXTS.intersection(fields)}
    parameters = {name: value for name, value in fields.items() if name not in _OF_TEXTS}
    body: Wire = {"instances": [{"content": text, **own} for text in texts]}
    return {**body, "parameters": parameters} if parameters else body


_SNAKE = {"taskType": "task_type"}
"""`predict` reads what is beside a text as it stands, without a second spelling."""


def _content(text: str) -> Wire:
    return {"parts": [{"text": text}]}


def _texts(given: object) -> list[str]:
    texts = (
        [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    )
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError("Google's embeddings take texts only, no tokens")
    return texts


def embeddings_of(answer: object, model: str) -> Wire:
    """An answer with vectors.

    Raises:
        InvalidReplyError: It is none.
    """
    if not isinstance(answer, Mapping):
        raise InvalidReplyError("the server's answer has no data")
    found = answer.get("embeddings") or answer.get("predictions")
    rows = found if isinstance(found, list) else [answer.get("embedding")]
    vectors = list(_vectors(rows))
    data = [
        {"object": "embedding", "index": at, "embedding": vector}
        for at, vector in enumerate(vectors)
    ]
    wire: Wire = {"object": "list", "model": model, "data": data}
    usage = embedding_usage(answer.get("usageMetadata")) or _counted(rows)
    return {**wire, "usage": usage} if usage else wire


def _vectors(rows: Sequence[Any]) -> Iterator[list[float]]:
    for row in rows:
        holder = _holder(row)
        if isinstance(holder.get("values"), list):
            yield holder["values"]


def _holder(row: object) -> Mapping[str, Any]:
    """Where a vector is: `predict` wraps it once more."""
    if not isinstance(row, Mapping):
        return {}
    inner = row.get("embeddings")
    return inner if isinstance(inner, Mapping) else row


def _counted(rows: Sequence[Any]) -> Wire | None:
    """What `predict` tells of each text."""
    told = [(_holder(row).get("statistics") or {}).get("token_count") for row in rows]
    counts = [int(count) for count in told if isinstance(count, (int, float))]
    return {"prompt_tokens": sum(counts), "total_tokens": sum(counts)} if counts else None
