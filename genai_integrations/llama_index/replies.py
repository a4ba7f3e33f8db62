"""Replies and chunks as LlamaIndex responses."""

from __future__ import annotations

import base64
from collections.abc import KeysView, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CitationBlock,
    CompletionResponse,
    ContentBlock,
    ImageBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic_core import SchemaSerializer, core_schema

from genai_integrations.calls.extras import StreamedExtras, extras_of
from genai_integrations.calls.reply import Chunk, Reply
from genai_integrations.calls.route import Route
from genai_integrations.calls.tool_calls import function_of

Wire = dict[str, Any]

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class RawReply(Reply):
    """A reply or a chunk as `response.raw`.

    Args:
        wire: As it came.
        route: Every attempt; of a stream complete when the stream is.
        whole: Whether the answer is there to its end.
    """

    __slots__ = ("whole",)

    # Handlers dump events as JSON, and pydantic asks a value it does not know for this.
    __pydantic_serializer__ = SchemaSerializer(
        core_schema.any_schema(
            serialization=core_schema.plain_serializer_function_ser_schema(lambda raw: raw.wire)
        )
    )

    def __init__(self, wire: Wire, route: Route, *, whole: bool) -> None:
        # Set here and not by the two constructors above: this runs for every chunk.
        self.wire = wire
        self.route = route
        self.whole = whole

    def keys(self) -> KeysView[str]:
        """The names in it; with them `dict(raw)` works, which LlamaIndex's token counter relies on."""
        return self.wire.keys()


def chat_response(reply: Reply) -> ChatResponse:
    """A whole reply."""
    wire = reply.wire
    message: Wire = wire["choices"][0].get("message") or {}
    usage = wire.get("usage")
    calls = message.get("tool_calls") or ()
    text = message.get("content") or _transcript(message) or ""
    blocks: list[ContentBlock] = []
    if thought := thought_in(message, usage):
        blocks.append(thought)
    if text or not calls:
        blocks.append(TextBlock(text=text))
    blocks += [_call_block(call) for call in calls]
    blocks += _media(message, text)
    return ChatResponse(
        message=ChatMessage(
            role=MessageRole.ASSISTANT,
            blocks=blocks,
            additional_kwargs={**_extra(message, calls), **extras_of(message, wire)},
        ),
        raw=RawReply(wire, reply.route, whole=True),
        logprobs=_logprobs(wire["choices"][0]),
        additional_kwargs=counts(usage),
    )


def completion_response(response: ChatResponse) -> CompletionResponse:
    """The same answer for `complete`."""
    return CompletionResponse(
        text=response.message.content or "",
        delta=response.delta,
        raw=response.raw,
        logprobs=response.logprobs,
        additional_kwargs={**response.message.additional_kwargs, **response.additional_kwargs},
    )


def counts(usage: Wire | None) -> dict[str, Any]:
    """Token counts where LlamaIndex's own counter looks for them."""
    return {name: usage[name] for name in _COUNTS if name in usage} if usage else {}


