"""OpenAI's files and batches, Azure's, and Mistral's, from the server's side.

Sources: github.com/openai/openai-openapi (`Batch`, `OpenAIFile`); learn.microsoft.com, "Getting started with Azure OpenAI
batch deployments"; docs.mistral.ai, "Batch inference".
"""

from __future__ import annotations

import itertools
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.testing.providers.batches import (
    Ask,
    Batches,
    Job,
    json_answer,
    lines_answer,
    request_for,
)
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.openai.dialect import OpenAIDialect
from genai_integrations.testing.providers.openai.errors import ApiError, missing, wrong_value
from genai_integrations.testing.server import Received

_PATH = re.compile(
    r"(?P<base>.*?)/(?:(?P<files>files)(?:/(?P<file>[^/]+)(?P<content>/content)?)?"
    r"|(?P<jobs>batches|batch/jobs)(?:/(?P<job>[^/]+)(?P<cancel>/cancel)?)?)"
)
_ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions")
_AZURES = ("/chat/completions", "/embeddings")
_MOST_LINES = 50_000
_NOW = 1711471533
_numbers = itertools.count(1)


@dataclass(slots=True)
class _File:
    id: str
    content: bytes
    looks: int = 0


@dataclass(slots=True)
class _Page:
    """One request, taken apart."""

    request: Received
    match: re.Match[str]
    is_azure: bool = field(init=False)
    is_mistral: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_azure = "api-key" in self.request.headers
        self.is_mistral = self.match["jobs"] == "batch/jobs"


class OpenAIBatchDialect(OpenAIDialect):
    """Uploads, batches and their results; each line is answered as if it had come on its own.

    Args:
        batches: What a test steers.
        ask: Answers a line.
    """

    def __init__(self, batches: Batches, ask: Ask) -> None:
        super().__init__()
        self._batches = batches
        self._ask = ask
        self._files: dict[str, _File] = {}

    def recognises(self, request: Received) -> bool:
        """Whatever is about files or batches; Anthropic's are another's."""
        return _PATH.fullmatch(request.path) is not None and "/messages/" not in request.path

    def model(self, request: Received) -> str | None:  # noqa: ARG002  the lines name it
        """None."""
        return None

    def refusal(self, request: Received) -> Answer | None:
        """Azure wants a version."""
        page = _page(request)
        if page.is_azure and "api-version" not in request.query:
            return json_answer({"error": {"code": "404", "message": "Resource not found"}}, 404)
        return None

    def answer(self, request: Received, script: Script) -> Answer:  # noqa: ARG002  as in `Dialect`
        """A file, a batch, or a list of either."""
        page = _page(request)
        try:
            if page.match["files"]:
                return self._about_files(page)
            return self._about_jobs(page)
        except ApiError as error:
            return json_answer({"error": error.as_dict()}, error.status)

    def _about_files(self, page: _Page) -> Answer:
        if page.request.method == "POST":
            return json_answer(self._uploaded(page))
        file = self._files.get(page.match["file"] or "")
        if file is None:
            raise ApiError(f"No such File object: {page.match['file']}", 404)
        if page.match["content"]:
            return Answer(200, file.content, {"content-type": "application/octet-stream"})
        file.looks += 1
        return json_answer(_file(file, is_azure=page.is_azure))

    def _uploaded(self, page: _Page) -> dict[str, Any]:
        parts = _form(page.request)
        if parts.get("purpose") != b"batch":
            raise wrong_value("purpose", parts.get("purpose", b"").decode(), ("batch",))
        if not parts.get("file"):
            raise missing("file")
        file = self._kept(parts["file"])
        return _file(file, is_azure=page.is_azure)

    def _kept(self, content: bytes) -> _File:
        file = _File(f"file-{next(_numbers):08d}", content)
        self._files[file.id] = file
        return file

    def _about_jobs(self, page: _Page) -> Answer:
        named = page.match["job"]
        if named is None:
            if page.request.method == "POST":
                return json_answer(self._told(self._made(page), page))
            return self._listed(page)
        job = self._batches.jobs.get(named)
        if job is None:
            raise ApiError(f"No batch found with id '{named}'.", 404)
        if page.match["cancel"]:
            self._batches.end(job, self._ask, "cancelled")
        else:
            self._batches.look(job, self._ask)
        return json_answer(self._told(job, page))

    def _made(self, page: _Page) -> Job:
        body = page.request.body if isinstance(page.request.body, dict) else {}
        name = (
            (body.get("input_files") or [None])[0] if page.is_mistral else body.get("input_file_id")
        )
        file = self._files.get(str(name))
        if file is None:
            raise missing("input_file_id") if name is None else ApiError("No such File object", 400)
        known: tuple[str, ...] = _AZURES if page.is_azure else _ENDPOINTS
        if not page.is_mistral and body.get("completion_window") != "24h":
            raise wrong_value("completion_window", body.get("completion_window"), ("24h",))
        if page.is_azure and file.looks < 1:
            raise ApiError("The file is not processed yet", 400, code="invalidFile")
        if body.get("endpoint") not in known:
            raise wrong_value("endpoint", body.get("endpoint"), known)
        lines, wrong = self._lines(page, file, body)
        job = self._batches.make(
            "batch_", lines, endpoint=body["endpoint"], input=name,
            metadata=body.get("metadata"), model=body.get("model"), wrong=wrong,
        )  # fmt: skip
        if wrong:
            job.ended = "failed"
        return job

    def _lines(
        self, page: _Page, file: _File, body: dict[str, Any]
    ) -> tuple[list[tuple[str, Received]], str]:
        """The requests in a file, and what is wrong with it."""
        rows = [json.loads(line) for line in file.content.splitlines() if line.strip()]
        ids = [row.get("custom_id") for row in rows]
        if len(rows) > _MOST_LINES:
            return [], "This batch has too many requests."
        if None in ids or len(set(ids)) < len(ids):
            return [], "The custom_id for this request is a duplicate of another request."
        if not page.is_mistral:
            if any(
                row.get("method") != "POST" or row.get("url") != body["endpoint"] for row in rows
            ):
                return [], "The URL provided for this request does not match the batch endpoint."
            if len({row["body"].get("model") for row in rows}) > 1:
                return [], "This batch has requests of more than one model."
        elif any("model" in row["body"] for row in rows) or not body.get("model"):
            return [], "The model belongs to the job."
        return [(row["custom_id"], self._line(page, row, body)) for row in rows], ""

    def _line(self, page: _Page, row: dict[str, Any], body: dict[str, Any]) -> Received:
        path = body["endpoint"]
        said = {"model": body["model"], **row["body"]} if page.is_mistral else row["body"]
        if page.is_azure:
            path = f"/openai/deployments/{said['model']}{path}"
        return request_for(page.request, path, said)

    def _listed(self, page: _Page) -> Answer:
        if page.is_mistral and page.request.query.get("page", "0") != "0":
            return json_answer({"object": "list", "data": [], "total": len(self._batches.jobs)})
        rows = [self._told(job, page) for job in reversed(self._batches.jobs.values())]
        return json_answer({"object": "list", "data": rows, "has_more": False})

    def _told(self, job: Job, page: _Page) -> dict[str, Any]:
        if job.ended and "output" not in job.about:
            self._write(job)
        return (_mistrals if page.is_mistral else _openais)(job)

    def _write(self, job: Job) -> None:
        """The files of results: answers in one, the rest in the other."""
        good: list[object] = []
        bad: list[object] = []
        for custom_id, answer in job.results:
            row: dict[str, Any] = {"id": f"batch_req_{next(_numbers)}", "custom_id": custom_id}
            if answer is None:
                code, said = _ENDS.get(job.ended, ("failed", "failed"))
                bad.append({**row, "response": None, "error": {"code": code, "message": said}})
                continue
            body = json.loads(answer.body)
            response = {"status_code": answer.status, "request_id": "req_x", "body": body}
            (good if answer.status == 200 else bad).append(  # noqa: PLR2004  HTTP's own
                {**row, "response": response, "error": None}
            )
        # The results come in any order.
        job.about["output"] = self._kept(lines_answer(good[::-1]).body).id if good else None
        job.about["errors"] = self._kept(lines_answer(bad).body).id if bad else None


