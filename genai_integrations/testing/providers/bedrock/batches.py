"""Bedrock's batches and the S3 that they read and write, from the server's side.

Sources: botocore's description of `bedrock` (`CreateModelInvocationJob` and its kin); Amazon Bedrock user guide, "Format
and upload your batch inference data", "View the results of a batch inference job".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import quote, unquote

from genai_integrations.testing.providers.batches import (
    Ask,
    Batches,
    Job,
    json_answer,
    lines_answer,
    request_for,
)
from genai_integrations.testing.providers.bedrock.dialect import BedrockDialect
from genai_integrations.testing.providers.bedrock.errors import ServiceError, denied
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.server import Received

_JOBS = re.compile(r"/model-invocation-jobs?(?:/(?P<job>[^/]+)(?P<stop>/stop)?)?")
_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/"
_LEAST = 100
_STATUSES = {
    "": "InProgress",
    "completed": "Completed",
    "failed": "Failed",
    "expired": "PartiallyCompleted",
    "cancelled": "Stopped",
}
_NO_KEY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
    b"<Message>The specified key does not exist.</Message></Error>"
)


class BedrockBatchDialect(BedrockDialect):
    """Jobs, and objects of S3 by the path of their bucket; each record is answered as if it had come on its own.

    Args:
        keys: As of `BedrockDialect`.
        batches: What a test steers.
        ask: Answers a record.

    Attributes:
        objects: What is in S3, by `/bucket/key`.
    """

    def __init__(
        self, keys: Callable[[], Collection[str] | None], batches: Batches, ask: Ask
    ) -> None:
        super().__init__(keys)
        self._batches = batches
        self._ask = ask
        self.objects: dict[str, bytes] = {}

    def recognises(self, request: Received) -> bool:
        """What is about jobs, or signed for S3."""
        is_s3 = "/s3/aws4_request" in request.headers.get("authorization", "")
        return is_s3 or _JOBS.fullmatch(request.path) is not None

    def model(self, request: Received) -> str | None:  # noqa: ARG002  the job names it
        """None."""
        return None

    def answer(self, request: Received, script: Script) -> Answer:  # noqa: ARG002  as in `Dialect`
        """An object, a job, or a list of jobs."""
        match = _JOBS.fullmatch(request.path)
        if match is None:
            return self._about_objects(request)
        if match["job"]:
            return self._about_job(match)
        if request.method == "POST":
            return json_answer({"jobArn": self._made(request).about["arn"]})
        wanted = request.query.get("nameContains", "")
        rows = [self._told(job) for job in self._batches.jobs.values()]
        return json_answer(
            {"invocationJobSummaries": [row for row in rows if wanted in row["jobName"]]}
        )

    def _check(self, request: Received) -> None:
        match = _JOBS.fullmatch(request.path)
        if match is None:
            return
        if match["job"] and self._job(match) is None:
            raise ServiceError("ResourceNotFoundException", "The job does not exist.", 404)
        if request.method != "POST" or match["job"]:
            return
        body = request.body or {}
        for name in ("jobName", "roleArn", "modelId", "inputDataConfig", "outputDataConfig"):
            if not body.get(name):
                raise ServiceError("ValidationException", f"{name} is required")
        if _path(body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]) not in self.objects:
            raise denied("AccessDeniedException", "The input file cannot be read.")

    def _about_objects(self, request: Received) -> Answer:
        path = unquote(request.path)
        if request.method == "PUT":
            self.objects[path] = request.content
            return Answer(200, b"", {"etag": '"x"'})
        content = self.objects.get(path)
        if content is None:
            return Answer(404, _NO_KEY, {"content-type": "application/xml"})
        return Answer(200, content, {"content-type": "binary/octet-stream"})

    def _about_job(self, match: re.Match[str]) -> Answer:
        job = self._job(match)
        assert job is not None
        if match["stop"]:
            self._batches.end(job, self._ask, "cancelled")
            self._write(job)
            return json_answer({})
        self._batches.look(job, self._ask)
        self._write(job)
        return json_answer(self._told(job))

    def _job(self, match: re.Match[str]) -> Job | None:
        return self._batches.jobs.get(unquote(match["job"]).rpartition("/")[2])

    def _made(self, request: Received) -> Job:
        body = request.body
        for job in self._batches.jobs.values():
            # The token of a request that was carried out: it is not carried out again.
            if job.about["token"] == body.get("clientRequestToken"):
                return job
        content = self.objects[_path(body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])]
        rows = [json.loads(line) for line in content.splitlines()]
        path = f"/model/{quote(body['modelId'], safe='')}/converse"
        lines = [(row["recordId"], request_for(request, path, row["modelInput"])) for row in rows]
        is_wrong = len(rows) < _LEAST or body.get("modelInvocationType") != "Converse"
        job = self._batches.make("job", lines, token=body.get("clientRequestToken"), body=body)
        job.about |= {"arn": f"{_ARN}{job.id}"}
        if is_wrong or any("toolConfig" in row["modelInput"] for row in rows):
            job.ended = "failed"
            job.about["message"] = (
                "Batch job contains less records than the required minimum of: 100"
            )
        return job

    def _write(self, job: Job) -> None:
        """The file of results, in any order."""
        if not job.ended:
            return
        rows = []
        for record, answer in reversed(job.results):
            row: dict[str, Any] = {"recordId": record, "modelInput": {}}
            if answer is None:
                row["error"] = {"errorCode": 500, "errorMessage": "The record was not processed."}
            elif answer.status == 200:  # noqa: PLR2004  HTTP's own
                row["modelOutput"] = json.loads(answer.body)
            else:
                said = json.loads(answer.body).get("message")
                row["error"] = {"errorCode": answer.status, "errorMessage": said}
            rows.append(row)
        body = job.about["body"]
        source = body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].rpartition("/")[2]
        folder = _path(body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        self.objects[f"{folder}{job.id}/{source}.out"] = lines_answer(rows).body

    def _told(self, job: Job) -> dict[str, Any]:
        body = job.about["body"]
        return {
            "jobArn": job.about["arn"],
            "jobName": body["jobName"],
            "modelId": body["modelId"],
            "roleArn": body["roleArn"],
            "status": _STATUSES[job.ended],
            "message": job.about.get("message"),
            "submitTime": "2026-01-01T00:00:00Z",
            "inputDataConfig": body["inputDataConfig"],
            "outputDataConfig": body["outputDataConfig"],
        }


def _path(uri: str) -> str:
    """`/bucket/key` of `s3://bucket/key`."""
    return f"/{uri.removeprefix('s3://')}"