class Growing:
    """An answer that grows chunk by chunk; what was handed out before never changes.

    Args:
        route: Of the stream.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._begin()

    def _begin(self) -> None:
        self._number: int | None = None
        self._whole = False
        self._is_rich = False
        self._text = ""
        self._thoughts = _Thoughts()
        self._calls = _Calls()
        self._media: list[ContentBlock] = []
        self._refusal = ""
        self._extras = StreamedExtras()
        self._kept: Wire = {}

    def add(self, chunk: Chunk) -> ChatResponse:
        """Take in a chunk and return the answer as far as it is known."""
        wire = chunk.wire
        choices = wire.get("choices")
        delta: Wire = {}
        if choices:
            choice = choices[0]
            if self._number is None:
                self._number = choice.get("index") or 0
            if self._number == (choice.get("index") or 0):  # of several answers, the first
                delta = choice.get("delta") or delta
                self._whole = self._whole or bool(choice.get("finish_reason"))
        elif "restarted" in wire:
            # The stream broke, and what it had said is to be forgotten.
            self._begin()
        text = delta.get("content") or ""
        self._text += text
        extra: Wire = {}
        if len(delta) > 1 or not text:
            text += self._beside_text(delta, extra)
        if usage := wire.get("usage"):
            extra |= counts(usage)
            self._thoughts.count(usage)
        if "restarted" in wire:
            extra["restarted"] = True
        blocks = self._blocks() if self._is_rich else [TextBlock(text=self._text)]
        return ChatResponse(
            message=ChatMessage(
                role=MessageRole.ASSISTANT,
                blocks=blocks,
                additional_kwargs=self._additional(wire),
            ),
            delta=text,
            raw=RawReply(wire, self._route, whole=self._whole),
            additional_kwargs=extra,
        )

    def _additional(self, wire: Wire) -> Wire:
        """What is beside the blocks."""
        if self._whole:
            self._kept = self._extras.wire(wire) or self._kept
            if self._refusal:
                self._kept = {"refusal": self._refusal, **self._kept}
        return {**self._calls.extra(), **self._kept} if self._is_rich or self._kept else {}

    def _beside_text(self, delta: Wire, extra: Wire) -> str:
        """Take in what most chunks do not have; return the words of a spoken answer."""
        self._extras.add(delta)
        self._refusal += delta.get("refusal") or ""
        reasoning = _reasoning(delta)
        if reasoning or delta.get("thinking_blocks"):
            self._thoughts.add(delta)
            extra["thinking_delta"] = reasoning
        for part in delta.get("tool_calls") or ():
            self._calls.add(part)
        said = _transcript(delta)
        self._text += said
        self._media += _media(delta, self._text)
        self._is_rich = bool(self._thoughts.block or self._calls.blocks or self._media)
        return said

    def _blocks(self) -> list[ContentBlock]:
        calls = self._calls.blocks
        blocks: list[ContentBlock] = [self._thoughts.block] if self._thoughts.block else []
        if self._text or not calls:
            blocks.append(TextBlock(text=self._text))
        return [*blocks, *calls, *self._media] if calls or self._media else blocks


class _Thoughts:
    """What a model thinks, as it comes."""

    def __init__(self) -> None:
        self.block: ThinkingBlock | None = None
        self._whole: Wire = {}

    def add(self, delta: Wire) -> None:
        for name in _REASONING:
            if delta.get(name):
                self._whole[name] = self._whole.get(name, "") + delta[name]
        for part in delta.get("thinking_blocks") or ():
            self._sign(part)
        self.block = thought_in(self._whole, None)

    def count(self, usage: Wire) -> None:
        if self.block:
            self.block = thought_in(self._whole, usage)

    def _sign(self, part: Wire) -> None:
        signed: list[Wire] = self._whole.get("thinking_blocks") or []
        last = signed[-1] if signed else {}
        if (
            part.get("type") != "thinking"
            or last.get("type") != "thinking"
            or last.get("signature")
        ):
            self._whole["thinking_blocks"] = [*signed, dict(part)]
            return
        thinking = (last.get("thinking") or "") + (part.get("thinking") or "")
        self._whole["thinking_blocks"] = [*signed[:-1], {**last, **part, "thinking": thinking}]


class _Calls:
    """Tool calls, as they come: several at once, each in fragments."""

    def __init__(self) -> None:
        self.blocks: list[ToolCallBlock] = []
        self._calls: list[Wire] = []
        self._places: dict[Any, int] = {}

    def add(self, part: Wire) -> None:
        at = self._place(part)
        known = self._calls[at]
        function = function_of(part)
        before = known["function"]
        name = function.get("name") or ""
        grown = {
            **known,
            **{key: value for key, value in part.items() if value is not None and key != "index"},
            "function": {
                "name": before["name"] + name if name != before["name"] else name,
                "arguments": before["arguments"] + (function.get("arguments") or ""),
            },
        }
        self._calls = [*self._calls[:at], grown, *self._calls[at + 1 :]]
        self.blocks = [*self.blocks[:at], _call_block(grown), *self.blocks[at + 1 :]]

    def _place(self, part: Wire) -> int:
        """Where the call is; servers that number all calls 0 tell them apart by their ids."""
        index = part.get("index") or 0
        at = self._places.get(index)
        if at is not None:
            known, given = self._calls[at]["id"], part.get("id")
            if not known or not given or known == given:
                return at
        self._places[index] = len(self._calls)
        self._calls = [*self._calls, {"id": None, "type": "function", "function": _EMPTY}]
        return self._places[index]

    def extra(self) -> Wire:
        return {"tool_calls": self._calls} if self._calls else {}


_EMPTY: Mapping[str, str] = {"name": "", "arguments": ""}


_REASONING = ("reasoning_content", "reasoning")
"""Names that servers give what a model thinks, the one to prefer first."""


def _reasoning(message: Wire) -> str:
    return next((message[name] for name in _REASONING if message.get(name)), "")


def thought_in(message: Wire, usage: Wire | None) -> ThinkingBlock | None:
    """The block of what was thought, with what its provider wants back of it later."""
    text, parts = _reasoning(message), message.get("thinking_blocks") or ()
    signed = [part for part in parts if part.get("signature") or part.get("data")]
    if not text and not signed:
        return None
    details = (usage or {}).get("completion_tokens_details") or {}
    information: Wire = {}
    if signed:
        information["thinking_blocks"] = signed
    elif message.get("reasoning_content") and not message.get("reasoning"):
        # Servers with the other name refuse this one, so the block has to tell which one it was.
        information["reasoning_content"] = text
    return ThinkingBlock(
        content=text,
        num_tokens=details.get("reasoning_tokens") or None,
        additional_information=information,
    )


def _logprobs(choice: Wire) -> list[list[LogProb]] | None:
    """The likeliest tokens at each place, as LlamaIndex's own class for OpenAI has them."""
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not tokens:
        return None
    likeliest = [token.get("top_logprobs") for token in tokens]
    return [[_logprob(row) for row in rows] for rows in likeliest if rows]


