"""Embeddings by InvokeModel: every vendor's models have a form of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.args import may_drop
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ConfigurationError, InvalidReplyError

_BESIDE = frozenset(("dimensions", "encoding_format", "input", "model", "user"))
_NOVA_SIZE = 3072


@dataclass(frozen=True, slots=True)
class _Form:
    """One vendor's form.

    Attributes:
        marks: What the ids of such models have in them.
        most: Texts of one request.
        body: The request for these texts, by this call.
        vectors: The vectors in an answer.
    """

    marks: str
    most: int
    body: Callable[[list[str], WireCall], Wire]
    vectors: Callable[[Mapping[str, Any]], Any]


def embedding_body(call: WireCall) -> Wire:
    """The body of InvokeModel.

    Raises:
        ConfigurationError: The model is none of those whose form is known, or has no form for the input.
    """
    return _form_of(call.model).body(_texts(call.body["input"]), call)


def embedding_reply(answer: object, call: WireCall) -> Wire:
    """An answer of InvokeModel in OpenAI's shape.

    Raises:
        InvalidReplyError: It has no vectors.
    """
    vectors = _form_of(call.model).vectors(answer) if isinstance(answer, dict) else None
    if not isinstance(vectors, list) or not vectors:
        raise InvalidReplyError("the server's answer has no embeddings")
    rows = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    reply: Wire = {"object": "list", "model": call.model, "data": rows}
    tokens = answer.get("inputTextTokenCount") if isinstance(answer, dict) else None
    if isinstance(tokens, int):
        reply["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return reply


def most_texts(model: str) -> int:
    """How many texts one request may have; 0 where that is not known."""
    return next((form.most for form in _FORMS if form.marks in model), 0)


def _form_of(model: str) -> _Form:
    found = next((form for form in _FORMS if form.marks in model), None)
    if found is None:
        raise ConfigurationError(
            f"{model!r} is not an embedding model of Bedrock's whose form is known: "
            f"there are {', '.join(form.marks for form in _FORMS)}"
        )
    return found


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError("Bedrock embeds texts, not tokens")
    return texts


def _one(texts: list[str]) -> str:
    """Of several, only batches of one are sent (`transports.remedies.known`)."""
    if len(texts) != 1:
        raise ConfigurationError("this model of Bedrock embeds one text in a request")
    return texts[0]


def _more(call: WireCall, *, sized: bool = False) -> Wire:
    """The vendor's own parameters, as they are; those of OpenAI's that it has not are left out, if that is allowed."""
    more = {
        name: value
        for name, value in call.body.items()
        if value is not None and name not in _BESIDE
    }
    size = call.body.get("dimensions")
    if size is not None and not sized and not may_drop("dimensions", call.drop_params):
        more["dimensions"] = size
    return more


def _titan_v1(texts: list[str], call: WireCall) -> Wire:
    return {"inputText": _one(texts), **_more(call)}


def _titan_v2(texts: list[str], call: WireCall) -> Wire:
    size = call.body.get("dimensions")
    sized = {} if size is None else {"dimensions": size}
    return {"inputText": _one(texts), **sized, **_more(call, sized=True)}


def _titan_image(texts: list[str], call: WireCall) -> Wire:
    text = _one(texts)
    size = call.body.get("dimensions")
    sized = {} if size is None else {"embeddingConfig": {"outputEmbeddingLength": size}}
    given = {"inputImage": text.partition(",")[2]} if _is_data(text) else {"inputText": text}
    return {**given, **sized, **_more(call, sized=True)}


def _nova(texts: list[str], call: WireCall) -> Wire:
    """Source: Amazon Nova user guide, "Complete embeddings request and response schema"."""
    text = _one(texts)
    params = {
        "embeddingPurpose": "GENERIC_INDEX",
        "embeddingDimension": call.body.get("dimensions") or _NOVA_SIZE,
        **_nova_input(text),
        **_more(call, sized=True),
    }
    return {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": params,
    }


def _nova_input(text: str) -> Wire:
    if not _is_data(text):
        return {"text": {"truncationMode": "END", "value": text}}
    head, _, data = text.partition(",")
    kind, _, form = head.removeprefix("data:").partition(";")[0].partition("/")
    source = {"format": {"jpg": "jpeg"}.get(form, form), "source": {"bytes": data}}
    detail = {"detailLevel": "STANDARD_IMAGE"} if kind == "image" else {}
    return {kind: {**source, **detail}}


def _cohere(texts: list[str], call: WireCall) -> Wire:
    is_v4 = "v4" in call.model
    size = call.body.get("dimensions")
    sized: Wire = {"embedding_types": ["float"]} if is_v4 else {}
    if size is not None and is_v4:
        sized["output_dimension"] = size
    field = "images" if all(map(_is_data, texts)) else "texts"
    return {field: texts, "input_type": "search_document", **sized, **_more(call, sized=is_v4)}


def _marengo(texts: list[str], call: WireCall) -> Wire:
    """The older version has its input beside the type, the newer one within it."""
    text, is_old = _one(texts), "embed-2" in call.model
    given: Wire
    if _is_data(text):
        kind, given = "image", {"mediaSource": {"base64String": text.partition(",")[2]}}
    else:
        kind, given = "text", {"inputText": text}
    return {"inputType": kind, **(given if is_old else {kind: given}), **_more(call)}


def _is_data(text: str) -> bool:
    return text.startswith("data:") and ";base64," in text[:100]


def _titans(answer: Mapping[str, Any]) -> Any:
    by_type = answer.get("embeddingsByType") or {}
    vector = answer.get("embedding") or next(iter(by_type.values()), None)
    return [vector] if vector else None


def _novas(answer: Mapping[str, Any]) -> Any:
    return [row["embedding"] for row in answer.get("embeddings") or () if row.get("embedding")]


def _coheres(answer: Mapping[str, Any]) -> Any:
    found = answer.get("embeddings")
    return next(iter(found.values()), None) if isinstance(found, dict) else found


def _marengos(answer: Mapping[str, Any]) -> Any:
    return [row["embedding"] for row in answer.get("data") or () if row.get("embedding")]


_FORMS = (
    _Form("titan-embed-image", 1, _titan_image, _titans),
    _Form("titan-embed-text-v2", 1, _titan_v2, _titans),
    _Form("titan-embed", 1, _titan_v1, _titans),
    _Form("cohere.embed", 96, _cohere, _coheres),
    _Form("multimodal-embeddings", 1, _nova, _novas),
    _Form("marengo-embed", 1, _marengo, _marengos),
)
"""Source: Amazon Bedrock user guide, "Titan Embeddings", "Cohere Embed v3" and "v4", "Nova Multimodal Embeddings",
"TwelveLabs Marengo Embed 2.7" and "3.0"."""
