"""One send to Langfuse: spans as OTLP over HTTP, or a picture of one of them.

It brings OpenTelemetry's SDK and the HTTP client, so it is imported by the first that has something to send.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from genai_integrations.errors import GenAIError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.network import proxy_for
from genai_integrations.tracing.exporter import Job, Outcome
from genai_integrations.tracing.media import Medium, take_media
from genai_integrations.tracing.otlp import export
from genai_integrations.tracing.outbox import KeyPair, Outbox
from genai_integrations.tracing.owners import SDK_SCOPE
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.sync_http import SyncHttp, read_all

if TYPE_CHECKING:
    from genai_integrations.tracing.record import Record

_UPLOAD = 20.0
"""Seconds for one picture or file, which may be large."""

_LATER = frozenset((408, 429, 502, 503, 504))
"""What OTLP repeats. A 500 may be due to the spans themselves, which would then hold up those behind them."""

_TOO_LARGE = 413


class Delivery:
    """Sends. Safe for threads; a forked child begins without connections."""

    def __init__(self) -> None:
        self._http = SyncHttp()

    def __call__(self, job: Job) -> Outcome:
        """Do one send; whatever goes wrong is in the outcome."""
        media: tuple[Medium, ...] = ()
        try:
            if job.medium is not None:
                return self._upload(job.outbox, job.medium)
            if job.outbox.settings.media:
                media = tuple(medium for record in job.records for medium in take_media(record))
            outcome = self._export(job.outbox, job.records)
        except GenAIError as error:
            outcome = Outcome(str(error), is_later=True, is_host=True)
        return dataclasses.replace(outcome, media=media) if media else outcome

    def _export(self, outbox: Outbox, records: Sequence[Record]) -> Outcome:
        settings = outbox.settings
        body = encoded(records, outbox.pair.public_key)
        if len(body) > settings.largest > 0:
            return _too_large(len(records))
        headers = {"content-type": "application/x-protobuf", **_headers(outbox.pair)}
        if settings.packed:
            body, headers["content-encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
        url = f"{outbox.pair.host}/{settings.path}"
        reply = self._asked("POST", url, headers, body, settings.timeout)
        if reply.status == _TOO_LARGE:
            return _too_large(len(records))
        return reply.outcome(f"{len(records)} are lost")

    def _upload(self, outbox: Outbox, medium: Medium) -> Outcome:
        """Announce it, put it where the server says, and tell the server how that went."""
        url = f"{outbox.pair.host}/api/public/media"
        headers = {"content-type": "application/json", **_headers(outbox.pair)}
        seconds = outbox.settings.timeout
        announced = self._asked("POST", url, headers, _announcement(medium), seconds)
        outcome = announced.outcome("a picture or file is lost")
        if outcome.problem:
            return outcome
        told = json.loads(announced.body)
        if not told.get("uploadUrl"):
            return Outcome()  # the server has it already
        began = time.monotonic()
        stored = self._asked(
            "PUT", told["uploadUrl"], _stored_as(medium, told["uploadUrl"]), medium.content, _UPLOAD
        )
        report = {
            "uploadedAt": datetime.now(UTC).isoformat(),
            "uploadHttpStatus": stored.status,
            "uploadHttpError": stored.body[:1000].decode(errors="replace"),
            "uploadTimeMs": round((time.monotonic() - began) * 1000),
        }
        told_id = quote(str(told["mediaId"]), safe="")
        done = self._asked(
            "PATCH", f"{url}/{told_id}", headers, json.dumps(report).encode(), seconds
        )
        return done.outcome("a picture or file is not marked as uploaded")

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> _Reply:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        endpoint = Endpoint(
            origin=origin,
            url=url,
            path=urlunsplit(("", "", parts.path or "/", parts.query, "")),
            proxy=proxy_for(origin),
            headers=dict(headers),
            secrets=(),
            method=method,
        )
        patience = Patience(seconds, seconds)
        answer = self._http.post(endpoint, body, patience)
        content = read_all(answer, patience)
        return _Reply(answer.status, content, answer.headers.get("retry-after", ""))


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    retry_after: str

    def outcome(self, loss: str) -> Outcome:
        if 200 <= self.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            return Outcome()
        if self.status not in _LATER:
            return Outcome(f"HTTP {self.status}, {loss}")
        pause = float(self.retry_after) if self.retry_after.isdecimal() else None
        return Outcome(f"HTTP {self.status}, it will be sent again", is_later=True, pause=pause)


def _too_large(number: int) -> Outcome:
    if number > 1:
        return Outcome(is_large=True)
    return Outcome("a span is lost: it is larger than one export may be")


def _headers(pair: KeyPair) -> dict[str, str]:
    """Those of the SDK, which tell the server how to read what is sent."""
    login = base64.b64encode(f"{pair.public_key}:{pair.secret_key}".encode()).decode()
    return {
        "authorization": MaskedText(f"Basic {login}"),
        "x-langfuse-sdk-name": "python",
        "x-langfuse-sdk-version": _sdk_version(),
        "x-langfuse-public-key": pair.public_key,
        "x-langfuse-ingestion-version": "4",
    }


def _announcement(medium: Medium) -> bytes:
    return json.dumps(
        {
            "traceId": medium.trace_id,
            "observationId": medium.span_id,
            "contentType": medium.kind,
            "contentLength": medium.size,
            "sha256Hash": medium.hash,
            "field": medium.field,
        }
    ).encode()


def _stored_as(medium: Medium, url: str) -> dict[str, str]:
    headers = {"content-type": medium.kind}
    if "storage.googleapis.com" in url:  # it refuses headers that it does not know
        return headers
    return {**headers, "x-ms-blob-type": "BlockBlob", "x-amz-checksum-sha256": medium.hash}


@cache
def _sdk_version() -> str:
    from importlib.metadata import version

    return version("langfuse")


def encoded(records: Sequence[Record], public_key: str) -> bytes:
    """Spans as the body of an OTLP export, in the SDK's scope."""
    return export(records, _RESOURCE, (SDK_SCOPE, _sdk_version()), {"public_key": public_key})


def _resource() -> Mapping[str, object]:
    # Not `Resource.create`, which starts threads, and none can be started at the end of a program.
    own = {"telemetry.sdk.language": "python", "telemetry.sdk.name": "opentelemetry"}
    resource = Resource({**own, "service.name": "unknown_service"})
    return dict(resource.merge(OTELResourceDetector().detect()).attributes)


_RESOURCE = _resource()

DELIVERY = Delivery()
"""The one of this process."""
