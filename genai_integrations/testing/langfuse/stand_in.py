"""Langfuse's HTTP surface, as version 4.16.0 answers it."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from genai_integrations.testing.langfuse.connections import ConnectionTable
from genai_integrations.testing.langfuse.datasets import DatasetStore
from genai_integrations.testing.langfuse.observations import (
    ObservationRow,
    observation,
    run_scores,
)
from genai_integrations.testing.langfuse.prices import model_rows
from genai_integrations.testing.langfuse.prompts import (
    LangfuseError,
    PromptStore,
    malformed,
    page_of,
)
from genai_integrations.testing.langfuse.scores import checked, shown
from genai_integrations.testing.langfuse.traces import SpanRecord, spans_of
from genai_integrations.testing.server import Exchange, LoopbackServer, Received

_API = "/api/public/"
_PAGE = b"<!DOCTYPE html><html><head><title>404: This page could not be found</title></head></html>"

_OPEN = (f"{_API}health", f"{_API}ready")
"""What may be asked without a key."""

_REFUSED = (401, 403)
_BARE = (f"{_API}projects", f"{_API}otel/")
"""Where a refusal is a message without the kind of the error."""

Reply = tuple[int, Any]


class LangfuseStandIn(LoopbackServer):
    """Langfuse for one project: prompts, LLM connections, datasets, traces, scores and who one is.

    Answers and refusals are those recorded from a real server. As there, the secret key decides and the public
    key is not compared, and LLM connections never show their secrets.

    Args:
        public_key: The project's public key. The Langfuse SDK keeps one client per public key and process, so
            give every stand-in its own.
        secret_key: The project's secret key.
        project_id: The project's id.
        project_name: The project's name.
        port: Where to listen; 0 finds a free port.

    Attributes:
        down: While true, everything is answered with 503.
        hanging: While true, nothing is answered.
        spans: Every span that was exported, decoded: name, ids, attributes and so on.
        scores: Every score that was accepted.
    """

    def __init__(
        self,
        public_key: str = "pk-lf-1234567890",
        secret_key: str = "sk-lf-1234567890",  # noqa: S107 - a stand-in's key opens nothing
        project_id: str = "lab-project",
        *,
        project_name: str = "Lab Project",
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.public_key = public_key
        self.secret_key = secret_key
        self.project_id = project_id
        self.project_name = project_name
        self.down = False
        self.hanging = False
        self.spans: list[SpanRecord] = []
        self.scores: list[dict[str, Any]] = []
        self._prompts = PromptStore(project_id)
        self._connections = ConnectionTable()
        self._datasets = DatasetStore(project_id)
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """What `LANGFUSE_HOST` should be."""
        return self.url

    def create_prompt(
        self,
        name: str,
        prompt: str | Sequence[Mapping[str, Any]],
        type: str | None = None,  # noqa: A002 - Langfuse's own word
        labels: Sequence[str] = ("production",),
        *,
        config: Any = None,
        tags: Sequence[str] | None = None,
    ) -> int:
        """Store a new version of a prompt, text or chat by what it is given, and return the version."""
        kind = type or ("text" if isinstance(prompt, str) else "chat")
        request = {
            "name": name,
            "type": kind,
            "prompt": prompt if isinstance(prompt, str) else [dict(each) for each in prompt],
            "labels": list(labels),
            "config": config,
            "tags": None if tags is None else list(tags),
        }
        with self._lock:
            return int(self._prompts.create(request)["version"])

    def move_label(self, name: str, version: int, label: str = "production") -> None:
        """Put a label on that version, and off the version that had it."""
        with self._lock:
            self._prompts.label(name, version, [label])

    def delete_prompt(self, name: str) -> None:
        """Delete every version of a prompt, also where another one includes it, which the API refuses."""
        with self._lock:
            self._prompts.delete(name, {})

    def create_dataset(self, name: str, items: Sequence[Mapping[str, Any]] = ()) -> str:
        """Make a dataset of items in the API's shape (`input`, `expectedOutput`, `id` ...), and return its id."""
        with self._lock:
            dataset = self._datasets.create({"name": name})
            for item in items:
                self._datasets.put_item({**item, "datasetName": name})
            return str(dataset["id"])

    @property
    def observations(self) -> list[ObservationRow]:
        """Every span as Langfuse's pages show it: tokens added up, priced by Langfuse's table where nothing else is."""
        return [observation(span) for span in list(self.spans)]

    def run_scores(self, run: str) -> list[Mapping[str, Any]]:
        """The scores that the page of that dataset run shows: those of the root observation of one of its items."""
        return run_scores(list(self.spans), list(self.scores), run)

    async def respond(self, request: Received, exchange: Exchange) -> None:
        """Answer one request."""
        if self.hanging:
            await exchange.hang()
        try:
            with self._lock:
                status, body = self._route(request)
        except LangfuseError as error:
            status, body = error.status, error.body
            if status in _REFUSED and request.path.startswith(_BARE):
                body = {"message": body["message"]}
        content, kind = _written(body)
        await exchange.send(status, content, {"content-type": kind})

    def _route(self, request: Received) -> Reply:
        if self.down:
            raise LangfuseError(503, "Service Unavailable", "ServiceUnavailableError")
        if request.path in _OPEN:
            return 200, {"status": "OK", "version": "4.16.0"}
        if not request.path.startswith(_API):
            return 404, _PAGE
        self._authenticate(request)
        path = request.path.removeprefix(_API)
        families = {
            "v2/prompts": self._prompt,
            "v2/datasets": self._dataset,
            "dataset-items": self._dataset_item,
            "llm-connections": self._connection,
        }
        for head, family in families.items():
            if path == head or path.startswith(f"{head}/"):
                return family(request, path.split("/")[head.count("/") + 1 :])
        handler = {
            "GET projects": self._projects,
            "GET models": self._models,
            "GET v2/observations": self._observations,
            "GET v3/scores": self._scores,
            "POST otel/v1/traces": self._traces,
            "POST scores": self._score,
        }.get(f"{request.method} {path}")
        return handler(request) if handler else (404, _PAGE)

    def _authenticate(self, request: Received) -> None:
        header = request.headers.get("authorization")
        if not header:
            raise _unauthorized("No authorization header")
        scheme, _, value = header.partition(" ")
        if scheme == "Bearer" and value == self.public_key:
            if request.path == f"{_API}scores":
                # What a browser may do, where the secret key must not be.
                return
            message = "Access denied: this needs basic auth with the secret key"
            raise LangfuseError(403, message, "ForbiddenError")
        try:
            pair = base64.b64decode(value, validate=True).decode().split(":")
        except (binascii.Error, UnicodeDecodeError):
            pair = []
        if scheme != "Basic" or pair[1:2] != [self.secret_key]:
            raise _unauthorized(
                "Invalid credentials. Confirm that you've configured the correct host."
            )

    def _prompt(self, request: Received, rest: list[str]) -> Reply:
        names = [unquote(part) for part in rest]
        match request.method, names:
            case "GET", []:
                return 200, self._prompts.page(request.query)
            case "POST", []:
                return 201, self._prompts.create(_object(request))
            case "GET", [name]:
                return 200, self._prompts.get(name, request.query)
            case "DELETE", [name]:
                self._prompts.check_unused(name, request.query)
                self._prompts.delete(name, request.query)
                return 204, b""
            case _, [] | [_]:
                raise LangfuseError(405, "Method not allowed", "MethodNotAllowedError")
            case "PATCH", [name, "versions", version]:
                if not version.isdecimal():
                    raise LangfuseError(500, "Internal Server Error", "InternalServerError")
                labels = _object(request).get("newLabels")
                if not isinstance(labels, list):
                    raise malformed(["newLabels"], "Required")
                return 200, self._prompts.label(name, int(version), labels)
        return 404, _PAGE

    def _connection(self, request: Received, rest: list[str]) -> Reply:
        match request.method, rest:
            case "GET", []:
                return 200, self._connections.page(request.query)
            case "PUT", []:
                return self._connections.put(_object(request))
            case "DELETE", [connection_id]:
                return 200, self._connections.delete(connection_id)
        return 404, _PAGE

    def _dataset(self, request: Received, rest: list[str]) -> Reply:
        match request.method, rest:
            case "GET", []:
                return 200, self._datasets.page(request.query)
            case "POST", []:
                return 200, self._datasets.create(_object(request))
            case "GET", [name]:
                return 200, self._datasets.get(unquote(name))
        return 404, _PAGE

    def _dataset_item(self, request: Received, rest: list[str]) -> Reply:
        match request.method, rest:
            case "GET", []:
                return 200, self._datasets.item_page(request.query)
            case "POST", []:
                return 200, self._datasets.put_item(_object(request))
            case "GET", [key]:
                return 200, self._datasets.item(unquote(key))
        return 404, _PAGE

    def _projects(self, request: Received) -> Reply:  # noqa: ARG002 - as every handler
        organization = {"id": "lab-org", "name": "Lab Org"}
        row = {"id": self.project_id, "name": self.project_name, "organization": organization}
        return 200, {"data": [{**row, "metadata": {}}]}

    def _models(self, request: Received) -> Reply:
        data, meta = page_of(model_rows(), request.query, 50)
        return 200, {"data": data, "meta": meta}

    def _observations(self, request: Received) -> Reply:
        data, _ = page_of(self.observations, request.query, 50)
        return 200, {"data": data, "meta": {"cursor": None}}

    def _scores(self, request: Received) -> Reply:
        wanted = request.query.get("name")
        rows = [row for row in self.scores if wanted in (None, row["name"])]
        at, limit = int(request.query.get("cursor", 0)), int(request.query.get("limit", 50))
        meta: dict[str, object] = {"limit": limit}
        if at + limit < len(rows):
            meta["cursor"] = str(at + limit)
        return 200, {"data": [shown(row) for row in rows[at : at + limit]], "meta": meta}

    def _traces(self, request: Received) -> Reply:
        if request.headers.get("content-type", "").startswith("application/json"):
            if _object(request).get("resourceSpans"):
                raise malformed([], "the stand-in reads spans as protobuf only")
            return 200, {}
        try:
            self.spans += spans_of(request.content)
        except ValueError as error:
            raise malformed([], str(error)) from error
        return 200, {}

    def _score(self, request: Received) -> Reply:
        # The SDK from 5.0 on sends an array, which this version of the server does not take.
        score = _object(request)
        checked(score)
        score.setdefault("id", f"score-{len(self.scores) + 1}")
        self.scores.append(score)
        return 200, {"id": score["id"]}


def _unauthorized(message: str) -> LangfuseError:
    return LangfuseError(401, message, "UnauthorizedError")


def _written(body: object) -> tuple[bytes, str]:
    """A body as bytes, and its content type: pages are bytes, plain text is a string, all else JSON."""
    if isinstance(body, bytes):
        return body, "text/html; charset=utf-8"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body).encode(), "application/json"


def _object(request: Received) -> dict[str, Any]:
    if request.malformed:
        error = LangfuseError(400, "Invalid JSON", None)
        # From the web framework, before Langfuse's own code sees it.
        error.body = "Invalid JSON"
        raise error
    if not isinstance(request.body, dict):
        raise malformed([], "Expected object")
    return request.body
