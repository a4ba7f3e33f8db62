"""What Langfuse's pages show of spans: it adds the tokens up, and prices what nobody has priced.

The rules are those seen in a real server of version 4.16.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from genai_integrations.testing.langfuse.prices import price_of
from genai_integrations.testing.langfuse.traces import SpanRecord

_OWN = "langfuse.observation."
_RUN = "langfuse.experiment.name"
_ROOT = "langfuse.experiment.item.root_observation_id"
_PRICED = ("GENERATION", "EMBEDDING")
_KINDS = {"LLM": "GENERATION", "EMBEDDING": "EMBEDDING"}
"""OpenInference's words for the two kinds of observations that have a price."""

_COUNTS = {"input": "llm.token_count.prompt", "output": "llm.token_count.completion"}
_MODELS = (f"{_OWN}model.name", "gen_ai.response.model", "llm.model_name", "gen_ai.request.model")
"""Where a model is named, the first that is there."""

_TOTAL = "total"
_TOKEN = re.compile(r"\w{1,4}|[^\w\s]")


class ObservationRow(TypedDict):
    """One observation, as the API and the pages show it.

    `latency` and `timeToFirstToken` are seconds, costs US dollars. `modelId` is None for a name that matches no row of
    Langfuse's table. `inputUsage` and `outputUsage` are sums by the beginning of the kinds' names.
    """

    id: str
    traceId: str
    parentObservationId: str | None
    type: str
    name: str
    level: str
    statusMessage: str | None
    startTime: str
    endTime: str
    latency: float
    timeToFirstToken: float | None
    providedModelName: str | None
    modelId: str | None
    modelParameters: dict[str, Any]
    usageDetails: dict[str, float]
    inputUsage: float
    outputUsage: float
    totalUsage: float
    costDetails: dict[str, float]
    totalCost: float


def observation(span: SpanRecord) -> ObservationRow:
    """One span as an observation."""
    said = span["attributes"]
    kind = _kind(said)
    model = next((str(said[name]) for name in _MODELS if said.get(name)), None)
    matched = price_of(model)
    usage, costs = _counted(said, kind, known=matched is not None)
    if not costs and matched is not None and kind in _PRICED:
        costs = {part: count * matched.prices.get(part, 0.0) for part, count in usage.items()}
        costs[_TOTAL] = sum(value for part, value in costs.items() if part != _TOTAL)
    began = _moment_of(said.get(f"{_OWN}completion_start_time"))
    return {
        "id": span["span_id"],
        "traceId": span["trace_id"],
        "parentObservationId": span["parent_span_id"],
        "type": kind,
        "name": span["name"],
        "level": _level(span),
        "statusMessage": said.get(f"{_OWN}status_message") or span["status"]["message"] or None,
        "startTime": _iso(span["start"]),
        "endTime": _iso(span["end"]),
        "latency": (span["end"] - span["start"]) / 1e9,
        "timeToFirstToken": None if began is None else began - span["start"] / 1e9,
        "providedModelName": model,
        "modelId": matched.name if matched else None,
        "modelParameters": _parameters(said),
        "usageDetails": usage,
        "inputUsage": _sum_of("input", usage),
        "outputUsage": _sum_of("output", usage),
        "totalUsage": usage.get(_TOTAL, sum(usage.values())),
        "costDetails": costs,
        "totalCost": costs.get(_TOTAL, sum(costs.values())),
    }


def run_scores(
    spans: Iterable[SpanRecord], scores: Sequence[Mapping[str, Any]], run: str
) -> list[Mapping[str, Any]]:
    """The scores that the page of a dataset run shows: those of the root observation of one of its items."""
    roots = {
        (span["trace_id"], span["span_id"])
        for span in spans
        if span["attributes"].get(_RUN) == run and span["attributes"].get(_ROOT) == span["span_id"]
    }
    return [row for row in scores if (row.get("traceId"), row.get("observationId")) in roots]


def _kind(said: Mapping[str, Any]) -> str:
    own = said.get(f"{_OWN}type")
    if own:
        return str(own).upper()
    return _KINDS.get(str(said.get("openinference.span.kind", "")).upper(), "SPAN")


def _parameters(said: Mapping[str, Any]) -> dict[str, Any]:
    own = said.get(f"{_OWN}model.parameters")
    return _object(said.get("llm.invocation_parameters") if own is None else own)


def _counted(
    said: Mapping[str, Any], kind: str, *, known: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """Tokens and costs as they were sent. Where neither was, Langfuse counts the tokens itself, of failed calls too."""
    usage = _numbers(said.get(f"{_OWN}usage_details")) or {
        part: said[name] for part, name in _COUNTS.items() if name in said
    }
    costs = _numbers(said.get(f"{_OWN}cost_details"))
    if not usage and not costs and known and kind in _PRICED:
        texts = {part: str(said.get(f"{_OWN}{part}") or "") for part in ("input", "output")}
        usage = {part: len(_TOKEN.findall(text)) for part, text in texts.items() if text}
    if costs and _TOTAL not in costs:
        costs[_TOTAL] = sum(costs.values())
    return usage, costs


def _sum_of(start: str, usage: Mapping[str, float]) -> float:
    return sum(count for part, count in usage.items() if part.startswith(start))


def _level(span: SpanRecord) -> str:
    failed = span["status"]["code"] == _FAILED
    return str(span["attributes"].get(f"{_OWN}level") or ("ERROR" if failed else "DEFAULT"))


_FAILED = 2
"""OTLP's code of an error."""


def _object(text: object) -> dict[str, Any]:
    found = json.loads(text) if isinstance(text, str) else None
    return found if isinstance(found, dict) else {}


def _numbers(text: object) -> dict[str, float]:
    rows = _object(text).items()
    return {
        name: count
        for name, count in rows
        if isinstance(count, int | float) and not isinstance(count, bool)
    }


def _moment_of(text: object) -> float | None:
    return datetime.fromisoformat(json.loads(text)).timestamp() if isinstance(text, str) else None


def _iso(nanoseconds: int) -> str:
    at = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
