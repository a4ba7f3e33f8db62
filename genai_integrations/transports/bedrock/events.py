"""The events of ConverseStream as chunks in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.bedrock.messages import given_names
from genai_integrations.transports.bedrock.replies import annotation_of, ending, head

_NO_DELTA: Wire = {}
_NOTHING: tuple[Wire, ...] = ()


class ConverseEvents:
    """One answer. It is whole with `messageStop` and its `metadata`, which has the usage, or if it ends without that.

    Args:
        call: What was asked.
    """

    __slots__ = (
        *("_call", "_calls", "_begun_at", "_block", "_fields", "_has_stopped", "_head", "_images"),
        *("_length", "_metadata", "_role", "_unsaid", "ended"),
    )

    def __init__(self, call: WireCall) -> None:
        self.ended = False
        self._call = call
        self._images: dict[object, str] = {}
        self._head = head(call, "chat.completion.chunk")
        self._role = "assistant"
        self._calls: dict[object, int | None] = {}
        self._unsaid: set[object] = set()
        self._has_stopped = False
        self._fields: object = None
        self._metadata: Wire | None = None
        self._length = 0
        # Where the text of a block begins, for what is cited in it.
        self._block: object = None
        self._begun_at = 0

    def take(self, event: Wire) -> Iterable[Wire]:
        """The chunks that an event stands for.

        Raises:
            InvalidReplyError: It is none of Converse.
        """
        for name, told in event.items():
            if not isinstance(told, dict):
                break
            if name == "contentBlockDelta":
                # Most events are text: this is what happens for each token.
                delta, index = told.get("delta") or _NO_DELTA, told.get("contentBlockIndex")
                text = delta.get("text")
                if type(text) is str:
                    if index != self._block:
                        self._block, self._begun_at = index, self._length
                    self._length += len(text)
                    if self._role:
                        return (self._chunk({"content": text}),)
                    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
                    return ({**self._head, "choices": [choice]},)
                return self._delta(index, delta)
            return self._other(name, told)
        raise InvalidReplyError("the stream has an event that is not one of Converse's")

    def finish(self) -> Iterable[Wire]:
        """The body is over: without `metadata`, the usage is not known."""
        self.ended = self.ended or self._has_stopped
        return _NOTHING

    def _chunk(self, delta: Wire, finish: object = None) -> Wire:
        if self._role:
            # With the first content, and not before it as a chunk of its own.
            delta = {"role": self._role, **delta}
            self._role = ""
        return {
            **self._head,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    def _other(self, name: str, told: Wire) -> Iterable[Wire]:
        match name:
            case "contentBlockStart":
                return self._block_begun(told)
            case "contentBlockStop":
                return self._block_ended(told)
            case "messageStop":
                return self._stopped(told)
            case "metadata":
                return self._closed(told)
        # `messageStart` says nothing new; newer kinds are passed over, as AWS's own clients do.
        return _NOTHING

    def _block_begun(self, told: Wire) -> Iterable[Wire]:
        index = told.get("contentBlockIndex")
        match told.get("start"):
            case {"toolUse": {"type": "server_tool_use"} as use}:
                # The provider calls it itself, and its pieces are nobody else's concern.
                self._calls[index] = None
                return (self._chunk(_own("server_tools", {"toolUse": use})),)
            case {"toolUse": dict(use)}:
                number = sum(known is not None for known in self._calls.values())
                self._calls[index] = number
                self._unsaid.add(index)
                name = use.get("name")
                name = given_names(self._call).get(str(name), name)
                function = {"name": name, "arguments": ""}
                call = {"index": number, "id": use.get("toolUseId"), "type": "function"}
                return (self._chunk({"tool_calls": [{**call, "function": function}]}),)
            case {"reasoningContent": dict(thought)}:
                return self._thought(thought)
            case {"image": {"format": str(form)}}:
                self._images[index] = form
        return _NOTHING

    def _delta(self, index: object, delta: Mapping[str, Any]) -> Iterable[Wire]:
        match delta:
            case {"toolUse": {"input": str(text)}}:
                number = self._calls.get(index)
                if number is None or not text:
                    return _NOTHING
                self._unsaid.discard(index)
                piece = {"index": number, "function": {"arguments": text}}
                return (self._chunk({"tool_calls": [piece]}),)
            case {"reasoningContent": dict(thought)}:
                return self._thought(thought)
        return self._beside(index, delta)

    def _beside(self, index: object, delta: Mapping[str, Any]) -> Iterable[Wire]:
        """What is neither text nor a thought nor a call of the caller's tools."""
        match delta:
            case {"citation": dict(citation)}:
                start = self._begun_at if index == self._block else self._length
                note = annotation_of(citation, start, self._length)
                return (self._chunk({"annotations": [note], **_own("citations", citation)}),)
            case {"image": {"source": {"bytes": str(data)}}}:
                url = f"data:image/{self._images.get(index, 'png')};base64,{data}"
                image = {"type": "image_url", "image_url": {"url": url}}
                return (self._chunk({"images": [image]}),)
            case {"toolResult": list(pieces)}:
                return (self._chunk(_own("server_tools", {"toolResult": pieces})),)
        return _NOTHING

    def _thought(self, thought: Mapping[str, Any]) -> Iterable[Wire]:
        match thought:
            case {"text": str(text)}:
                block = {"type": "thinking", "thinking": text}
                return (self._chunk({"reasoning_content": text, "thinking_blocks": [block]}),)
            case {"signature": str(signature)}:
                block = {"type": "thinking", "thinking": "", "signature": signature}
                return (self._chunk({"thinking_blocks": [block]}),)
            case {"redactedContent": str(data)}:
                block = {"type": "redacted_thinking", "data": data}
                return (self._chunk({"thinking_blocks": [block]}),)
        return _NOTHING

    def _block_ended(self, told: Wire) -> Iterable[Wire]:
        index = told.get("contentBlockIndex")
        if index not in self._unsaid:
            return _NOTHING
        # A call without arguments has an empty object, as with OpenAI.
        piece = {"index": self._calls.get(index), "function": {"arguments": "{}"}}
        return (self._chunk({"tool_calls": [piece]}),)

    def _stopped(self, told: Wire) -> Iterable[Wire]:
        self._has_stopped = True
        self._fields = told.get("additionalModelResponseFields")
        return (self._chunk({}, told.get("stopReason")), *self._closed(self._metadata))

    def _closed(self, told: Wire | None) -> Iterable[Wire]:
        """The usage, behind the reason for the end even if a gateway sent it before."""
        if told is None or not self._has_stopped:
            self._metadata = told
            return _NOTHING
        self.ended = True
        told = {**told, "additionalModelResponseFields": self._fields}
        return ({**self._head, "choices": [], **ending(told, self._call)},)


def _own(name: str, value: object) -> Wire:
    return {"provider_specific_fields": {name: [value]}}
