"""Langfuse's scores."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.langfuse.prompts import malformed, now

_OWNERS = ("traceId", "sessionId", "datasetRunId")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "NUMERIC": (int, float),
    "BOOLEAN": (int, float),
    "CATEGORICAL": (str,),
    "TEXT": (str,),
    "CORRECTION": (str,),
}


def checked(score: Mapping[str, Any]) -> None:
    """Refuse a score that belongs to nothing, has no name, or has no value of its type."""
    name, value, kind = score.get("name"), score.get("value"), score.get("dataType")
    if not isinstance(name, str) or not name:
        raise malformed(["name"], "Required")
    if not any(score.get(owner) for owner in _OWNERS):
        raise malformed(["traceId"], "Provide either traceId, sessionId or datasetRunId")
    allowed = _KINDS.get(kind, ()) if kind else (int, float, str)
    # In JSON, a boolean is no number.
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise malformed(["value"], "Invalid input")
    if kind == "BOOLEAN" and value not in (0, 1):
        raise malformed(["value"], "Value must be 0 or 1 for a boolean score")


def shown(score: Mapping[str, Any]) -> dict[str, Any]:
    """A score as `v3/scores` lists it."""
    stamp = now()
    kind = "CATEGORICAL" if isinstance(score["value"], str) else "NUMERIC"
    row = {"id": str(uuid.uuid4()), "source": "API", "dataType": kind, "createdAt": stamp}
    subject = _subject(score)
    return {**row, "updatedAt": stamp, "timestamp": stamp, "subject": subject, **score}


def _subject(score: Mapping[str, Any]) -> dict[str, Any]:
    """What a score is about, as the field group `subject` shows it."""
    if observation := score.get("observationId"):
        return {"kind": "observation", "id": observation, "traceId": score.get("traceId")}
    return {"kind": "trace", "id": score.get("traceId")}
