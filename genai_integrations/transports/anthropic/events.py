"""The events of Anthropic's stream as chunks in OpenAI's shape.

Source: platform.claude.com, "Streaming messages".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.anthropic.forms import ANSWER, is_answered_by_tool
from genai_integrations.transports.anthropic.replies import (
    CONTENT,
    annotations_of,
    check_said,
    cited_in,
    fields_of,
    finish_of,
    head_of,
    needs_whole,
)
from genai_integrations.transports.anthropic.tools import ToolNames
from genai_integrations.transports.anthropic.usage import usage_of

_THOUGHTS = ("thinking", "redacted_thinking")


class _Block:
    """One block of content, as far as it came.

    Attributes:
        block: As it began.
        kind: Its type.
        pieces: Of its text, thinking or input.
        index: The number of a thought, or of a call.
        start: Where in the whole answer its text begins.
        is_answer: It is a call that stands for the answer.
    """

    __slots__ = ("block", "index", "is_answer", "kind", "pieces", "start")

    def __init__(self, block: Wire, start: int) -> None:
        self.block = block
        self.kind = block.get("type")
        self.pieces: list[str] = []
        self.index = 0
        self.start = start
        self.is_answer = False

    def whole(self) -> Wire:
        """As a whole message would have it."""
        text = "".join(self.pieces)
        if self.kind in ("text", "thinking"):
            return {**self.block, self.kind: (self.block.get(self.kind) or "") + text}
        return {**self.block, "input": _input(text)} if text else self.block


class MessageEvents:
    """The events of one stream. See `dialect.Events`.

    Args:
        call: What was asked.
    """

    __slots__ = ("_blocks", "_call", "_calls", "_head", "_is_told", "_length", "_names",
                 "_open", "_role", "_thoughts", "_usage", "ended")  # fmt: skip

    def __init__(self, call: WireCall) -> None:
        self.ended = False
        self._call = call
        self._names = ToolNames(call.body.get("tools"))
        self._head = head_of({}, "chat.completion.chunk")
        self._role: Wire = {"role": "assistant"}
        self._blocks: list[_Block] = []
        self._open: dict[object, _Block] = {}
        self._usage: Wire = {}
        self._calls = self._thoughts = self._length = 0
        self._is_told = False

    def take(self, event: Wire) -> Iterable[Wire]:
        """The chunks of an event; of one that is not known, none: the API may have new ones any day.

        Raises:
            ContentFilteredError: The model refuses, without a word of an answer.
            InvalidReplyError: It is no event of Anthropic's, or ends an answer of nothing.
        """
        kind = event.get("type")
        if not isinstance(kind, str):
            raise InvalidReplyError("an event of the stream is not one of Anthropic's")
        handle = self._HANDLERS.get(kind)
        return () if handle is None else handle(self, event)

    def finish(self) -> Iterable[Wire]:
        """The answer is whole where its end was told, though the last event is missing."""
        self.ended = self.ended or self._is_told
        return ()

    def _chunk(self, delta: Wire, reason: object = None) -> Wire:
        if self._role:
            delta, self._role = {**self._role, **delta}, {}
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {**self._head, "choices": [choice]}

    def _message_start(self, event: Wire) -> Iterable[Wire]:
        message = _dict(event.get("message"))
        self._head = head_of(message, "chat.completion.chunk")
        self._usage = _dict(message.get("usage"))
        if not self._usage:
            return ()
        # What came in is paid for, whether or not the answer comes to its end.
        return ({**self._head, "choices": [], "usage": usage_of(self._usage)},)

    def _block_start(self, event: Wire) -> Iterable[Wire]:
        own = _Block(_dict(event.get("content_block")), self._length)
        self._blocks.append(own)
        self._open[event.get("index")] = own
        if own.kind == "tool_use":
            return self._call_start(own)
        if own.kind in _THOUGHTS:
            own.index, self._thoughts = self._thoughts, self._thoughts + 1
            if own.kind == "redacted_thinking":
                return (self._chunk({"thinking_blocks": [{**own.block, "index": own.index}]}),)
            return self._thinking(own, own.block.get("thinking"), keep=False)
        text = own.block.get("text") if own.kind == "text" else None
        if text:
            self._length += len(text)
            return (self._chunk({"content": text}),)
        return ()

    def _call_start(self, own: _Block) -> Iterable[Wire]:
        name = str(own.block.get("name"))
        if name == ANSWER and is_answered_by_tool(self._call.body):
            own.is_answer = True
            return ()
        own.index, self._calls = self._calls, self._calls + 1
        function = {"name": self._names.given(name), "arguments": ""}
        call = {
            "index": own.index,
            "id": own.block.get("id"),
            "type": "function",
            "function": function,
        }
        return (self._chunk({"tool_calls": [call]}),)

    def _block_delta(self, event: Wire) -> Iterable[Wire]:
        delta, own = event.get("delta"), self._open.get(event.get("index"))
        if own is None or not isinstance(delta, dict):
            return ()
        kind = delta.get("type")
        if kind == "text_delta":
            text = delta.get("text") or ""
            own.pieces.append(text)
            self._length += len(text)
            return (self._chunk({"content": text}),)
        if kind == "input_json_delta":
            return self._input(own, delta.get("partial_json"))
        if kind == "thinking_delta":
            return self._thinking(own, delta.get("thinking"))
        if kind == "signature_delta":
            return self._signature(own, delta.get("signature"))
        if kind == "citations_delta":
            cited = own.block.get("citations") or []
            own.block = {**own.block, "citations": [*cited, delta.get("citation")]}
        else:
            # Such as `compaction_delta`: what fills a block of that kind.
            own.block = {**own.block, **{name: delta[name] for name in delta if name != "type"}}
        return ()

    def _input(self, own: _Block, text: object) -> Iterable[Wire]:
        if not isinstance(text, str) or not text:
            return ()
        own.pieces.append(text)
        if own.is_answer:
            self._length += len(text)
            return (self._chunk({"content": text}),)
        if own.kind != "tool_use":
            return ()
        return (
            self._chunk({"tool_calls": [{"index": own.index, "function": {"arguments": text}}]}),
        )

    def _thinking(self, own: _Block, text: object, *, keep: bool = True) -> Iterable[Wire]:
        if not isinstance(text, str) or not text:
            return ()
        if keep:
            own.pieces.append(text)
        part = {"type": "thinking", "thinking": text, "index": own.index}
        return (self._chunk({"reasoning_content": text, "thinking_blocks": [part]}),)

    def _signature(self, own: _Block, signature: object) -> Iterable[Wire]:
        own.block = {**own.block, "signature": signature}
        part = {"type": "thinking", "thinking": "", "signature": signature, "index": own.index}
        return (self._chunk({"thinking_blocks": [part]}),)

    def _block_stop(self, event: Wire) -> Iterable[Wire]:
        own = self._open.pop(event.get("index"), None)
        if own is None:
            return ()
        if own.kind == "tool_use" and not own.pieces:
            # A call without arguments has an empty object; servers that copied the API begin with them all.
            return self._input(own, json.dumps(own.block.get("input") or {}, ensure_ascii=False))
        if own.block.get("citations"):
            block = own.whole()
            delta: Wire = {"provider_specific_fields": {"citations": [cited_in(block)]}}
            if notes := annotations_of(block, own.start):
                delta["annotations"] = notes
            return (self._chunk(delta),)
        return ()

    def _message_delta(self, event: Wire) -> Iterable[Wire]:
        said = _dict(event.get("delta"))
        counts = _dict(event.get("usage")).items()
        self._usage = {**self._usage, **{name: n for name, n in counts if n is not None}}
        usage = {"usage": usage_of(self._usage)} if self._usage else {}
        reason = said.get("stop_reason")
        if not reason:
            return ({**self._head, "choices": [], **usage},)
        self._is_told = True
        if not (self._length or self._calls or self._thoughts):
            self._check_said(reason, said)
        kept = fields_of({**event, **said})
        blocks = [own.whole() for own in self._blocks]
        if needs_whole(blocks):
            kept[CONTENT] = blocks
        delta: Wire = {"provider_specific_fields": kept} if kept else {}
        finish = finish_of(reason, {"tool_calls": self._calls}, self._call)
        return ({**self._chunk(delta, finish), **usage},)

    def _check_said(self, reason: object, said: Wire) -> None:
        """Blocks without a word are an answer, if one that only Anthropic's own tools have a part in."""
        if all(own.kind in ("text", "tool_use") for own in self._blocks):
            check_said(reason, said.get("stop_details"), self._usage)

    def _message_stop(self, event: Wire) -> Iterable[Wire]:  # noqa: ARG002  it says no more
        self.ended = True
        return ()

    _HANDLERS: ClassVar[Mapping[str, Callable[[MessageEvents, Wire], Iterable[Wire]]]] = {
        "content_block_delta": _block_delta,
        "content_block_start": _block_start,
        "content_block_stop": _block_stop,
        "message_delta": _message_delta,
        "message_start": _message_start,
        "message_stop": _message_stop,
    }


def _dict(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def _input(text: str) -> Any:
    """The input of a call that was cut short is no JSON."""
    try:
        return jsonbytes.loads(text.encode())
    except ValueError:
        return {}
