"""A stream of chunks as the events of a response.

Source: OpenAI, "API reference", "Streaming events".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.apis.carried import kept_of
from genai_integrations.apis.responses.replies import (
    ended,
    head_of,
    item_id,
    item_of,
    part_of,
    sealed_item,
)
from genai_integrations.apis.said import Block, Pieces, Step, first_choice, plain_text
from genai_integrations.apis.said import beside as said_beside
from genai_integrations.calls.extras import USUAL, StreamedExtras
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.openai.responses.output import KEPT

_SAYING = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":%d,'
    b'"item_id":%b,"output_index":%d,"content_index":0,"delta":%b,"logprobs":[]}\n\n'
)
_FAILED = "server_error"
_DELTAS: Mapping[str, str] = {
    "call": "response.function_call_arguments",
    "custom": "response.custom_tool_call_input",
    "refusal": "response.refusal",
    "text": "response.output_text",
    "thought": "response.reasoning_summary_text",
}
_WHOLE: Mapping[str, str] = {
    "call": "arguments",
    "custom": "input",
    "refusal": "refusal",
    "text": "text",
    "thought": "text",
}
"""What the event that ends a text calls it."""


class ResponseWriter:
    """Writes the events of one response.

    Args:
        body: What was asked, as the caller wrote it.
    """

    __slots__ = ("_body", "_extras", "_finish", "_head", "_items", "_next", "_numbers", "_pieces",
                 "_sequence", "_usage")  # fmt: skip

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._pieces = Pieces()
        self._extras = StreamedExtras()
        self._head: Wire = {}
        self._items: list[Wire] = []
        self._numbers: dict[int, int] = {}
        self._next = 0
        self._sequence = 0
        self._finish: object = None
        self._usage: object = None

    def take(self, chunk: Wire) -> bytes:
        """The events that a chunk stands for; empty for one that only tells the end."""
        written = b"" if self._head else self._begin(chunk)
        if usage := chunk.get("usage"):
            self._usage = usage
        choice = first_choice(chunk)
        text = plain_text(choice)
        if text and not choice.get("logprobs") and (own := self._pieces.continued(text)):
            return self._text(own, text)
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta")
        if not delta:
            return written
        if not USUAL.issuperset(delta):
            self._extras.add(delta)
        return written + self._written(self._pieces.take(delta), choice)

    def finish(self, beside: Mapping[str, object]) -> bytes:
        """The events of the end.

        Args:
            beside: What the whole response has beside its own fields.
        """
        written = b"" if self._head else self._begin({})
        written += self._written(self._pieces.finish(), {})
        message = self._extras.wire({})
        if kept := kept_of(message):
            written += self._sealed(kept)
        whole = said_beside(message, KEPT)
        output = whole if isinstance(whole, list) else self._items
        response = {**ended(self._head, output, self._finish, self._usage), **beside}
        return written + self._event(f"response.{response['status']}", {"response": response})

    def broken(self, error: GenAIError, relayed: int) -> bytes:
        """The event of a stream that broke: a response that failed, or behind events of others a bare error.

        Args:
            error: Why.
            relayed: How many events of others came before it.
        """
        message = error.recorded()
        if relayed:
            self._sequence = relayed
            return self._event("error", {"code": _FAILED, "message": message, "param": None})
        written = b"" if self._head else self._begin({})
        told = {"code": _FAILED, "message": message}
        response = {**self._head, "status": "failed", "error": told, "output": self._items}
        return written + self._event("response.failed", {"response": response})

    def _begin(self, chunk: Wire) -> bytes:
        self._head = head_of(chunk, self._body)
        begun = {"response": self._head}
        return self._event("response.created", begun) + self._event("response.in_progress", begun)

    def _written(self, steps: list[Step], choice: Wire) -> bytes:
        written = b""
        for change, block, text in steps:
            if change == "signed" or (change == "more" and block.kind == "sealed"):
                continue  # told with the whole item
            if change == "more":
                written += self._more(block, text, choice)
            elif change == "begun":
                written += self._opened(block)
            else:
                written += self._closed(block)
        return written

    def _place(self, block: Block) -> Wire:
        number = self._numbers[block.number]
        return {"item_id": item_id(block, self._head["id"]), "output_index": number}

    def _opened(self, block: Block) -> bytes:
        number = self._numbers[block.number] = self._next
        self._next += 1
        empty = Block(block.kind, [], block.identity, block.name, number=block.number)
        item = item_of(empty, item_id(block, self._head["id"]), "in_progress")
        written = self._event("response.output_item.added", {"output_index": number, "item": item})
        if block.kind == "thought":
            part = {"summary_index": 0, "part": {"type": "summary_text", "text": ""}}
            return written + self._event(
                "response.reasoning_summary_part.added", {**self._place(block), **part}
            )
        if block.kind in ("text", "refusal"):
            part = {"content_index": 0, "part": part_of(block, empty=True)}
            return written + self._event(
                "response.content_part.added", {**self._place(block), **part}
            )
        return written

    def _more(self, block: Block, text: str, choice: Wire) -> bytes:
        fields = {**self._place(block), **_within(block), "delta": text}
        if block.kind == "text":
            told = choice.get("logprobs")
            fields["logprobs"] = (told or {}).get("content") or []
        return self._event(f"{_DELTAS[block.kind]}.delta", fields)

    def _text(self, block: Block, text: str) -> bytes:
        """As `_more`, of what most events are."""
        number = self._numbers[block.number]
        own = jsonbytes.dumps(item_id(block, self._head["id"]))
        self._sequence += 1
        return _SAYING % (self._sequence - 1, own, number, jsonbytes.dumps(text))

    def _closed(self, block: Block) -> bytes:
        place = self._place(block)
        item = item_of(block, place["item_id"])
        self._items.append(item)
        done = {"output_index": place["output_index"], "item": item}
        written = b"" if block.kind == "sealed" else self._told(block, place, item)
        return written + self._event("response.output_item.done", done)

    def _told(self, block: Block, place: Wire, item: Wire) -> bytes:
        """The events that end what an item says."""
        inner = _within(block)
        told: Wire = {_WHOLE[block.kind]: item.get(_WHOLE[block.kind], block.text)}
        if block.kind == "call":
            told["name"] = block.name
        if block.kind == "text":
            told["logprobs"] = []
        written = self._event(f"{_DELTAS[block.kind]}.done", {**place, **inner, **told})
        if block.kind == "thought":
            part = {"type": "summary_text", "text": block.text}
            written += self._event(
                "response.reasoning_summary_part.done", {**place, **inner, "part": part}
            )
        elif inner:
            written += self._event(
                "response.content_part.done", {**place, **inner, "part": part_of(block)}
            )
        return written

    def _sealed(self, kept: Mapping[str, object]) -> bytes:
        """The item that carries what another provider wants back, behind all others."""
        number, self._next = self._next, self._next + 1
        item = sealed_item(kept, number, self._head["id"])
        self._items.append(item)
        place = {"output_index": number, "item": item}
        added = self._event("response.output_item.added", place)
        return added + self._event("response.output_item.done", place)

    def _event(self, kind: str, fields: Wire) -> bytes:
        data = jsonbytes.dumps({"type": kind, "sequence_number": self._sequence, **fields})
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _within(block: Block) -> Wire:
    """Which part of its item a text belongs to."""
    if block.kind == "thought":
        return {"summary_index": 0}
    return {"content_index": 0} if block.kind in ("text", "refusal") else {}
