"""Bedrock's batches: a file of requests in S3 is worked off, and answered by a file there, in Converse's form.

Sources: Amazon Bedrock user guide, "Process multiple prompts with batch inference"; API reference,
`CreateModelInvocationJob`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.credentials import AwsBearer, AwsKeyPair, open_credential
from genai_integrations.errors import ConfigurationError, CredentialError, InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import BedrockBatchSettings
from genai_integrations.transports.batch_dialect import Account, Ask, Asking, Job, Outcome
from genai_integrations.transports.bedrock.address import domain_of, region_of, signer_of
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import endpoint_at, segment

_log = logging.getLogger("genai_integrations")

_JOBS = "model-invocation-job"
_OVER = ("Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired")
_NAMED = "genai-"
"""How the names of our jobs begin; the rest is the mark."""


@cache
def say_once() -> None:
    """That Bedrock's batches are not set up."""
    _log.warning(
        "Bedrock's requests are sent live: its batches need GENAI_BEDROCK_BATCH_S3, such as s3://bucket/folder, and "
        "GENAI_BEDROCK_BATCH_ROLE, the ARN of a role that may read and write there"
    )


class BedrockBatches:
    """Of Bedrock, with storage and a role.

    Args:
        settings: Which.
    """

    least = (
        100  # the quota "Minimum number of records per batch inference job", of almost every model
    )
    most = 50_000
    most_bytes = (
        64 << 20
    )  # of the 1 GB that is allowed, because a batch is in memory while it is sent

    def __init__(self, settings: BedrockBatchSettings) -> None:
        self._settings = settings

    def takes(self, operation: Operation) -> bool:
        """Chats."""
        return operation == "chat/completions"

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:  # noqa: ARG002  as in `BatchDialect`
        """A record.

        Raises:
            ConfigurationError: It has tools, which Converse's batches refuse.
        """
        if "toolConfig" in body:
            raise ConfigurationError("Bedrock's batches take no tools")
        return jsonbytes.dumps({"recordId": custom_id, "modelInput": body})

    def submit(self, account: Account, lines: Sequence[bytes], mark: str) -> Asking[str]:
        """Write the file, and have it worked off. The token makes a second request for the same job none."""
        source = f"{self._settings.s3}/{mark}.jsonl"
        yield self._object(account, source, "PUT", b"\n".join((*lines, b"")))
        order = {
            "jobName": f"{_NAMED}{mark}",
            "clientRequestToken": mark,
            "roleArn": self._settings.role,
            "modelId": account.model,
            "modelInvocationType": "Converse",
            "inputDataConfig": {
                "s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": source},
            },
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"{self._settings.s3}/out/"}},
            "timeoutDurationInHours": 24,
        }
        made = yield Ask(_endpoint(account, _JOBS), jsonbytes.dumps(order))
        told = made.get("jobArn") if isinstance(made, Mapping) else None
        if not isinstance(told, str) or not told:
            raise InvalidReplyError("the server's answer has no jobArn")
        return told

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:  # noqa: ARG002  as in `BatchDialect`
        """By its name."""
        query = urlencode({"nameContains": f"{_NAMED}{mark}"})
        page = yield _get(account, f"model-invocation-jobs?{query}")
        rows = page.get("invocationJobSummaries") or ()
        return [row["jobArn"] for row in rows if row.get("jobName") == f"{_NAMED}{mark}"]

    def look(self, account: Account, job: str) -> Asking[Job]:
        """By its state; the results stand in a folder named for the job, under the name of what was read."""
        told = yield _get(account, f"{_JOBS}/{segment(job)}")
        status = told.get("status")
        if status not in _OVER:
            return Job(is_over=False)
        folder = told["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].rstrip("/")
        source = told["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].rpartition("/")[2]
        files = (
            []
            if status in ("Failed", "Expired")
            else [f"{folder}/{job.rpartition('/')[2]}/{source}.out"]
        )
        return Job(is_over=True, files=files, why=str(told.get("message") or ""))

    def cancel(self, account: Account, job: str) -> Asking[None]:
        """What is done by then is in the file."""
        yield Ask(_endpoint(account, f"{_JOBS}/{segment(job)}/stop"), b"{}")

    def fetch(self, account: Account, file: str) -> Ask:
        """The results."""
        return self._object(account, file, "GET")

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """An answer, or an error in its place."""
        if answer := row.get("modelOutput"):
            return Outcome(row.get("recordId"), answer)
        said = (row.get("error") or {}).get("errorMessage") or "no answer"
        return Outcome(row.get("recordId"), error=str(said)[:300])

    def _object(self, account: Account, uri: str, method: str, body: bytes = b"") -> Ask:
        """A request for an object of S3, signed for S3."""
        connection = account.connection
        credential = open_credential(connection)
        if isinstance(credential, AwsBearer):
            raise CredentialError(
                f"connection {connection.name!r} has an API key of Bedrock's, which cannot write to S3: "
                "batches need AWS's own keys, a profile or a role"
            )
        region = region_of(connection, account.model, credential)
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        base = f"{self._settings.s3_url or f'https://s3.{region}.{domain_of(region)}'}/{bucket}"
        if not self._settings.s3_url and "." not in bucket:
            # A dot would be another level of the host's name, for which AWS's certificate does not hold.
            base = f"https://{bucket}.s3.{region}.{domain_of(region)}"
        url = f"{base}/{quote(key, safe='/~')}"
        signer = signer_of(credential, region, "s3")
        endpoint = endpoint_at(connection, url, account.pins, signer=signer)
        return Ask(dataclasses.replace(endpoint, method=method), body)


def _get(account: Account, path: str) -> Ask:
    return Ask(dataclasses.replace(_endpoint(account, path), method="GET"))


def _endpoint(account: Account, path: str) -> Endpoint:
    """Of Bedrock's control plane, which has a host beside the runtime's."""
    connection = account.connection
    credential = open_credential(connection)
    region = region_of(connection, account.model, credential)
    base = (connection.base_url or f"https://bedrock.{region}.{domain_of(region)}").rstrip("/")
    stored = urlsplit(base).netloc
    host = stored.replace("bedrock-runtime", "bedrock", 1)
    url = f"{base.replace(stored, host, 1)}/{path}"
    if isinstance(credential, AwsBearer):
        token = credential.token.reveal()
        headers = {"authorization": MaskedText(f"Bearer {token}")}
        return endpoint_at(connection, url, account.pins, key=token, headers=headers)
    # A signature tells no secret. A host that somebody stored is held to its key all the same, as for the runtime.
    is_pinned = connection.base_url and host == stored and isinstance(credential, AwsKeyPair)
    key = credential.secret_access_key.reveal() if is_pinned else ""  # type: ignore[union-attr]  # it is a pair
    signer = signer_of(credential, region)
    return endpoint_at(connection, url, account.pins, key=key, signer=signer)
