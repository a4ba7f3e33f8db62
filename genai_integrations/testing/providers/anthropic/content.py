"""Messages and their blocks: what Anthropic refuses of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.testing.providers.anthropic.errors import (
    RefusalError,
    extra,
    missing,
    wrong,
)
from genai_integrations.testing.providers.anthropic.media import check_media
from genai_integrations.testing.providers.anthropic.thinking import is_genuine

_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_THINKING = ("thinking", "redacted_thinking")
_MAX_BREAKPOINTS = 4


@dataclass(frozen=True, slots=True)
class _Kind:
    """The fields of one kind of block, and whose messages it may be in."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ("cache_control",)
    role: str | None = None


_KINDS: Mapping[str, _Kind] = {
    "text": _Kind(("text",), ("cache_control", "citations")),
    "image": _Kind(("source",), role="user"),
    "document": _Kind(("source",), ("cache_control", "citations", "context", "title")),
    "search_result": _Kind(("source", "title", "content"), ("cache_control", "citations")),
    "tool_use": _Kind(
        ("id", "name", "input"), ("cache_control", "caller", "toolset_name"), role="assistant"
    ),
    "tool_result": _Kind(
        ("tool_use_id",), ("cache_control", "content", "is_error", "toolset_name"), role="user"
    ),
    "thinking": _Kind(("thinking", "signature"), (), role="assistant"),
    "redacted_thinking": _Kind(("data",), (), role="assistant"),
}
_IN_RESULTS = ("text", "image", "document", "search_result", "tool_reference", "browser_state")
_UNCHECKED = frozenset({
    "bash_code_execution_tool_result", "code_execution_tool_result", "compaction", "container_upload",
    "fallback", "mcp_tool_result", "mcp_tool_use", "server_tool_use", "text_editor_code_execution_tool_result",
    "tool_reference", "tool_search_tool_result", "web_fetch_tool_result", "web_search_tool_result",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """Neighbouring messages of one role, which the API joins.

    Attributes:
        role: `user`, `assistant` or `system`.
        blocks: Each block with its place, such as `messages.0.content.1`.
        where: The place of the first message.
    """

    role: str
    blocks: list[tuple[str, Mapping[str, Any]]]
    where: str

    def of(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The blocks of that kind."""
        return [row for row in self.blocks if row[1]["type"] == kind]


def check_messages(messages: object) -> list[Turn]:
    """Refuse messages that the real API refuses, and join the others to turns.

    Raises:
        RefusalError: A message, a block or their order is wrong.
    """
    if not isinstance(messages, list):
        raise wrong("messages", "a valid list")
    if not messages:
        raise RefusalError("messages: at least one message is required")
    rows = [
        _message(message, f"messages.{index}", last=index == len(messages) - 1)
        for index, message in enumerate(messages)
    ]
    if rows[0].role != "user":
        raise RefusalError('messages: first message must use the "user" role')
    turns = [_joined(group) for _, group in itertools.groupby(rows, key=lambda turn: turn.role)]
    _check_tool_loop(turns)
    _check_thinking(turns)
    final = turns[-1].blocks[-1][1] if turns[-1].blocks else {}
    if turns[-1].role == "assistant" and str(final.get("text", "")).rstrip() != final.get(
        "text", ""
    ):
        raise RefusalError("messages: final assistant content cannot end with trailing whitespace")
    return turns


def check_blocks(blocks: object, where: str, kinds: Iterable[str], role: str | None = None) -> None:
    """Refuse a list of blocks that are not of these kinds, or wrong in themselves.

    Raises:
        RefusalError: A block is wrong.
    """
    if not isinstance(blocks, list):
        raise wrong(where, "a valid list")
    for index, block in enumerate(blocks):
        _check_block(block, f"{where}.{index}", kinds, role)


def breakpoints(body: Mapping[str, object]) -> int:
    """How many places of a prompt are marked for the cache.

    Raises:
        RefusalError: More than the API takes.
    """
    count = sum("cache_control" in block for block in _all_blocks(body) if isinstance(block, dict))
    if count > _MAX_BREAKPOINTS:
        message = f"A maximum of {_MAX_BREAKPOINTS} blocks with cache_control may be provided."
        raise RefusalError(f"{message} Found {count}.")
    return count


def _all_blocks(body: Mapping[str, Any]) -> Iterable[Any]:
    yield from body.get("tools") or ()
    for content in (body.get("system"), *(message["content"] for message in body["messages"])):
        for block in content if isinstance(content, list) else ():
            yield block
            inner = block.get("content") if isinstance(block, dict) else None
            yield from inner if isinstance(inner, list) else ()


def _message(message: object, where: str, *, last: bool) -> Turn:
    if not isinstance(message, dict):
        raise wrong(where, "a valid dictionary or object to extract fields from")
    role = _role(message, where)
    for name in message:
        if name not in {"role", "content"}:
            raise extra(f"{where}.{name}")
    if "content" not in message:
        raise missing(f"{where}.content")
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    elif isinstance(content, list):
        check_blocks(content, f"{where}.content", (*_KINDS, *_UNCHECKED), role)
    else:
        raise wrong(f"{where}.content", "a valid string or list")
    if not content and not (last and role == "assistant"):
        message = (
            "messages must have non-empty content except for the optional final assistant message"
        )
        raise RefusalError(f"{where}: all {message}")
    blocks = [(f"{where}.content.{index}", block) for index, block in enumerate(content)]
    return Turn(role, blocks, where)


def _role(message: Mapping[str, object], where: str) -> str:
    role = message.get("role")
    if role is None:
        raise missing(f"{where}.role")
    # Newer models take instructions in the middle of a conversation, none takes them at its start.
    if role == "system" and where == "messages.0":
        raise RefusalError(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
            'not "system" as an input message role.'
        )
    if role not in {"user", "assistant", "system"}:
        raise wrong(f"{where}.role", "'user' or 'assistant'")
    return str(role)


def _joined(group: Iterable[Turn]) -> Turn:
    turns = list(group)
    return Turn(turns[0].role, [row for turn in turns for row in turn.blocks], turns[0].where)


def _check_block(block: object, where: str, kinds: Iterable[str], role: str | None) -> None:
    if not isinstance(block, dict):
        raise wrong(where, "a valid dictionary or object to extract fields from")
    tag = block.get("type")
    if tag is None:
        raise missing(f"{where}.type")
    if tag not in kinds:
        expected = ", ".join(repr(kind) for kind in sorted(kinds))
        message = f"Input tag {tag!r} found using 'type' does not match any of the expected tags: {expected}"
        raise RefusalError(f"{where}: {message}")
    kind = _KINDS.get(tag)
    if kind is None:
        return
    for name in kind.required:
        if name not in block:
            raise missing(f"{where}.{tag}.{name}")
    for name in block:
        if name not in (*kind.required, *kind.optional, "type"):
            raise extra(f"{where}.{tag}.{name}")
    if role is not None and kind.role not in {None, role}:
        raise RefusalError(
            f"{where.partition('.content')[0]}: `{tag}` blocks can only be in `{kind.role}` messages"
        )
    _check_values(block, f"{where}.{tag}")


def _check_values(block: Mapping[str, object], where: str) -> None:
    match block["type"]:
        case "text":
            _check_text(block, where)
        case "image" | "document":
            check_media(block, where)
        case "tool_use":
            if not isinstance(block["id"], str) or not _TOOL_ID.fullmatch(block["id"]):
                raise RefusalError(f"{where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
            if not isinstance(block["input"], dict):
                raise wrong(f"{where}.input", "a valid dictionary")
        case "tool_result":
            content = block.get("content", "")
            if not isinstance(content, str):
                check_blocks(content, f"{where}.content", _IN_RESULTS)
            if not isinstance(block.get("is_error", False), bool):
                raise wrong(f"{where}.is_error", "a valid boolean")


def _check_text(block: Mapping[str, object], where: str) -> None:
    if not isinstance(block["text"], str):
        raise wrong(f"{where}.text", "a valid string")
    if not block["text"]:
        raise RefusalError("messages: text content blocks must be non-empty")
    if not block["text"].strip():
        raise RefusalError("messages: text content blocks must contain non-whitespace text")


def _check_tool_loop(turns: list[Turn]) -> None:
    """Every call is answered at once, by results that come first in the next turn."""
    open_calls: dict[str, str] = {}
    for turn in turns:
        if turn.role == "system":
            continue
        _check_results(turn.of("tool_result"), open_calls)
        leading = itertools.takewhile(lambda row: row[1]["type"] == "tool_result", turn.blocks)
        for _, block in leading:
            del open_calls[block["tool_use_id"]]
        _require_closed(open_calls)
        for where, block in turn.of("tool_use"):
            if block["id"] in open_calls:
                raise RefusalError(f"{where}: `tool_use` ids must be unique")
            open_calls[block["id"]] = where.partition(".content")[0]
    _require_closed(open_calls)


def _check_results(results: list[tuple[str, Mapping[str, Any]]], calls: Iterable[str]) -> None:
    seen = set()
    for where, block in results:
        call = block["tool_use_id"]
        if call not in calls:
            raise RefusalError(
                f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            )
        if call in seen:
            raise RefusalError(
                f"{where}: each tool_use must have a single result. Found multiple `tool_result` blocks "
                f"with id: {call}"
            )
        seen.add(call)


def _require_closed(calls: Mapping[str, str]) -> None:
    if calls:
        raise RefusalError(
            f"{next(iter(calls.values()))}: `tool_use` ids were found without `tool_result` blocks immediately "
            f"after: {', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` block in "
            "the next message."
        )


def _check_thinking(turns: list[Turn]) -> None:
    for kind, field in zip(_THINKING, ("signature", "data"), strict=True):
        for where, block in (row for turn in turns for row in turn.of(kind)):
            if not is_genuine(block):
                raise RefusalError(f"{where}: Invalid `{field}` in `{kind}` block")


def require_thinking(turns: list[Turn]) -> None:
    """Refuse a tool loop that lost the thinking which led to its first call.

    Raises:
        RefusalError: What the assistant said since the user's last words does not start with thinking.
    """
    first: Turn | None = None
    for turn in turns:
        if turn.role == "user" and turn.of("tool_result") != turn.blocks:
            first = None
        elif turn.role == "assistant":
            first = first or turn
    if first is None or not first.blocks or first.blocks[0][1]["type"] in _THINKING:
        return
    where, block = first.blocks[0]
    raise RefusalError(
        f"{where}.type: Expected `thinking` or `redacted_thinking`, but found `{block['type']}`. When `thinking` "
        "is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
        "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To "
        "avoid this requirement, disable `thinking`."
    )
