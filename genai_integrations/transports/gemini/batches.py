"""Gemini's batches at AI Studio: the requests go in one body, and the answers come with the batch.

Source: https://ai.google.dev/api/batch-api.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.batch_dialect import Account, Ask, Asking, Job, Outcome
from genai_integrations.transports.gemini.address import place, versioned
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at, segment

_FOLDER = "batches/"
_OVER = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
"""How a state ends after which nothing changes, after `BATCH_STATE_` or `JOB_STATE_`."""


class GeminiBatches:
    """Of AI Studio; Vertex AI's read and write Google's own storage."""

    least = 1
    most = 10_000
    most_bytes = 16 << 20  # 20 MB may be in a body

    def takes(self, operation: Operation) -> bool:
        """Chats."""
        return operation == "chat/completions"

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:  # noqa: ARG002  as in `BatchDialect`
        """A request with its key."""
        return jsonbytes.dumps({"request": body, "metadata": {"key": custom_id}})

    def submit(self, account: Account, lines: Sequence[bytes], mark: str) -> Asking[str]:
        """All requests in one body, under a name that is the mark."""
        name = jsonbytes.dumps(mark)
        requests = b'{"requests":{"requests":[' + b",".join(lines) + b"]}}"
        body = b'{"batch":{"displayName":' + name + b',"inputConfig":' + requests + b"}}"
        made = yield Ask(_endpoint(account, f"{place(account.model)}:batchGenerateContent"), body)
        told = made.get("name") if isinstance(made, dict) else None
        if not isinstance(told, str) or not told.startswith(_FOLDER):
            raise InvalidReplyError("the server's answer has no name of a batch")
        return told.removeprefix(_FOLDER)

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:  # noqa: ARG002  as in `BatchDialect`
        """By its name."""
        page = yield _get(account, f"batches?{urlencode({'pageSize': 100})}")
        rows = page.get("operations") if isinstance(page, dict) else None
        return [
            str(row.get("name")).removeprefix(_FOLDER)
            for row in rows or ()
            if (row.get("metadata") or {}).get("displayName") == mark
        ]

    def look(self, account: Account, job: str) -> Asking[Job]:
        """By its state; the answers stand where newer servers put them, or where older ones did."""
        told = yield _get(account, _FOLDER + segment(job))
        about = told.get("metadata") or {}
        state = str(about.get("state", ""))
        found = told.get("response") or about.get("output") or {}
        why = str((told.get("error") or {}).get("message") or "")
        # A batch may have succeeded some time before its answers are there: tidyverse/ellmer#926.
        if not state.endswith(_OVER) or (state.endswith("SUCCEEDED") and not found and not why):
            return Job(is_over=False, why=why)
        inlined = (found.get("inlinedResponses") or {}).get("inlinedResponses") or ()
        file = found.get("responsesFile")
        return Job(is_over=True, files=[file] if file else [], rows=inlined, why=why)

    def cancel(self, account: Account, job: str) -> Asking[None]:
        """What is done by then comes with it, if the server gives it."""
        yield Ask(_endpoint(account, f"{_FOLDER}{segment(job)}:cancel"), b"{}")

    def fetch(self, account: Account, file: str) -> Ask:
        """A file of answers, which a server may make of many."""
        return _get(
            account, f"files/{segment(file.removeprefix('files/'))}:download?alt=media", "/download"
        )

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """An answer or an error; some servers leave the key out, and then its place tells whose it is."""
        custom_id = (row.get("metadata") or {}).get("key") or row.get("key")
        if answer := row.get("response"):
            return Outcome(custom_id, answer)
        said = (row.get("error") or {}).get("message") or "no answer"
        return Outcome(custom_id, error=str(said)[:300])


def _get(account: Account, path: str, folder: str = "") -> Ask:
    return Ask(dataclasses.replace(_endpoint(account, path, folder), method="GET"))


def _endpoint(account: Account, path: str, folder: str = "") -> Endpoint:
    connection = account.connection
    key = api_key(connection)
    headers = {"x-goog-api-key": MaskedText(key)} if key else {}
    base, _, version = versioned(base_url(connection, account.model)).rpartition("/")
    url = f"{base}{folder}/{version}/{path}"
    return endpoint_at(connection, url, account.pins, key=key, headers=headers)