_ENDS = {
    "expired": (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    "cancelled": ("batch_cancelled", "This request was cancelled."),
}


def _openais(job: Job) -> dict[str, Any]:
    failed = [{"code": "invalid", "message": job.about["wrong"], "line": 1}]
    counts = {"total": len(job.lines), "completed": 0, "failed": 0}
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": job.about["endpoint"],
        "errors": {"object": "list", "data": failed} if job.about["wrong"] else None,
        "input_file_id": job.about["input"],
        "completion_window": "24h",
        "status": job.ended or "in_progress",
        "output_file_id": job.about.get("output"),
        "error_file_id": job.about.get("errors"),
        "created_at": _NOW,
        "request_counts": counts,
        "metadata": job.about["metadata"],
    }


_MISTRALS = {
    "": "RUNNING",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelled": "CANCELLED",
}


def _mistrals(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "object": "batch",
        "input_files": [job.about["input"]],
        "metadata": job.about["metadata"],
        "endpoint": job.about["endpoint"],
        "model": job.about["model"],
        "output_file": job.about.get("output"),
        "error_file": job.about.get("errors"),
        "errors": [{"message": job.about["wrong"], "count": 1}] if job.about["wrong"] else [],
        "status": _MISTRALS[job.ended],
        "created_at": _NOW,
        "total_requests": len(job.lines),
    }


def _file(file: _File, *, is_azure: bool) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": int(time.time()),
        "filename": "batch.jsonl",
        "purpose": "batch",
        "status": "pending" if is_azure and file.looks < 1 else "processed",
    }


def _form(request: Received) -> dict[str, bytes]:
    """The parts of a form by their names."""
    kind = request.headers.get("content-type", "")
    boundary = kind.partition("boundary=")[2].encode()
    if not kind.startswith("multipart/form-data") or not boundary:
        raise ApiError("We could not parse your multipart form.", 400)
    parts = {}
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        parts[name[1].decode() if name else ""] = content.removesuffix(b"\r\n")
    return parts


def _page(request: Received) -> _Page:
    match = _PATH.fullmatch(request.path)
    assert match is not None
    return _Page(request, match)
