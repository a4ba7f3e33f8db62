"""A conversation in OpenAI's shape as Converse's turns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.tool_calls import arguments_in
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.bedrock import media
from genai_integrations.transports.bedrock.models import Model

_SYSTEM = ("system", "developer")
_RESULTS = ("tool", "function")
_SOMETHING = "."
"""In place of nothing where Bedrock wants a text that is not blank."""

_CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
"""Source: AWS API reference, `ToolUseBlock`."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_STEM = 55
"""Of a tool's name, so that a digest has room behind it. Source: AWS API reference, `ToolSpecification`."""

_TTLS = ("5m", "1h")

_OWN = frozenset(
    (
        *("audio", "cachePoint", "citationsContent", "document", "guardContent", "image", "json"),
        *("reasoningContent", "searchResult", "text", "toolAddition", "toolRemoval", "toolResult"),
        *("toolUse", "video"),
    )
)
"""Names of Converse's own blocks, which are passed on as they are."""


def turns(messages: Iterable[Wire], model: Model) -> tuple[list[Wire], list[Wire]]:
    """System blocks, and turns whose roles alternate.

    Instructions in the midst of a conversation stay there, so that the cached beginning stays what it was: in a turn of
    their own where the model knows such turns, else in the user's.

    Args:
        messages: In OpenAI's shape; not changed.
        model: What is known of the model.

    Raises:
        ConfigurationError: Something in it has no form there.
    """
    system: list[Wire] = []
    found: list[Wire] = []
    for message in messages:
        role = message["role"]
        blocks = [block for row in _blocks(message) if (block := _cached(row, model))]
        if role in _SYSTEM and not found:
            system += blocks
            continue
        said = "assistant" if role == "assistant" else "user"
        if role in _SYSTEM and model.system_anywhere:
            said = "system"
        if blocks and found and found[-1]["role"] == said:
            found[-1]["content"] += blocks
        elif blocks:
            found.append({"role": said, "content": blocks})
    for turn in found:
        turn["content"] = _ordered(turn["content"])
    _name_documents(found)
    return system, found


def cache_point(mark: object) -> Wire:
    """Anthropic's mark for a prompt cache, as Converse's."""
    ttl = mark.get("ttl") if isinstance(mark, Mapping) else None
    return {"cachePoint": {"type": "default", **({"ttl": ttl} if ttl in _TTLS else {})}}


def _cached(block: Wire, model: Model) -> Wire | None:
    """The block, or what of a cache point the model knows."""
    point = block.get("cachePoint")
    if point is None or (model.caches and (model.caches_long or "ttl" not in point)):
        return block
    return {"cachePoint": {"type": "default"}} if model.caches else None


def call_id(given: object) -> str:
    """An id of a tool call in the form that Bedrock takes; the same id always becomes the same."""
    text = str(given)
    if _CALL_ID.fullmatch(text):
        return text
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def sent_name(given: str) -> str:
    """The name of a tool in the form that Bedrock takes, which another name cannot become."""
    if not given or _NAME.fullmatch(given):
        return given
    digest = hashlib.sha256(given.encode(errors="replace")).hexdigest()[:8]
    return f"{_NOT_IN_NAMES.sub('_', given)[:_LONGEST_STEM]}_{digest}"


def given_names(call: WireCall) -> Mapping[str, str]:
    """The caller's names of the tools that are called otherwise there."""
    rows = (tool.get("function") or tool for tool in call.body.get("tools") or ())
    names = (row.get("name") for row in rows)
    return {sent_name(name): name for name in names if name and not _NAME.fullmatch(name)}


def _blocks(message: Wire) -> Iterator[Wire]:
    role = message["role"]
    if role in _RESULTS:
        yield _result(message)
        mark = message.get("cache_control") or _mark_in(message.get("content"))
        if mark:
            yield cache_point(mark)
        return
    if role == "assistant":
        yield from _thoughts(message.get("thinking_blocks") or ())
    yield from _said(message.get("content"))
    if role == "assistant":
        yield from _calls(message)
    if message.get("cache_control"):
        yield cache_point(message["cache_control"])


def _said(content: object) -> Iterator[Wire]:
    """The blocks of a content; blank texts are refused there, so they are left out."""
    if isinstance(content, str):
        if content.strip():
            yield {"text": content}
        return
    for part in content if isinstance(content, Sequence) else ():
        block = _block(part)
        if block is not None:
            yield block
        if isinstance(part, Mapping) and part.get("cache_control"):
            yield cache_point(part["cache_control"])


