"""OpenAI's batches, Azure's, and Mistral's: a file of requests is uploaded, worked off, and answered by files.

Sources: platform.openai.com, "Batch API"; learn.microsoft.com, "Getting started with Azure OpenAI batch deployments";
docs.mistral.ai, "Batch inference".
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import AZURE_API_VERSION
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.batch_dialect import Account, Ask, Asking, Job, Outcome, Pause
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at, segment
from genai_integrations.transports.openai.address import authorization, azure_prefix

_MARK = "genai_batch"
"""The name of our mark in a batch's metadata."""

_PAGES = 5
"""Pages of batches, the newest first, in which one is looked for."""

_LOOKS, _PAUSE = 60, 2.0
"""How often, and after how many seconds, Azure is asked whether it has read a file."""


class OpenAIBatches:
    """OpenAI's own, and those of servers that copy them."""

    least = 1
    most = 50_000
    most_bytes = (
        64 << 20
    )  # of the 200 MB that are allowed, because a batch is in memory while it is sent
    jobs = "batches"

    def takes(self, operation: Operation) -> bool:
        """Chats and embeddings."""
        return operation in ("chat/completions", "embeddings")

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:
        """A request with its method and address."""
        url = self._url_in_lines(call.operation)
        return jsonbytes.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})

    def submit(self, account: Account, lines: Sequence[bytes], mark: str) -> Asking[str]:
        """Upload the file, and have it worked off."""
        boundary = uuid.uuid4().hex
        kind = f"multipart/form-data; boundary={boundary}"
        body = _form(boundary, mark, lines)
        file = yield Ask(_endpoint(account, "files", content_type=kind), body)
        name = _text(file, "id")
        yield from self._read(account, name, file)
        made = yield _post(account, self.jobs, self._order(account, name, mark))
        return _text(made, "id")

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:  # noqa: ARG002  as in `BatchDialect`
        """By the mark in the metadata."""
        after: dict[str, str] = {}
        for _ in range(_PAGES):
            page = yield _get(account, self.jobs, {"limit": "100", **after})
            rows = _rows(page)
            found = [row["id"] for row in rows if (row.get("metadata") or {}).get(_MARK) == mark]
            if found or not rows or not page.get("has_more"):
                return found
            after = {"after": str(rows[-1]["id"])}
        return []

    def look(self, account: Account, job: str) -> Asking[Job]:
        """By its state."""
        told = yield _get(account, f"{self.jobs}/{segment(job)}")
        return self._job(told)

    def cancel(self, account: Account, job: str) -> Asking[None]:
        """What is done by then is in the files."""
        yield _post(account, f"{self.jobs}/{segment(job)}/cancel", {})

    def fetch(self, account: Account, file: str) -> Ask:
        """A file's content."""
        return _get(account, f"files/{segment(file)}/content")

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """An answer with its status, or an error in its place."""
        answered = row.get("response") or {}
        body = answered.get("body")
        if answered.get("status_code") == 200 and isinstance(body, dict):
            return Outcome(row.get("custom_id"), body)
        failed = row.get("error") or (body.get("error") if isinstance(body, dict) else None) or {}
        said = failed.get("message") if isinstance(failed, dict) else failed
        return Outcome(row.get("custom_id"), error=str(said or "no answer")[:300])

    def _url_in_lines(self, operation: Operation) -> str:
        return f"/v1/{operation}"

    def _order(self, account: Account, file: str, mark: str) -> Wire:
        return {
            "input_file_id": file,
            "endpoint": self._url_in_lines(account.operation),
            "completion_window": "24h",
            "metadata": {_MARK: mark},
        }

    def _read(self, account: Account, name: str, file: Wire) -> Asking[None]:  # noqa: ARG002  Azure's does more
        """Wait until the file may be named."""
        return
        yield

    def _job(self, told: Wire) -> Job:
        files = [name for key in ("output_file_id", "error_file_id") if (name := told.get(key))]
        failures = (told.get("errors") or {}).get("data") or [{}]
        is_over = told.get("status") in ("completed", "failed", "expired", "cancelled")
        return Job(is_over, files, why=str(failures[0].get("message") or ""))


class AzureBatches(OpenAIBatches):
    """Azure's: for a deployment of the kind Global Batch or Data Zone Batch; others refuse the file."""

    def _url_in_lines(self, operation: Operation) -> str:
        return f"/{operation}"

    def _read(self, account: Account, name: str, file: Wire) -> Asking[None]:
        for _ in range(_LOOKS):
            if file.get("status") not in ("pending", "uploaded", "running", "notRunning"):
                return
            yield Pause(_PAUSE)
            file = yield _get(account, f"files/{segment(name)}")


class MistralBatches(OpenAIBatches):
    """Mistral's: the model is the job's, and its words are others."""

    jobs = "batch/jobs"

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:  # noqa: ARG002  as in `BatchDialect`
        """The request without its model."""
        said = {name: value for name, value in body.items() if name != "model"}
        return jsonbytes.dumps({"custom_id": custom_id, "body": said})

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:  # noqa: ARG002  as in `BatchDialect`
        """By the mark in the metadata."""
        for page in range(_PAGES):
            told = yield _get(account, self.jobs, {"page": str(page), "page_size": "100"})
            rows = _rows(told)
            found = [row["id"] for row in rows if (row.get("metadata") or {}).get(_MARK) == mark]
            if found or not rows:
                return found
        return []

    def _order(self, account: Account, file: str, mark: str) -> Wire:
        return {
            "input_files": [file],
            "endpoint": self._url_in_lines(account.operation),
            "model": account.model,
            "timeout_hours": 24,
            "metadata": {_MARK: mark},
        }

    def _job(self, told: Wire) -> Job:
        files = [name for key in ("output_file", "error_file") if (name := told.get(key))]
        failures = told.get("errors") or [{}]
        is_over = told.get("status") in ("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED")
        return Job(is_over, files, why=str(failures[0].get("message") or ""))


def _post(account: Account, path: str, body: Wire) -> Ask:
    return Ask(_endpoint(account, path), jsonbytes.dumps(body))


def _get(account: Account, path: str, query: Mapping[str, str] | None = None) -> Ask:
    return Ask(dataclasses.replace(_endpoint(account, path, query or {}), method="GET"))


def _endpoint(
    account: Account,
    path: str,
    query: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Any:
    connection = account.connection
    parts = urlsplit(base_url(connection, account.model))
    base, asked = parts.path.rstrip("/"), dict(query or {})
    if connection.provider.dialect == "azure":
        base = azure_prefix(base, parts.hostname)
        asked["api-version"] = connection.api_version or AZURE_API_VERSION
    url = urlunsplit((parts.scheme, parts.netloc, f"{base}/{path}", urlencode(asked), ""))
    key = api_key(connection)
    headers = {"content-type": content_type, **authorization(connection, key)}
    return endpoint_at(connection, url, account.pins, key=key, headers=headers)


def _form(boundary: str, mark: str, lines: Sequence[bytes]) -> bytes:
    """The upload as a form: its purpose, and the file."""
    start = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{mark}.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    return b"".join((start.encode(), b"\n".join((*lines, b"")), f"\r\n--{boundary}--\r\n".encode()))


def _rows(page: Any) -> list[Wire]:
    rows = page.get("data") if isinstance(page, dict) else None
    return [row for row in rows or () if isinstance(row, dict) and row.get("id")]


def _text(answer: Any, name: str) -> str:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, str) or not found:
        raise InvalidReplyError(f"the server's answer has no {name}")
    return found
