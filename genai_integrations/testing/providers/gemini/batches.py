"""Gemini's batches at AI Studio, from the server's side.

Source: https://ai.google.dev/api/batch-api; github.com/googleapis/python-genai (`google/genai/batches.py`).
"""

from __future__ import annotations

import json
import re
from typing import Any

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.batches import (
    Ask,
    Batches,
    Job,
    json_answer,
    request_for,
)
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.gemini.dialect import GeminiDialect
from genai_integrations.testing.server import Received

_MADE = re.compile(r"(?P<base>.*/v1(?:beta|alpha)?)/(?P<model>models/[^/:]+):batchGenerateContent")
_NAMED = re.compile(r".*/v1(?:beta|alpha)?/batches(?:/(?P<job>[^/:]+)(?P<cancel>:cancel)?)?")
_STATES = {
    "": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}


class GeminiBatchDialect(GeminiDialect):
    """Batches with their requests and answers in one body; each is answered as if it had come on its own.

    Args:
        batches: What a test steers.
        ask: Answers a request.

    Attributes:
        gives_keys: Whether answers carry the key of their request; some servers leave it out.
    """

    def __init__(self, batches: Batches, ask: Ask) -> None:
        super().__init__()
        self._batches = batches
        self._ask = ask
        self.gives_keys = True

    def recognises(self, request: Received) -> bool:
        """Whatever is about batches, for who has a key of Google's."""
        has_key = "x-goog-api-key" in request.headers
        return has_key and bool(_MADE.fullmatch(request.path) or _NAMED.fullmatch(request.path))

    def model(self, request: Received) -> str | None:  # noqa: ARG002  a fault of the model is one of its requests
        """None."""
        return None

    def refusal(self, request: Received) -> Answer | None:
        """What is no batch, or is not there."""
        if _MADE.fullmatch(request.path):
            batch = (request.body or {}).get("batch") or {}
            rows = (((batch.get("inputConfig") or {}).get("requests")) or {}).get("requests")
            if not batch.get("displayName") or not rows:
                message = "batch.display_name and batch.input_config are required"
                return self.failure(request, Fault.bad_request(message))
            return None
        match = _NAMED.fullmatch(request.path)
        if match and match["job"] and match["job"] not in self._batches.jobs:
            return self.failure(request, Fault.status(404))
        return None

    def answer(self, request: Received, script: Script) -> Answer:  # noqa: ARG002  as in `Dialect`
        """A batch as an operation, or a list of them."""
        if made := _MADE.fullmatch(request.path):
            path = f"{made['base']}/{made['model']}:generateContent"
            batch = request.body["batch"]
            rows = batch["inputConfig"]["requests"]["requests"]
            lines = [
                (
                    (row.get("metadata") or {}).get("key", ""),
                    request_for(request, path, row["request"]),
                )
                for row in rows
            ]
            job = self._batches.make("g", lines, name=batch["displayName"], model=made["model"])
            return json_answer(self._told(job))
        match = _NAMED.fullmatch(request.path)
        assert match is not None
        if match["job"] is None:
            rows = [self._told(job) for job in reversed(self._batches.jobs.values())]
            return json_answer({"operations": rows})
        job = self._batches.jobs[match["job"]]
        if match["cancel"]:
            self._batches.end(job, self._ask, "cancelled")
            return json_answer({})
        return json_answer(self._told(self._batches.look(job, self._ask)))

    def _told(self, job: Job) -> dict[str, Any]:
        about: dict[str, Any] = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": job.about["model"],
            "displayName": job.about["name"],
            "createTime": "2025-07-14T21:23:11.123456Z",
            "batchStats": {"requestCount": str(len(job.lines))},
            "state": f"BATCH_STATE_{_STATES[job.ended]}",
            "name": f"batches/{job.id}",
        }
        if job.ended:
            rows = [self._row(*row) for row in job.results]
            about["output"] = {"inlinedResponses": {"inlinedResponses": rows}}
        return {"name": f"batches/{job.id}", "metadata": about, "done": bool(job.ended)}

    def _row(self, key: str, answer: Answer | None) -> dict[str, Any]:
        row: dict[str, Any] = {"metadata": {"key": key}} if self.gives_keys else {}
        if answer is None:
            return {**row, "error": {"code": 1, "message": "The request was not processed."}}
        said = json.loads(answer.body)
        return {**row, "response": said} if answer.status == 200 else {**row, **said}  # noqa: PLR2004
