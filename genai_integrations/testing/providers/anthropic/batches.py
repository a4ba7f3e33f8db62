"""Anthropic's Message Batches, from the server's side.

Source: github.com/anthropics/anthropic-sdk-python (`types/messages/message_batch*.py`); platform.claude.com, "Batch
processing".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genai_integrations.testing.providers.anthropic.dialect import (
    AnthropicDialect,
    body_of,
    check_version,
)
from genai_integrations.testing.providers.anthropic.errors import RefusalError, missing
from genai_integrations.testing.providers.batches import (
    Ask,
    Batches,
    Job,
    json_answer,
    lines_answer,
    request_for,
)
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.server import Received

_PATH = re.compile(
    r"(?P<base>.*)/v1/messages/batches(?:/(?P<job>[^/]+)(?P<what>/results|/cancel)?)?"
)
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST = 100_000
_NO_SUCH = 404


class AnthropicBatchDialect(AnthropicDialect):
    """Batches and their results; each request is answered as if it had come on its own.

    Args:
        batches: What a test steers.
        ask: Answers a request.
    """

    def __init__(self, batches: Batches, ask: Ask) -> None:
        super().__init__()
        self._batches = batches
        self._ask = ask

    def recognises(self, request: Received) -> bool:
        """Whatever is about batches of messages."""
        return _PATH.fullmatch(request.path) is not None

    def model(self, request: Received) -> str | None:  # noqa: ARG002  the requests name it
        """None."""
        return None

    def answer(self, request: Received, script: Script) -> Answer:  # noqa: ARG002  as in `Dialect`
        """A batch, its results, or a list of batches."""
        match = _PATH.fullmatch(request.path)
        assert match is not None
        base = f"http://{request.headers['host']}{match['base']}"
        if match["job"] is None:
            if request.method == "POST":
                return json_answer(_told(self._made(request), base))
            rows = [_told(job, base) for job in reversed(self._batches.jobs.values())]
            return json_answer({"data": rows, "has_more": False, "first_id": None, "last_id": None})
        job = self._batches.jobs[match["job"]]
        if match["what"] == "/results":
            return lines_answer([_result(*row, job) for row in reversed(job.results)])
        if match["what"] == "/cancel":
            self._batches.end(job, self._ask, "cancelled")
        else:
            self._batches.look(job, self._ask)
        return json_answer(_told(job, base))

    def _check(self, request: Received) -> None:
        check_version(request)
        match = _PATH.fullmatch(request.path)
        assert match is not None
        job = self._batches.jobs.get(match["job"] or "")
        if match["job"] and (job is None or (match["what"] == "/results" and not job.ended)):
            raise RefusalError("Not Found", _NO_SUCH, "not_found_error")
        if request.method != "POST" or match["job"]:
            return
        rows = body_of(request).get("requests")
        if not isinstance(rows, list) or not rows:
            raise missing("requests")
        ids = [row.get("custom_id") for row in rows]
        for at, custom_id in enumerate(ids):
            if not isinstance(custom_id, str) or not _ID.fullmatch(custom_id):
                raise RefusalError(f"requests.{at}.custom_id: String should match pattern")
            if not isinstance(rows[at].get("params"), Mapping):
                raise missing(f"requests.{at}.params")
            if rows[at]["params"].get("stream"):
                raise RefusalError(f"requests.{at}.params.stream: Input should be False")
        if len(set(ids)) < len(ids) or len(ids) > _MOST:
            raise RefusalError("requests: each custom_id must be unique, at most 100000")

    def _made(self, request: Received) -> Job:
        path = request.path.removesuffix("/batches")
        lines = [
            (row["custom_id"], request_for(request, path, row["params"]))
            for row in request.body["requests"]
        ]
        return self._batches.make("msgbatch_", lines, made=datetime.now(UTC))


def _told(job: Job, base: str) -> dict[str, Any]:
    made = job.about["made"]
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    for _, answer in job.results:
        counts[_kind(answer, job)] += 1
    if not job.ended:
        counts["processing"] = len(job.lines)
    results = f"{base}/v1/messages/batches/{job.id}/results"
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": "ended" if job.ended else "in_progress",
        "request_counts": counts,
        "ended_at": made.isoformat() if job.ended else None,
        "created_at": made.isoformat().replace("+00:00", "Z"),
        "expires_at": (made + timedelta(hours=24)).isoformat(),
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": results if job.ended else None,
    }


def _kind(answer: Answer | None, job: Job) -> str:
    if answer is None:
        return "canceled" if job.ended == "cancelled" else "expired"
    return "succeeded" if answer.status == 200 else "errored"  # noqa: PLR2004  HTTP's own


def _result(custom_id: str, answer: Answer | None, job: Job) -> dict[str, Any]:
    result: dict[str, Any] = {"type": _kind(answer, job)}
    if answer is not None:
        said = json.loads(answer.body)
        result |= {"message": said} if result["type"] == "succeeded" else {"error": said}
    return {"custom_id": custom_id, "result": result}
