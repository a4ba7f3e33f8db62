"""The events of Gemini's streams as OpenAI's chunks. Each event is an answer of its own, with the next parts."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.gemini.partial_calls import PartialCalls
from genai_integrations.transports.gemini.parts import Sounds, logprobs_of, message_of
from genai_integrations.transports.gemini.replies import finish_of, refuse_blocked, refuse_nothing
from genai_integrations.transports.gemini.sources import annotated, beside
from genai_integrations.transports.gemini.usage import tier_of, traffic_of, usage_of


class GeminiEvents:
    """The events of one stream.

    Usage comes with every event and grows, grounding may come more than once: the last ones are told, at the end. The
    answer is whole if each candidate said why it ended; only the end of the body says that nothing follows.

    Args:
        model: Which one was asked.
    """

    __slots__ = ("_answer", "_candidates", "_head", "_usage", "ended")

    def __init__(self, model: str) -> None:
        self.ended = False
        self._head: Wire = {
            "id": "",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Wire | None = None
        self._answer: Wire = {}

    def take(self, event: Wire) -> Iterator[Wire]:
        """The chunks of an event.

        Raises:
            ContentFilteredError: The prompt was not let through.
            InvalidReplyError: It is none of Gemini's.
        """
        if not self._head["id"]:
            self._begin(event)
        if "usageMetadata" in event:
            self._answer = event
        for candidate in event.get("candidates") or ():
            if not isinstance(candidate, dict):
                raise InvalidReplyError("an event of the stream has an invalid candidate")
            index = candidate.get("index", 0)
            own = self._candidates.get(index)
            if own is None:
                own = self._candidates[index] = _Candidate(index)
            for choice in own.take(candidate):
                yield {**self._head, "choices": [choice]}

    def finish(self) -> Iterator[Wire]:
        """The body is over: what was held back, and the usage."""
        candidates = self._candidates.values()
        if not candidates or not all(candidate.finish for candidate in candidates):
            return
        usage = usage_of(self._answer)
        if not any(candidate.seen for candidate in candidates):
            refuse_nothing([candidate.finish for candidate in candidates], usage)
        kind = traffic_of(self._answer)
        for candidate in candidates:
            yield {**self._head, "choices": [candidate.end(kind)]}
        if usage:
            yield {**self._head, "choices": [], "usage": usage, **tier_of(self._answer)}
        self.ended = True

    def _begin(self, event: Wire) -> None:
        refuse_blocked(event)
        if "candidates" not in event and "usageMetadata" not in event:
            raise InvalidReplyError("an event of the stream is not one of Gemini's")
        self._head["id"] = event.get("responseId") or f"chatcmpl-{uuid.uuid4().hex}"
        self._head["model"] = event.get("modelVersion") or self._head["model"]


class _Candidate:
    """One of the answers of a stream, as far as it came."""

    __slots__ = (
        "_begun",
        "_calls",
        "_index",
        "_partial",
        "_rest",
        "_sounds",
        "_texts",
        "finish",
        "seen",
    )

    def __init__(self, index: int) -> None:
        self.seen = False
        self._index = index
        self._begun = False
        self._calls = 0
        self._partial = PartialCalls()
        self._sounds = Sounds()
        self._texts: list[str] = []
        self._rest: Wire = {}
        self.finish: object = None

    def take(self, candidate: Mapping[str, Any]) -> Iterable[Wire]:
        """The next parts, as a choice with a delta, if they say something."""
        parts = (candidate.get("content") or {}).get("parts") or ()
        if len(candidate) > _PLAIN:
            self._rest |= beside(candidate)
            if candidate.get("finishReason"):
                self.finish = candidate["finishReason"]
        delta = self._delta(parts)
        if not delta and self.finish:
            delta = self._delta(list(self._partial.rest()))
        logprobs = logprobs_of(candidate) if "logprobsResult" in candidate else None
        if not delta and not logprobs:
            return ()
        choice: Wire = {"index": self._index, "delta": delta}
        return ({**choice, "logprobs": logprobs} if logprobs else choice,)

    def end(self, traffic: str | None) -> Wire:
        """The choice that closes it: why it ended, and what it rests on."""
        delta: Wire = {} if self._begun else {"role": "assistant"}
        rest = {**self._rest, **({"traffic_type": traffic} if traffic else {})}
        if cited := annotated(rest.get("grounding_metadata"), "".join(self._texts)):
            delta["annotations"] = cited
        if rest:
            delta["provider_specific_fields"] = rest
        if sound := self._sounds.rest():
            delta["audio"] = {"data": sound}
        return {
            "index": self._index,
            "delta": delta,
            **finish_of(self.finish, calls=self._calls > 0),
        }

    def _delta(self, parts: Any) -> Wire:
        if len(parts) == 1 and parts[0].keys() == _TEXT:
            # Nearly every event.
            text = _checked(parts[0]["text"])
            said: Wire = {"content": text} if text else {}
        else:
            said = message_of(self._partial.whole(parts))
        if not said:
            return said
        if "content" in said:
            self._texts.append(said["content"])
        if "audio" in said:
            said["audio"]["data"] = self._sounds.fitting(said["audio"]["data"])
        for call in said.get("tool_calls") or ():
            call["index"] = self._calls
            self._calls += 1
        self.seen = self.seen or not said.keys() <= _BESIDE
        if not self._begun:
            self._begun = True
            said = {"role": "assistant", **said}
        return said


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidReplyError("an event of the stream has a text that is not a string")
    return text


_PLAIN = 1
"""Keys of a candidate that brings nothing but content."""

_TEXT = {"text"}
_BESIDE = {"provider_specific_fields"}
