"""What a model said, as blocks one after the other: the form that Anthropic's API and OpenAI's Responses API share.

A chat completion has its texts and calls side by side, and its stream mixes their pieces; the other two tell one block
from its begin to its end before the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from genai_integrations.calls.tool_calls import arguments_in
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes

Kind = Literal["thought", "sealed", "text", "refusal", "call", "custom"]


@dataclass(slots=True)
class Block:
    """One block, as far as it came.

    Attributes:
        kind: What it is; a `sealed` one is a thought that only its provider can read.
        pieces: Of its text; of a call, its arguments as JSON text; of a custom tool's call, its input.
        identity: Of a call.
        name: Of the tool that is called.
        signature: Of a thought, by which its provider knows it; empty without one.
        number: Of the block in the answer.
    """

    kind: Kind
    pieces: list[str] = field(default_factory=list)
    identity: str = ""
    name: str = ""
    signature: str = ""
    number: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


def blocks_of(message: Mapping[str, Any]) -> list[Block]:
    """A whole message's: thoughts, text, refusal and calls, in this order."""
    pieces = Pieces()
    calls, thoughts = (
        [{**row, "index": at} for at, row in enumerate(_dicts(message.get(name)))]
        for name in ("tool_calls", "thinking_blocks")
    )
    pieces.take({**message, "tool_calls": calls, "thinking_blocks": thoughts})
    pieces.finish()
    return pieces.blocks


Change = Literal["begun", "more", "signed", "ended"]
Step = tuple[Change, Block, str]
"""What happened to a block, and the text that came, if one did."""

_Key = tuple[str, object]
_TEXT: _Key = ("text", None)


class Pieces:
    """The deltas of one stream as steps, each block ended before the next begins.

    A block that begins while a call lacks a part of its arguments waits until that is whole, or the stream is over:
    some servers mix the pieces of several calls.

    Attributes:
        blocks: All that have begun, in their order.
    """

    __slots__ = ("_closed", "_key", "_steps", "_waiting", "blocks")

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._key: _Key | None = None
        self._waiting: dict[_Key, Block] = {}
        self._closed: set[_Key] = set()
        self._steps: list[Step] = []

    def take(self, delta: Mapping[str, Any]) -> list[Step]:
        """The steps that a delta stands for."""
        self._steps = []
        if thoughts := delta.get("thinking_blocks"):
            for part in _dicts(thoughts):
                self._thought(part)
        elif thought := delta.get("reasoning_content"):
            self._piece(("thought", None), "thought", thought)
        if text := delta.get("content"):
            self._piece(_TEXT, "text", text)
        if text := delta.get("refusal"):
            self._piece(("refusal", None), "refusal", text)
        for call in _dicts(delta.get("tool_calls")):
            self._call(call)
        return self._steps

    def continued(self, text: str) -> Block | None:
        """The block of text that goes on with this; None if it has to begin: short for `take`, which most deltas need not."""
        if self._key != _TEXT:
            return None
        own = self.blocks[-1]
        own.pieces.append(text)
        return own

    def finish(self) -> list[Step]:
        """The stream is over: what waited, and the end of the last block."""
        self._steps = []
        while self._waiting:
            self._begin_next()
        self._end()
        return self._steps

    def _thought(self, part: Wire) -> None:
        index = part.get("index")
        if part.get("type") == "redacted_thinking":
            self._piece(
                ("sealed", len(self.blocks) + len(self._waiting)), "sealed", part.get("data")
            )
            return
        key: _Key = ("thought", index if isinstance(index, int) else 0)
        self._piece(key, "thought", part.get("thinking"))
        signature = part.get("signature")
        if isinstance(signature, str) and signature:
            self._sign(key, signature)

    def _sign(self, key: _Key, signature: str) -> None:
        if key != self._key and key not in self._waiting:
            self._enter(key, Block("thought"))
        if waiting := self._waiting.get(key):
            waiting.signature = signature
            return
        own = self.blocks[-1]
        own.signature = signature
        self._steps.append(("signed", own, signature))

    def _call(self, call: Wire) -> None:
        index = call.get("index")
        key: _Key = ("call", index if isinstance(index, int) else 0)
        kind: Kind = "custom" if isinstance(call.get("custom"), dict) else "call"
        given = call.get("custom") if kind == "custom" else call.get("function")
        told = given if isinstance(given, dict) else {}
        if key != self._key and key not in self._waiting and key not in self._closed:
            own = Block(kind, identity=_text(call.get("id")), name=_text(told.get("name")))
            self._enter(key, own)
        self._piece(key, kind, told.get("input" if kind == "custom" else "arguments"))

    def _piece(self, key: _Key, kind: Kind, text: object) -> None:
        if not isinstance(text, str) or not text:
            return
        if key == self._key:
            own = self.blocks[-1]
            own.pieces.append(text)
            self._steps.append(("more", own, text))
        elif waiting := self._waiting.get(key):
            waiting.pieces.append(text)
            self._advance()
        elif key not in self._closed:
            self._enter(key, Block(kind, [text]))

    def _enter(self, key: _Key, block: Block) -> None:
        self._waiting[key] = block
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self._is_over():
            self._begin_next()

    def _is_over(self) -> bool:
        """Whether the block that is open may end: a call must have all of its arguments."""
        return self._key is None or self.blocks[-1].kind != "call" or _is_whole(self.blocks[-1])

    def _begin_next(self) -> None:
        self._end()
        self._key = next(iter(self._waiting))
        own = self._waiting.pop(self._key)
        own.number = len(self.blocks)
        self.blocks.append(own)
        self._steps.append(("begun", own, ""))
        if own.pieces:
            self._steps.append(("more", own, own.text))
        if own.signature:
            self._steps.append(("signed", own, own.signature))

    def _end(self) -> None:
        if self._key is None:
            return
        if self._key[0] in ("call", "sealed"):
            # A later piece with the same number would be a part of nothing. Texts may begin anew.
            self._closed.add(self._key)
        self._key = None
        self._steps.append(("ended", self.blocks[-1], ""))


def _is_whole(call: Block) -> bool:
    if not call.pieces or not call.pieces[-1].rstrip().endswith("}"):
        return False
    try:
        return isinstance(jsonbytes.loads(call.text.encode(errors="replace")), dict)
    except ValueError:
        return False


def arguments_of(call: Block) -> Wire:
    """The arguments of a call as an object; a text that is none stands under its own name."""
    return {"input": call.text} if call.kind == "custom" else arguments_in(call.text)


def first_choice(wire: Mapping[str, Any]) -> Wire:
    """The answer of a reply, or what a chunk adds to it: these APIs have one. Empty where there is none."""
    choices = wire.get("choices")
    if not isinstance(choices, list):
        return {}
    for choice in choices:
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return {}


def plain_text(choice: Wire) -> str | None:
    """The text of a delta that brings nothing else, as most do; None of any other."""
    delta = choice.get("delta")
    if not isinstance(delta, dict) or len(delta) != 1 or choice.get("finish_reason"):
        return None
    text = delta.get("content")
    return text if isinstance(text, str) else None


def beside(message: Mapping[str, Any], name: str) -> object:
    """What a provider has put beside a message under a name of its own; None if it has not."""
    fields = message.get("provider_specific_fields")
    return fields.get(name) if isinstance(fields, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(rows: object) -> Sequence[Wire]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else ()
