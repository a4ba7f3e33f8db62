"""Langfuse's datasets and their items."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.langfuse.prompts import LangfuseError, malformed, now, page_of

Row = dict[str, object]


class DatasetStore:
    """Every dataset of one project."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self._datasets: dict[str, Row] = {}
        self._items: dict[str, Row] = {}

    def create(self, request: Mapping[str, Any]) -> Row:
        """Make a dataset, or change the one of that name."""
        name = request.get("name")
        if not isinstance(name, str) or not name:
            raise malformed(["name"], "Required")
        stamp = now()
        old = self._datasets.get(name, {"id": str(uuid.uuid4()), "createdAt": stamp})
        self._datasets[name] = {
            "id": old["id"],
            "name": name,
            "description": request.get("description"),
            "metadata": request.get("metadata"),
            "inputSchema": request.get("inputSchema"),
            "expectedOutputSchema": request.get("expectedOutputSchema"),
            "projectId": self._project_id,
            "createdAt": old["createdAt"],
            "updatedAt": stamp,
        }
        return self._datasets[name]

    def get(self, name: str) -> Row:
        """The dataset of that name."""
        if name not in self._datasets:
            raise LangfuseError(404, "Dataset not found", "LangfuseNotFoundError")
        return self._datasets[name]

    def page(self, query: Mapping[str, str]) -> Row:
        """A page of datasets, newest first."""
        data, meta = page_of(list(self._datasets.values())[::-1], query, 50)
        return {"data": data, "meta": meta}

    def put_item(self, request: Mapping[str, Any]) -> Row:
        """Add an item, or change what is given of the one of that id."""
        dataset = self.get(str(request.get("datasetName")))
        key, stamp = request.get("id") or str(uuid.uuid4()), now()
        old = self._items.get(key, {})
        if old and old["datasetId"] != dataset["id"]:
            message = f"Dataset item with id {key} not found for project {self._project_id}"
            raise LangfuseError(404, message, "LangfuseNotFoundError")
        given = {name: value for name, value in request.items() if value is not None}
        names = ("input", "expectedOutput", "metadata", "sourceTraceId", "sourceObservationId")
        self._items[key] = {
            "id": key,
            "status": given.get("status") or old.get("status") or "ACTIVE",
            **{name: given.get(name, old.get(name)) for name in names},
            "datasetId": dataset["id"],
            "datasetName": dataset["name"],
            "createdAt": old.get("createdAt", stamp),
            "updatedAt": stamp,
            "mediaReferences": [],
        }
        return self._items[key]

    def item(self, key: str) -> Row:
        """The item of that id."""
        if key not in self._items:
            raise LangfuseError(404, "Dataset item not found", "LangfuseNotFoundError")
        return self._items[key]

    def item_page(self, query: Mapping[str, str]) -> Row:
        """A page of items, newest first."""
        rows = list(self._items.values())[::-1]
        name = query.get("datasetName")
        if name is not None:
            rows = [row for row in rows if row["datasetId"] == self.get(name)["id"]]
        data, meta = page_of(rows, query, 50)
        return {"data": data, "meta": meta}
