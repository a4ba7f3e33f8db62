"""Langfuse's prompts: versions, labels, folders and prompts within prompts."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_LABEL = re.compile(r"[a-z0-9_\-.]{1,36}")
_PLACEHOLDER = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_VARIABLE = re.compile(r"\{\{([^\W\d_]\w*)\}\}")
_TAG = re.compile(r"@@@langfusePrompt:name=([^|@]+)\|(version|label)=([^|@]+)@@@")
_HTML = re.compile(r"<[^>]*>")
_RESERVED_NAMES = {"new", "metrics", "prompt-detail"}
_DEEPEST = 5

Row = dict[str, Any]


class LangfuseError(Exception):
    """A refusal in Langfuse's shape."""

    def __init__(self, status: int, message: str, error: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Any = {"message": message, "error": error}


def invalid(message: str) -> LangfuseError:
    """A request that is well-formed and wrong."""
    return LangfuseError(400, message, "InvalidRequestError")


def malformed(path: Sequence[str | int], message: str) -> LangfuseError:
    """A request that does not fit its schema."""
    issue = {"code": "custom", "path": list(path), "message": message}
    return LangfuseError(400, "Invalid request data", [issue])


def now() -> str:
    """The time as Langfuse writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page_of(rows: Sequence[Any], query: Mapping[str, str], default: int) -> tuple[list[Any], Row]:
    """The rows of the page that a query asks for, and the `meta` about it."""
    page, limit = _whole(query, "page", 1), _whole(query, "limit", default, highest=100)
    meta = {
        "page": page,
        "limit": limit,
        "totalItems": len(rows),
        "totalPages": math.ceil(len(rows) / limit),
    }
    return list(rows[(page - 1) * limit : page * limit]), meta


class PromptStore:
    """Every prompt of one project."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self._rows: list[Row] = []

    def create(self, request: Mapping[str, Any]) -> Row:
        """Store a version, move its labels to it, and return the row."""
        name, kind = request.get("name"), request.get("type", "text")
        if not isinstance(name, str) or not _is_name(name):
            raise malformed(["name"], "Invalid prompt name")
        older = self._versions(name)
        if older and older[-1]["type"] != kind:
            raise invalid(
                "Previous versions have different prompt type. Create a new prompt with a different name."
            )
        row = self._row(request, kind, older)
        labels = _labels(request.get("labels") or [])
        try:
            self._resolved(row)
        except LangfuseError as error:
            raise invalid(str(error)) from error
        self._rows.append(row)
        for version in older:
            version["tags"] = row["tags"]
        self._label(row, [*labels, "latest"], row["createdAt"])
        return self._shown(row)

    def get(self, name: str, query: Mapping[str, str]) -> Row:
        """One version, by number or label, with the prompts that it includes put in."""
        version, label = _whole(query, "version", 0, lowest=-(10**9)), query.get("label")
        if version and label:
            raise invalid("Cannot specify both version and label")
        wanted = "production" if label is None else label
        row = self._find(name, version, wanted)
        if row is None:
            what = f"version {version}" if version else f"label '{wanted}'"
            message = f"Prompt not found: '{name}' with {what}"
            raise LangfuseError(404, message, "LangfuseNotFoundError")
        if query.get("resolve") == "false":
            return {**self._shown(row), "resolutionGraph": None}
        text, graph = self._resolved(row)
        return {**self._shown(row), "prompt": text, "resolutionGraph": graph}

    def page(self, query: Mapping[str, str]) -> Row:
        """The names with their versions and labels, a page of them."""
        version = _whole(query, "version", 0, lowest=0)
        rows = [
            row
            for row in self._rows
            if query.get("name") in {None, row["name"]}
            and version in {0, row["version"]}
            and query.get("label") in {None, *row["labels"]}
            and query.get("tag") in {None, *row["tags"]}
        ]
        names = sorted({row["name"] for row in rows})
        chosen, meta = page_of(names, query, 10)
        data = [_summary([row for row in rows if row["name"] == name]) for name in chosen]
        return {"data": data, "meta": meta, "pagination": meta}

    def label(self, name: str, version: int, labels: Sequence[str]) -> Row:
        """Move labels to a version."""
        row = self._find(name, version, "")
        if row is None:
            raise LangfuseError(404, f"Prompt not found: {name}", "LangfuseNotFoundError")
        if "latest" in labels:
            raise malformed(["newLabels"], "Label 'latest' is always assigned to the latest prompt")
        self._label(row, _labels(labels), now())
        return self._shown(row)

    def delete(self, name: str, query: Mapping[str, str]) -> None:
        """Delete one version, those with a label, or all."""
        gone = self._chosen(name, query)
        if not gone:
            raise LangfuseError(404, "Prompt not found", "LangfuseNotFoundError")
        self._rows = [row for row in self._rows if row not in gone]
        left = self._versions(name)
        if left:
            self._label(left[-1], ["latest"], now())

    def check_unused(self, name: str, query: Mapping[str, str]) -> None:
        """Refuse to delete what another prompt includes."""
        gone = self._chosen(name, query)
        users = [row["name"] for row in self._rows if row not in gone and _includes(row, gone)]
        if users:
            raise invalid(
                "Other prompts are depending on the prompt version you are trying to delete: "
                + ", ".join(dict.fromkeys(users))
            )

    def _chosen(self, name: str, query: Mapping[str, str]) -> list[Row]:
        """The versions of a prompt that a request to delete means."""
        version, label = _whole(query, "version", 0, lowest=0), query.get("label")
        return [
            row
            for row in self._versions(name)
            if version in {0, row["version"]} and label in {None, *row["labels"]}
        ]

    def _row(self, request: Mapping[str, Any], kind: str, older: Sequence[Row]) -> Row:
        stamp = now()
        return {
            "id": str(uuid.uuid4()),
            "createdAt": stamp,
            "updatedAt": stamp,
            "projectId": self._project_id,
            "createdBy": "API",
            "prompt": _content(request.get("prompt"), kind),
            "name": request["name"],
            "version": older[-1]["version"] + 1 if older else 1,
            "type": kind,
            "config": {} if request.get("config") is None else request["config"],
            "tags": list(dict.fromkeys(_given_tags(request, older))),
            "labels": [],
            "commitMessage": request.get("commitMessage"),
        }

    def _versions(self, name: str) -> list[Row]:
        return [row for row in self._rows if row["name"] == name]

    def _find(self, name: str, version: int, label: str) -> Row | None:
        for row in self._versions(name):
            if row["version"] == version if version else label in row["labels"]:
                return row
        return None

    def _label(self, row: Row, labels: Sequence[str], stamp: str) -> None:
        for other in self._versions(row["name"]):
            if other is not row and set(labels) & set(other["labels"]):
                kept = [label for label in other["labels"] if label not in labels]
                other.update(labels=kept, updatedAt=stamp)
        # A new version keeps the order of the request, a changed one puts the new labels first.
        row.update(labels=list(dict.fromkeys([*labels, *row["labels"]])), updatedAt=stamp)

    def _shown(self, row: Row) -> Row:
        return {**row, "isActive": "production" in row["labels"]}

    def _resolved(self, row: Row) -> tuple[Any, Row | None]:
        """The prompt with every included prompt's text in its place, and who includes whom."""
        dependencies: dict[str, list[Row]] = {}
        text = self._include(row, dependencies, (), row["name"])
        if not dependencies:
            return row["prompt"], None
        root = {key: row[key] for key in ("name", "version", "id")}
        return json.loads(text), {"root": root, "dependencies": dependencies}

    def _include(
        self, row: Row, dependencies: dict[str, list[Row]], above: tuple[str, ...], root: str
    ) -> str:
        if len(above) >= _DEEPEST:
            raise _conflict(f"Maximum nesting depth exceeded ({_DEEPEST})")
        if row["id"] in above or (above and row["name"] == root):
            where = f"prompt '{row['name']}' version {row['version']}"
            raise _conflict(f"Circular dependency detected involving {where}")
        text = json.dumps(row["prompt"], ensure_ascii=False)

        def included(match: re.Match[str]) -> str:
            name, kind, value = match.groups()
            child = self._dependency(name, kind, value)
            found = dependencies.setdefault(row["id"], [])
            entry = {key: child[key] for key in ("id", "name", "version")}
            if entry not in found:
                found.append(entry)
            return self._include(child, dependencies, (*above, row["id"]), root)[1:-1]

        return _TAG.sub(included, text)

    def _dependency(self, name: str, kind: str, value: str) -> Row:
        version = int(value) if kind == "version" and value.isdecimal() else 0
        child = self._find(name, version, value)
        if child is None:
            raise _conflict(f"Prompt dependency not found: {name} - {kind} {value}")
        if child["type"] != "text":
            raise _conflict(f"Prompt dependency is not a text prompt: {name} - {kind} {value}")
        return child


def _includes(row: Row, others: Sequence[Row]) -> bool:
    found = _TAG.findall(json.dumps(row["prompt"], ensure_ascii=False))
    return any(
        name == other["name"]
        and (value == str(other["version"]) if kind == "version" else value in other["labels"])
        for name, kind, value in found
        for other in others
    )


def _summary(rows: Sequence[Row]) -> Row:
    last = rows[-1]
    return {
        "name": last["name"],
        "tags": last["tags"],
        "lastUpdatedAt": max(row["updatedAt"] for row in rows),
        "versions": [row["version"] for row in rows],
        "labels": sorted({label for row in rows for label in row["labels"]}),
        "type": last["type"],
        "lastConfig": last["config"],
    }


def _content(prompt: Any, kind: str) -> Any:
    if kind == "text" and isinstance(prompt, str):
        return prompt
    if kind == "chat" and isinstance(prompt, list):
        messages = [_message(message, index) for index, message in enumerate(prompt)]
        _check_collisions(messages)
        return messages
    raise malformed(["prompt"], "Invalid prompt for its type")


def _message(message: Any, index: int) -> Row:
    if isinstance(message, dict) and message.get("type") == "placeholder":
        if isinstance(name := message.get("name"), str) and _PLACEHOLDER.fullmatch(name):
            return {"name": name, "type": "placeholder"}
        raise malformed(["prompt", index, "name"], "Invalid placeholder name")
    try:
        role, content = message["role"], message["content"]
    except (KeyError, TypeError):
        raise malformed(["prompt", index], "Expected role and content") from None
    if not isinstance(role, str) or not isinstance(content, str):
        raise malformed(["prompt", index], "Expected strings")
    return {"role": role, "content": content}


def _check_collisions(messages: Sequence[Row]) -> None:
    placeholders = {message["name"] for message in messages if "name" in message}
    texts = [message.get("content", "") for message in messages]
    variables = dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text))
    both = [name for name in variables if name in placeholders]
    if both:
        raise invalid(
            "Cannot create prompt, variables and placeholders must be unique, "
            f"the following are not: {', '.join(both)}"
        )


def _given_tags(request: Mapping[str, Any], older: Sequence[Row]) -> Sequence[str]:
    if request.get("tags") is not None:
        tags: Sequence[str] = request["tags"]
        return tags
    return older[-1]["tags"] if older else []


def _labels(labels: Sequence[str]) -> Sequence[str]:
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise malformed(["labels"], "Label must be lowercase alphanumeric with _, - or .")
    return labels


def _is_name(name: str) -> bool:
    parts = name.split("/")
    return all(parts) and name not in _RESERVED_NAMES and "|" not in name and not _HTML.search(name)


def _conflict(message: str) -> LangfuseError:
    return LangfuseError(409, message, "LangfuseConflictError")


def _whole(
    query: Mapping[str, str], name: str, default: int, *, lowest: int = 1, highest: int = 10**9
) -> int:
    try:
        value = int(query.get(name, default))
    except ValueError:
        raise malformed([name], "Expected number, received nan") from None
    if not lowest <= value <= highest:
        raise malformed([name], f"Number must be from {lowest} to {highest}")
    return value
