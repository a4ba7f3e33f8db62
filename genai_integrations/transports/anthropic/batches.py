"""Anthropic's Message Batches: the requests go in one body, and are answered by a file.

Source: platform.claude.com, "Batch processing".
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.anthropic.address import open_endpoint
from genai_integrations.transports.batch_dialect import Account, Ask, Asking, Job, Outcome
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import segment

_EARLIER, _LATER = 120.0, 3600.0
"""Seconds by which the moment that a batch was made may differ from ours: clocks differ, and uploads take time."""


class AnthropicBatches:
    """Of Anthropic itself; neither Foundry nor Vertex has them at these addresses."""

    least = 1
    most = 100_000
    most_bytes = (
        64 << 20
    )  # of the 256 MB that are allowed, because a batch is in memory while it is sent

    def takes(self, operation: Operation) -> bool:
        """Messages."""
        return operation == "chat/completions"

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:  # noqa: ARG002  as in `BatchDialect`
        """A message's parameters."""
        return jsonbytes.dumps({"custom_id": custom_id, "params": body})

    def submit(self, account: Account, lines: Sequence[bytes], mark: str) -> Asking[str]:  # noqa: ARG002  it keeps no marks
        """All requests in one body."""
        body = b'{"requests":[' + b",".join(lines) + b"]}"
        made = yield Ask(_endpoint(account, ""), body)
        if not isinstance(made, dict) or not isinstance(made.get("id"), str):
            raise InvalidReplyError("the server's answer has no id")
        return str(made["id"])

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:  # noqa: ARG002  it keeps no marks
        """Those of the right size and time; which it is, the ids in their results tell."""
        page = yield _get(account, "?limit=100")
        rows = page.get("data") if isinstance(page, dict) else None
        return [
            row["id"]
            for row in rows or ()
            if sum((row.get("request_counts") or {}).values()) == count
            and -_EARLIER < _moment(row.get("created_at")) - since < _LATER
        ]

    def look(self, account: Account, job: str) -> Asking[Job]:
        """By its state. The address of the results is made here: a key goes where we say, not where a server does."""
        told = yield _get(account, f"/{segment(job)}")
        is_over = told.get("processing_status") == "ended"
        return Job(is_over, [job] if is_over and told.get("results_url") else [])

    def cancel(self, account: Account, job: str) -> Asking[None]:
        """What is done by then is in the results."""
        yield Ask(_endpoint(account, f"/{segment(job)}/cancel"), b"{}")

    def fetch(self, account: Account, file: str) -> Ask:
        """The results."""
        return _get(account, f"/{segment(file)}/results")

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """A message, or why there is none."""
        result = row.get("result") or {}
        if result.get("type") == "succeeded":
            return Outcome(row.get("custom_id"), result.get("message"))
        failed = (result.get("error") or {}).get("error") or {}
        said = failed.get("message") or result.get("type") or "no answer"
        return Outcome(row.get("custom_id"), error=str(said)[:300])


def _get(account: Account, beyond: str) -> Ask:
    return Ask(dataclasses.replace(_endpoint(account, beyond), method="GET"))


def _endpoint(account: Account, beyond: str) -> Endpoint:
    endpoint = open_endpoint(
        account.connection, account.model, account.pins, streamed=False, beyond="/batches"
    )
    path, _, query = beyond.partition("?")
    parts = urlsplit(endpoint.url)
    url = urlunsplit((parts.scheme, parts.netloc, parts.path + path, query or parts.query, ""))
    target = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    moved = dataclasses.replace(endpoint, url=url, path=target)
    return moved.with_headers(account.headers)


def _moment(text: object) -> float:
    """Seconds since 1970 of a time in RFC 3339."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return time.time()
