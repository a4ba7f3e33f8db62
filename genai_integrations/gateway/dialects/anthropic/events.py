"""A stream of chunks as the events of Anthropic's.

Source: platform.claude.com, "Streaming messages".
"""

from __future__ import annotations

from collections.abc import Mapping

from genai_integrations.apis.said import Block, Pieces, Step, first_choice, plain_text
from genai_integrations.calls.extras import USUAL, StreamedExtras
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError
from genai_integrations.gateway.dialects.anthropic.failures import failure
from genai_integrations.gateway.dialects.anthropic.replies import (
    head_of,
    opening_of,
    sealed_in,
    stop_reason,
    usage_of,
)
from genai_integrations.runtime import jsonbytes

_SAYING = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"%b","%b":%b}}\n\n'
)
_DELTAS: Mapping[str, tuple[bytes, bytes]] = {
    "call": (b"input_json_delta", b"partial_json"),
    "custom": (b"input_json_delta", b"partial_json"),
    "refusal": (b"text_delta", b"text"),
    "text": (b"text_delta", b"text"),
    "thought": (b"thinking_delta", b"thinking"),
}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def event(kind: str, fields: Mapping[str, object]) -> bytes:
    """One event, named twice as the API does."""
    data = jsonbytes.dumps({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


class MessageWriter:
    """Writes the events of one message.

    Args:
        model: The name that was asked for, where the chunks have none.
        thinks: Whether the caller asked for thinking.
    """

    __slots__ = ("_choice", "_extras", "_is_begun", "_model", "_next", "_numbers",
                 "_pieces", "_thinks", "_usage")  # fmt: skip

    def __init__(self, model: str, *, thinks: bool) -> None:
        self._model = model
        self._thinks = thinks
        self._pieces = Pieces()
        self._extras = StreamedExtras()
        self._is_begun = False
        self._choice: Wire = {}
        self._usage: object = None
        self._numbers: dict[int, int] = {}
        self._next = 0

    def take(self, chunk: Wire) -> bytes:
        """The events that a chunk stands for; empty for one that only tells the end."""
        written = b"" if self._is_begun else self._begin(chunk)
        if usage := chunk.get("usage"):
            self._usage = usage
        choice = first_choice(chunk)
        if not choice:
            return written
        text = plain_text(choice)
        if text and (own := self._pieces.continued(text)):
            return self._more(own, text)
        if choice.get("finish_reason"):
            self._choice = {name: value for name, value in choice.items() if name != "delta"}
        delta = choice.get("delta")
        if not delta:
            return written
        if not USUAL.issuperset(delta):
            self._extras.add(delta)
        return written + self._written(self._pieces.take(delta))

    def finish(self, beside: Mapping[str, object]) -> bytes:
        """The events of the end.

        Args:
            beside: What the last of them has beside its own fields.
        """
        written = b"" if self._is_begun else self._begin({})
        written += self._written(self._pieces.finish())
        if self._thinks:
            for block in sealed_in(self._extras.wire({})):
                written += self._whole(block)
        called = any(block.kind in ("call", "custom") for block in self._pieces.blocks)
        end = {"stop_reason": stop_reason(self._choice, calls=called), "stop_sequence": None}
        last = {"delta": end, "usage": usage_of(self._usage), **beside}
        written += event("message_delta", last)
        return written + event("message_stop", {})

    def broken(self, error: GenAIError, relayed: int) -> bytes:  # noqa: ARG002  its events have no numbers
        """The event of a stream that broke."""
        return event("error", {"error": failure(error)[1]["error"]})

    def _begin(self, chunk: Wire) -> bytes:
        self._is_begun = True
        message = {
            **head_of(chunk, self._model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(chunk.get("usage")),
        }
        return event("message_start", {"message": message}) + PING

    def _written(self, steps: list[Step]) -> bytes:
        return b"".join(
            self._step(change, block, text)
            for change, block, text in steps
            if self._thinks or block.kind not in ("thought", "sealed")
        )

    def _step(self, change: str, block: Block, text: str) -> bytes:
        if change == "more":
            return self._more(block, text)
        if change == "begun":
            number = self._numbers[block.number] = self._next
            self._next += 1
            return event(
                "content_block_start", {"index": number, "content_block": opening_of(block)}
            )
        number = self._numbers[block.number]
        if change == "ended":
            return event("content_block_stop", {"index": number})
        delta = {"type": "signature_delta", "signature": text}
        return event("content_block_delta", {"index": number, "delta": delta})

    def _more(self, block: Block, text: str) -> bytes:
        if block.kind == "sealed":
            return b""  # it begins whole
        kind, name = _DELTAS[block.kind]
        number = self._numbers[block.number]
        return _SAYING % (number, kind, name, jsonbytes.dumps(text))

    def _whole(self, block: Wire) -> bytes:
        number, self._next = self._next, self._next + 1
        begun = event("content_block_start", {"index": number, "content_block": block})
        return begun + event("content_block_stop", {"index": number})
