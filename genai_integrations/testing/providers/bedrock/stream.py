"""An answer of Converse as the events of ConverseStream."""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.bedrock.frames import event_frame
from genai_integrations.testing.providers.bedrock.replies import WORDS
from genai_integrations.testing.providers.dialect import Piece

_FRAGMENT = 6
_PADDING = string.ascii_letters + string.digits
_LENGTHS = itertools.cycle((17, 3, 41, 29, 8, 53))


def pieces_of(reply: Mapping[str, Any], texts: list[str] | None) -> list[Piece]:
    """Every event of the stream, in the order in which Bedrock sends them."""
    message = reply["output"]["message"]
    pieces = [_piece("messageStart", {"role": message["role"]})]
    for index, block in enumerate(message["content"]):
        pieces += _block(index, block, texts)
    stop = {"stopReason": reply["stopReason"]}
    if "additionalModelResponseFields" in reply:
        stop["additionalModelResponseFields"] = reply["additionalModelResponseFields"]
    names = ("usage", "metrics", "trace", "performanceConfig", "serviceTier")
    metadata = {name: reply[name] for name in names if name in reply}
    return [
        *pieces,
        _piece("messageStop", stop, closing=True),
        _piece("metadata", metadata, closing=True),
    ]


def _block(index: int, block: Mapping[str, Any], texts: list[str] | None) -> Iterator[Piece]:
    place = {"contentBlockIndex": index}
    if "toolUse" in block:
        call = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
        yield _piece("contentBlockStart", {**place, "start": {"toolUse": call}}, content=True)
        # Claude opens every input with nothing; an empty one has no other part.
        yield _piece("contentBlockDelta", {**place, "delta": {"toolUse": {"input": ""}}})
    for delta in _deltas(block, texts):
        yield _piece("contentBlockDelta", {**place, "delta": delta}, content=True)
    yield _piece("contentBlockStop", place)


def _deltas(block: Mapping[str, Any], texts: list[str] | None) -> Iterator[dict[str, Any]]:
    match block:
        case {"text": str(text)}:
            yield from ({"text": each} for each in texts or WORDS.findall(text))
        case {"toolUse": {"input": given}} if given:
            text = json.dumps(given, ensure_ascii=False)
            for start in range(0, len(text), _FRAGMENT):
                yield {"toolUse": {"input": text[start : start + _FRAGMENT]}}
        case {"reasoningContent": {"reasoningText": {"text": str(text), **rest}}}:
            yield from ({"reasoningContent": {"text": each}} for each in WORDS.findall(text))
            if "signature" in rest:
                yield {"reasoningContent": {"signature": rest["signature"]}}
        case {"reasoningContent": {"redactedContent": data}}:
            yield {"reasoningContent": {"redactedContent": data}}


def _piece(
    kind: str, value: Mapping[str, object], *, content: bool = False, closing: bool = False
) -> Piece:
    # The real service hides the length of what it says behind such a field, which clients ignore.
    padded = {**value, "p": _PADDING[: next(_LENGTHS)]}
    return Piece(event_frame(kind, padded), content, closing)
