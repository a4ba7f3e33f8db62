"""What a provider's own answer says on the wire: whether it is broken, refused, or at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from genai_integrations.errors import CallError, ContentFilteredError, InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.failures import event_error
from genai_integrations.transports.http.sse import SSEDecoder
from genai_integrations.transports.meanings import FAILED_FINISHES

_SEPARATORS = (
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
    ("\x85".encode(), b"\\u0085"),
)
"""Ends of lines to Python's `splitlines`, by which httpx cuts events, though not to the standard; and their escapes."""

_TAILS = tuple(raw[:size] for raw, _ in _SEPARATORS for size in (2, 1) if size < len(raw))
_ANSWERED = 200


class Reader(Protocol):
    """Reads an answer beside LiteLLM.

    Attributes:
        ended: The provider has said that the answer is whole.
        failure: What is wrong with it.
    """

    ended: bool
    failure: CallError | None

    def take(self, piece: bytes) -> bytes:
        """Look at a piece, and return what LiteLLM is to get."""
        ...

    def finish(self) -> bytes:
        """The answer is over; the rest of it for LiteLLM."""
        ...


class Whole:
    """A `Reader` of an answer that is one JSON value.

    Args:
        secrets: Texts that must not appear in an error.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.ended = False
        self.failure: CallError | None = None
        self._secrets = secrets
        self._pieces: list[bytes] = []

    def take(self, piece: bytes) -> bytes:
        """Keep it until the answer is whole."""
        self._pieces.append(piece)
        return piece

    def finish(self) -> bytes:
        """Look at all of it."""
        with contextlib.suppress(ValueError):
            answer = jsonbytes.loads(b"".join(self._pieces))
            self.ended = True  # LiteLLM makes streams of some whole answers
            if isinstance(answer, dict):
                self.failure = failure_of(answer, self._secrets)
        return b""


class Frames:
    """A `Reader` of AWS's binary frames, which have the name of an event beside its length, as no JSON text can."""

    def __init__(self) -> None:
        self.ended = False
        self.failure: CallError | None = None
        self._tail = b""

    def take(self, piece: bytes) -> bytes:
        """Look for the name of the last event, which may be split between two pieces."""
        if not self.ended:
            text = self._tail + piece
            self.ended = _LAST_FRAME in text
            self._tail = text[-len(_LAST_FRAME) :]
        return piece

    def finish(self) -> bytes:
        """Nothing was held back."""
        return b""


_LAST_FRAME = b"\x00\x0bmessageStop"


class Events:
    """A `Reader` of a stream's events, of which LiteLLM passes over what is broken, and makes up the end.

    Args:
        secrets: Texts that must not appear in an error.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.ended = False
        self.failure: CallError | None = None
        self._secrets = secrets
        self._decoder = SSEDecoder()
        self._has_content = False
        self._tail = b""

    def take(self, piece: bytes) -> bytes:
        """Look at a piece, and return it in a form that LiteLLM cuts into lines as the standard says."""
        for data in self._decoder.feed(piece):
            self._look_at(data)
            if self.failure:
                # What came before it is good. Of its own text LiteLLM gets at most a line without an end.
                return self._escaped(piece.partition(data.partition(b"\n")[0])[0])
        return self._escaped(piece)

    def finish(self) -> bytes:
        """The stream is over; the rest of it for LiteLLM."""
        for data in self._decoder.flush():
            # Cut short in its midst: then no end was seen, which is told as that.
            if data.rstrip().endswith((b"}", b"]")):
                self._look_at(data)
        tail, self._tail = self._tail, b""
        return tail

    def _look_at(self, data: bytes) -> None:
        if not data or data.isspace() or data.strip() == b"[DONE]" or self.failure:
            return
        try:
            event = jsonbytes.loads(data)
        except ValueError:
            self.failure = InvalidReplyError("the stream has an event that is not JSON")
            return
        if isinstance(event, dict):
            self.failure = failure_of(event, self._secrets, has_content=self._has_content)
            self.ended = self.ended or is_end(event)
            self._has_content = self._has_content or event.get("type") == "content_block_delta"

    def _escaped(self, piece: bytes) -> bytes:
        text = self._tail + piece
        self._tail = next((tail for tail in _TAILS if text.endswith(tail)), b"")
        text = text.removesuffix(self._tail)
        # Only inside of strings, where an escape means the same: JSON has none of these elsewhere.
        for raw, escape in _SEPARATORS:
            text = text.replace(raw, escape)
        return text


def failure_of(
    answer: Mapping[str, Any], secrets: Sequence[str], *, has_content: bool = False
) -> CallError | None:
    """The error that a whole answer, or an event of a stream, of Anthropic's or Gemini's stands for."""
    if answer.get("error") and answer.get("type") in (None, "error"):
        return event_error(answer, secrets)
    for candidate in _dicts(answer.get("candidates")):
        finish = str(candidate.get("finishReason"))
        if finish in FAILED_FINISHES:
            words = candidate.get("finishMessage")
            detail = f": {' '.join(words.split())[:300]}" if isinstance(words, str) else ""
            return FAILED_FINISHES[finish](f"the provider ended its answer with {finish}{detail}")
    if _refused(answer) and not has_content and not answer.get("content"):
        return ContentFilteredError("the model refuses to answer", status=_ANSWERED)
    return None


def is_end(event: Mapping[str, Any]) -> bool:
    """Whether an event says that the answer is whole."""
    if event.get("type") == "message_stop":
        return True
    feedback = event.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return True
    rows = (*_dicts(event.get("candidates")), *_dicts(event.get("choices")))
    return any(row.get("finishReason") or row.get("finish_reason") for row in rows)


def _refused(answer: Mapping[str, Any]) -> bool:
    """Anthropic's `refusal`: of a whole answer, or in the event that ends one."""
    delta = answer.get("delta")
    return "refusal" in (
        answer.get("stop_reason"),
        delta.get("stop_reason") if isinstance(delta, dict) else None,
    )


def _dicts(rows: object) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