def _block(part: Any) -> Wire | None:
    if isinstance(part, str):
        return {"text": part} if part.strip() else None
    kind = part.get("type")
    if kind in _TEXTS:
        text = part.get("text") or ""
        return {"text": text} if text.strip() else None
    convert = _PARTS.get(kind)
    if convert is not None:
        return convert(part)
    own = {name: value for name, value in part.items() if name in _OWN}
    if len(own) != 1:
        raise ConfigurationError(f"Bedrock has no form for a part of the type {kind!r}")
    return own


_TEXTS = frozenset(("text", "input_text", "output_text", "grounding_source", "query"))


def _thought_part(part: Mapping[str, Any]) -> Wire | None:
    return next(iter(_thoughts((part,))), None)


_PARTS: Mapping[object, Callable[[Any], Wire | None]] = {
    "image_url": media.image,
    "video_url": media.video,
    "input_audio": media.sound,
    "file": media.file,
    "document": media.anthropics_document,
    "search_result": media.search_result,
    "guarded_text": lambda part: {"guardContent": {"text": {"text": part["text"]}}},
    "refusal": lambda part: {"text": part["refusal"]} if part.get("refusal") else None,
    "thinking": _thought_part,
    "redacted_thinking": _thought_part,
}
"""By the type of a part. `guarded_text` is LiteLLM's name."""


def _thoughts(given: Iterable[Mapping[str, Any]]) -> Iterator[Wire]:
    """Reasoning that its provider signed: without a signature Claude refuses it, and others do not want it."""
    for block in given:
        if block.get("data"):
            yield {"reasoningContent": {"redactedContent": block["data"]}}
        elif block.get("signature"):
            text = {"text": block.get("thinking") or "", "signature": block["signature"]}
            yield {"reasoningContent": {"reasoningText": text}}


def _calls(message: Wire) -> Iterator[Wire]:
    calls = message.get("tool_calls") or ()
    if not calls and message.get("function_call"):
        function = message["function_call"]
        calls = ({"id": function.get("name"), "function": function},)
    for call in calls:
        function = call.get("function") or {}
        yield {
            "toolUse": {
                "toolUseId": call_id(call.get("id")),
                "name": sent_name(function.get("name") or ""),
                "input": _arguments(function.get("arguments")),
            }
        }
        if call.get("cache_control"):
            yield cache_point(call["cache_control"])


def _arguments(given: object) -> Wire:
    """An object, as Bedrock wants it; what a model wrote otherwise is kept under a name."""
    if isinstance(given, dict):
        return given
    return arguments_in(given) if isinstance(given, str) else {}


def _result(message: Wire) -> Wire:
    content = list(_without_marks(_said(message.get("content")))) or [{"text": _SOMETHING}]
    number = message.get("tool_call_id") or message.get("name")
    result = {"toolUseId": call_id(number), "content": content}
    if message.get("is_error") or message.get("status") == "error":
        result["status"] = "error"
    return {"toolResult": result}


def _without_marks(blocks: Iterable[Wire]) -> Iterator[Wire]:
    """A cache point stands behind a result, not in it."""
    return (block for block in blocks if "cachePoint" not in block)


def _mark_in(content: object) -> object:
    parts = content if isinstance(content, list) else ()
    marks = (part.get("cache_control") for part in parts if isinstance(part, Mapping))
    return next(filter(None, marks), None)


def _ordered(blocks: list[Wire]) -> list[Wire]:
    """Results of tools first, and a text beside a document: Bedrock refuses a turn without."""
    results = [block for block in blocks if "toolResult" in block]
    if results and "toolResult" not in blocks[0]:
        blocks = [*results, *(block for block in blocks if "toolResult" not in block)]
    if any("document" in block for block in blocks) and not any("text" in row for row in blocks):
        at = len(blocks) - ("cachePoint" in blocks[-1])
        blocks = [*blocks[:at], {"text": _SOMETHING}, *blocks[at:]]
    return blocks


def _name_documents(found: Iterable[Wire]) -> None:
    """Names that are all different: the first one keeps its own, as caches want."""
    seen: set[str] = set()
    # By name, the last number that was tried: to begin anew each time would take minutes for many of one name.
    numbers: dict[str, int] = {}
    for block in _documents(block for turn in found for block in turn["content"]):
        document = block["document"]
        own = name = document.get("name") or "document"
        while own in seen:
            numbers[name] = numbers.get(name, 1) + 1
            own = f"{name} {numbers[name]}"
        seen.add(own)
        block["document"] = {**document, "name": own}


def _documents(blocks: Iterable[Wire]) -> Iterator[Wire]:
    for block in blocks:
        if "document" in block:
            yield block
        elif "toolResult" in block:
            yield from _documents(block["toolResult"].get("content") or ())
