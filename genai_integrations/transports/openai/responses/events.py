"""The events of a streamed response as chunks of a chat completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.openai.responses.output import BETWEEN_THOUGHTS, dicts, said_in
from genai_integrations.transports.openai.responses.replies import (
    failure_of,
    finish_of,
    head_of,
    is_nothing,
    kept_in,
    usage_of,
)


@dataclass(slots=True)
class _Item:
    """An item of the output, as far as it was told.

    Attributes:
        start: Length of the text before it.
        told: Which parts of a delta it has brought.
        number: The call's, if it is one.
        whole: The item itself, once it has ended.
    """

    start: int
    told: set[str] = field(default_factory=set)
    number: int = 0
    whole: Wire | None = None


class _Telling:
    """What each kind of event tells. What an item said piece by piece is not said again by the events that close it."""

    def __init__(self) -> None:
        self.ended = False
        self._head: Wire = {"object": "chat.completion.chunk"}
        self._items: dict[object, _Item] = {}
        self._length = 0
        self._calls = 0
        self._is_first = True
        self._place: object = None

    def began(self, event: Wire) -> Iterable[Wire]:
        response = event.get("response")
        if isinstance(response, dict):
            self._head.update(head_of(response))
        return ()

    def text(self, event: Wire) -> Iterable[Wire]:
        text = event.get("delta")
        if not isinstance(text, str) or not text:
            return ()
        told = self._item(event).told
        told.add("content")
        self._length += len(text)
        if logprobs := event.get("logprobs"):
            told.add("logprobs")
        return (self._chunk({"content": text}, logprobs),)

    def refusal(self, event: Wire) -> Iterable[Wire]:
        text = event.get("delta")
        if not isinstance(text, str) or not text:
            return ()
        self._item(event).told.add("refusal")
        return (self._chunk({"refusal": text}),)

    def thought(self, event: Wire) -> Iterable[Wire]:
        text = event.get("delta")
        if not isinstance(text, str) or not text:
            return ()
        self._item(event).told.add("reasoning_content")
        place = (_place(event), event.get("summary_index"), event.get("content_index"))
        return (self._chunk({"reasoning_content": self._apart(text, place)}),)

    def _apart(self, text: str, place: object) -> str:
        """A piece of a thought, behind a gap if it begins another part than the last piece."""
        last, self._place = self._place, place
        return text if last in (None, place) else BETWEEN_THOUGHTS + text

    def arguments(self, event: Wire) -> Iterable[Wire]:
        text, item = event.get("delta"), self._item(event)
        if not isinstance(text, str) or not text or "tool_calls" not in item.told:
            return ()
        item.told.add("arguments")
        return (self._chunk(_more(item, text)),)

    def item_began(self, event: Wire) -> Iterable[Wire]:
        given, item = event.get("item"), self._item(event)
        if not isinstance(given, dict) or given.get("type") != "function_call":
            return ()
        if given.get("arguments"):
            # All of them, then: no event will bring them.
            item.told.add("arguments")
        return (self._chunk(self._said(given, item)),)

    def item_ended(self, event: Wire) -> Iterable[Wire]:
        given = event.get("item")
        return self._rest_of(given, self._item(event)) if isinstance(given, dict) else ()

    def _rest_of(self, given: Wire, item: _Item) -> Iterator[Wire]:
        """What an item says that no event before has said."""
        if item.whole is not None:
            return
        item.whole = given
        if "tool_calls" in item.told:
            if given.get("arguments") and "arguments" not in item.told:
                yield self._chunk(_more(item, given["arguments"]))
            return
        fresh = self._said(given, item)
        logprobs = fresh.pop("logprobs", None)
        if fresh or logprobs:
            yield self._chunk(fresh, logprobs)

    def _said(self, given: Wire, item: _Item) -> Wire:
        """What an item says and has not told yet; it counts as told."""
        said = said_in(given, item.start, self._calls)
        fresh = {name: said[name] for name in said if name not in item.told}
        item.told.update(fresh)
        if "tool_calls" in fresh:
            item.number = self._calls
            self._calls += 1
        if "reasoning_content" in fresh:
            fresh["reasoning_content"] = self._apart(fresh["reasoning_content"], item)
        self._length += len(fresh.get("content") or "")
        return fresh

    def over(self, event: Wire) -> Iterator[Wire]:
        """The end, of whatever kind. Some servers leave the output out of it, some tell all of it only here."""
        response = event.get("response")
        if not isinstance(response, dict):
            raise InvalidReplyError("the last event of the stream has no response")
        self._head.update(head_of(response))
        response = {"status": event["type"].rpartition(".")[2], **response}
        if failure := failure_of(response):
            yield self._failing(failure)
            return
        output = list(dicts(response.get("output")))
        for at, given in enumerate(output):
            known = self._items.get(at) or self._items.get(_named(given))
            yield from self._rest_of(given, known or _Item(self._length))
        told = [item.whole for item in self._items.values() if item.whole is not None]
        yield self._last(response, output or told)
        self.ended = True

    def _last(self, response: Wire, output: list[Wire]) -> Wire:
        finish = finish_of(response, output)
        is_told = any(item.told for item in self._items.values())
        if finish == "stop" and not is_told and is_nothing(response, output):
            raise InvalidReplyError("the stream ended before its first content")
        chunk = self._chunk(kept_in(output))
        chunk["choices"][0]["finish_reason"] = finish
        usage = usage_of(response)
        return {**chunk, "usage": usage} if usage else chunk

    def failed(self, event: Wire) -> Iterable[Wire]:
        """An event that only its data calls an error: its fields are those of one."""
        return (self._failing({**event, "type": None}),)

    def _failing(self, error: Wire) -> Wire:
        """A chunk that says that the answer failed: whoever reads it takes secrets out of the words."""
        chunk = self._chunk({})
        chunk["choices"][0]["error"] = error
        return chunk

    def _item(self, event: Wire) -> _Item:
        at = _place(event)
        item = self._items.get(at)
        if item is None:
            item = self._items[at] = _Item(self._length)
        return item

    def _chunk(self, delta: Wire, logprobs: object = None) -> Wire:
        if self._is_first:
            self._is_first = False
            delta = {"role": "assistant", **delta}
        choice: Wire = {"index": 0, "delta": delta, "finish_reason": None}
        if logprobs:
            choice["logprobs"] = {"content": logprobs}
        return {**self._head, "choices": [choice]}


_READERS: Mapping[str, Callable[[_Telling, Wire], Iterable[Wire]]] = {
    "response.created": _Telling.began,
    "response.output_text.delta": _Telling.text,
    "response.refusal.delta": _Telling.refusal,
    "response.reasoning_summary_text.delta": _Telling.thought,
    "response.reasoning_text.delta": _Telling.thought,
    "response.function_call_arguments.delta": _Telling.arguments,
    "response.output_item.added": _Telling.item_began,
    "response.output_item.done": _Telling.item_ended,
    "response.completed": _Telling.over,
    "response.incomplete": _Telling.over,
    "response.failed": _Telling.over,
    "error": _Telling.failed,
}
"""What has no row tells nothing that one of these does not tell too, or how far a tool of the provider's is."""


class ResponseEvents(_Telling):
    """The events of one stream, as `Events`.

    Attributes:
        ended: The response is whole.
    """

    def take(self, event: Wire) -> Iterable[Wire]:
        """The chunks that an event stands for."""
        kind = event.get("type")
        if not isinstance(kind, str):
            raise InvalidReplyError("an event of the stream is not one of the Responses API")
        read = _READERS.get(kind)
        return () if read is None else read(self, event)

    def finish(self) -> Iterable[Wire]:
        """Nothing was held back."""
        return ()


def _more(item: _Item, arguments: str) -> Wire:
    return {"tool_calls": [{"index": item.number, "function": {"arguments": arguments}}]}


def _place(event: Wire) -> object:
    """Which item an event is about: its number in the output, or its id where a server leaves that out."""
    at = event.get("output_index")
    return at if isinstance(at, int) else _named(event)


def _named(event: Wire) -> str:
    item = event.get("item")
    return str(event.get("item_id") or (item if isinstance(item, dict) else event).get("id"))
