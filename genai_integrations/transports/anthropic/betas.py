"""Features that a request has to announce in the header `anthropic-beta`.

Who calls may announce more by `extra_headers`, and a connection by its own headers: all are sent. Source of the names:
platform.claude.com, "Beta headers" and the page of each feature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire

HEADER = "anthropic-beta"

_BY_TOOL = (
    (r"advisor_", "advisor-tool-2026-03-01"),
    (r"code_execution_20250522", "code-execution-2025-05-22"),
    (r"code_execution_", "code-execution-2025-08-25"),
    (r"computer_20241022", "computer-use-2024-10-22"),
    (r"computer_20250124", "computer-use-2025-01-24"),
    (r"computer_", "computer-use-2025-11-24"),
    (r"memory_", "context-management-2025-06-27"),
    (r"tool_search_", "advanced-tool-use-2025-11-20"),
    (r"web_fetch_20250910", "web-fetch-2025-09-10"),
)
"""By the type of a tool; the first that fits counts."""

_MARKS = {
    "allowed_callers": "advanced-tool-use-2025-11-20",
    "defer_loading": "advanced-tool-use-2025-11-20",
    "input_examples": "advanced-tool-use-2025-11-20",
}
"""By a key of a tool."""

_TOOLSET = "mcp_toolset"
_FILES = "files-api-2025-04-14"
_ELSEWHERE: Mapping[str, Mapping[str, str | None]] = {
    "azure": {
        "advisor-tool-2026-03-01": None,
        "compact-2026-01-12": None,
        "fast-mode-2026-02-01": None,
    },
    "vertex": {
        "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
        "advisor-tool-2026-03-01": None,
        "code-execution-2025-08-25": None,
        "effort-2025-11-24": None,
        "fast-mode-2026-02-01": None,
        "files-api-2025-04-14": None,
        "mcp-client-2025-04-04": None,
        "mcp-client-2025-11-20": None,
        "skills-2025-10-02": None,
        "structured-outputs-2025-11-13": None,
        "web-fetch-2025-09-10": None,
    },
}
"""What a cloud calls otherwise, or does not know: a name that it does not know, it refuses."""


def betas_of(body: Wire, place: str) -> list[str]:
    """The betas that a request in Anthropic's shape makes use of.

    Args:
        body: The request.
        place: The provider's name.
    """
    own = _ELSEWHERE.get(place, {})
    found = dict.fromkeys(own.get(name, name) for name in _found(body))
    return [name for name in found if name]


def _found(body: Wire) -> Iterator[str]:
    tools = body.get("tools") or ()
    for tool in tools:
        yield from _of_tool(tool)
    if body.get("mcp_servers"):
        is_newer = any(tool.get("type") == _TOOLSET for tool in tools)
        yield "mcp-client-2025-11-20" if is_newer else "mcp-client-2025-04-04"
    if "context_management" in body:
        yield from _of_edits(body["context_management"])
    container = body.get("container")
    if isinstance(container, Mapping) and container.get("skills"):
        yield from ("skills-2025-10-02", "code-execution-2025-08-25")
    if body.get("speed") == "fast":
        yield "fast-mode-2026-02-01"
    if "output_format" in body:
        yield "structured-outputs-2025-11-13"
    config = body.get("output_config") or {}
    if "effort" in config and "opus-4-5" in str(body.get("model")):
        yield "effort-2025-11-24"
    if any(_has_file(message.get("content")) for message in body.get("messages") or ()):
        yield _FILES


def _of_tool(tool: Mapping[str, Any]) -> Iterator[str]:
    kind = tool.get("type")
    if isinstance(kind, str):
        beta = next((beta for start, beta in _BY_TOOL if re.match(start, kind)), None)
        if beta:
            yield beta
    for mark, beta in _MARKS.items():
        if tool.get(mark):
            yield beta


def _of_edits(management: object) -> Iterator[str]:
    edits = management.get("edits") if isinstance(management, Mapping) else None
    for edit in edits or ():
        is_compaction = str(edit.get("type")).startswith("compact_")
        yield "compact-2026-01-12" if is_compaction else "context-management-2025-06-27"


def _has_file(content: object) -> bool:
    """Whether a block, or a result of a tool, is a file of the Files API."""
    if not isinstance(content, Sequence) or isinstance(content, str):
        return False
    for block in content:
        if not isinstance(block, Mapping):
            continue
        source = block.get("source")
        if block.get("type") == "container_upload" or _has_file(block.get("content")):
            return True
        if isinstance(source, Mapping) and source.get("type") == "file":
            return True
    return False