def _logprob(row: Wire) -> LogProb:
    return LogProb(token=row["token"], logprob=row["logprob"], bytes=row.get("bytes") or [])


def _call_block(call: Wire) -> ToolCallBlock:
    function = function_of(call)
    return ToolCallBlock(
        tool_call_id=call.get("id"),
        tool_name=function.get("name") or "",
        tool_kwargs=function.get("arguments") or "{}",
    )


def _extra(message: Wire, calls: Sequence[Wire]) -> Wire:
    """What other parts of LlamaIndex read from a message beside its blocks."""
    extra: Wire = {"tool_calls": list(calls)} if calls else {}
    if message.get("refusal"):
        extra["refusal"] = message["refusal"]
    return extra


def _transcript(message: Wire) -> str:
    audio = message.get("audio")
    return (audio.get("transcript") or "") if isinstance(audio, dict) else ""


def _media(message: Wire, text: str) -> list[ContentBlock]:
    """Pictures, sound and citations of an answer."""
    images = message.get("images") or ()
    blocks: list[ContentBlock] = [_image(image["image_url"]["url"]) for image in images]
    audio = message.get("audio")
    if isinstance(audio, dict) and audio.get("data"):
        blocks.append(AudioBlock(audio=base64.b64decode(audio["data"]), format=audio.get("format")))
    notes = [row.get("url_citation") for row in message.get("annotations") or ()]
    return [*blocks, *(_citation(note, text) for note in notes if note)]


def _image(url: str) -> ImageBlock:
    head, inline, data = url.partition(";base64,")
    if not inline:
        return ImageBlock(url=url)
    return ImageBlock(image=data.encode(), image_mimetype=head.removeprefix("data:"))


def _citation(note: Wire, text: str) -> CitationBlock:
    place: dict[str, int] = {
        name: note[name] for name in ("start_index", "end_index") if name in note
    }
    cited = text[place.get("start_index", 0) : place.get("end_index", 0)]
    return CitationBlock(
        cited_content=TextBlock(text=cited),
        source=note.get("url") or "",
        title=note.get("title") or "",
        additional_location_info=place,
    )
