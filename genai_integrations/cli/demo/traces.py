"""What arrived at Langfuse, as its own page of traces would show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypedDict

from genai_integrations.testing.langfuse.traces import SpanRecord

_OBSERVATION = "langfuse.observation."


class TraceRow(TypedDict):
    """One trace, as `genai demo` shows it."""

    generations: int
    prompt: str | None
    model: str | None
    usage: dict[str, int]


def traces_of(spans: Iterable[SpanRecord]) -> list[TraceRow]:
    """The traces among decoded spans, in the order of their start.

    Returns:
        For each: `generations`, the number of calls in it, and of the last one `prompt` as `name v1` or None,
        `model`, and `usage` as Langfuse counts it.
    """
    traces: dict[str, list[Mapping[str, str]]] = {}
    for span in sorted(spans, key=lambda span: span["start"]):
        traces.setdefault(span["trace_id"], []).append(span["attributes"])
    return [_row(attributes) for attributes in traces.values()]


def _row(spans: list[Mapping[str, str]]) -> TraceRow:
    calls = [span for span in spans if span.get(f"{_OBSERVATION}type") == "generation"]
    last: Mapping[str, str] = calls[-1] if calls else {}
    name = last.get(f"{_OBSERVATION}prompt.name")
    return {
        "generations": len(calls),
        "prompt": name and f"{name} v{last[f'{_OBSERVATION}prompt.version']}",
        "model": last.get(f"{_OBSERVATION}model.name"),
        "usage": json.loads(last.get(f"{_OBSERVATION}usage_details", "{}")),
    }
