"""A conversation with a model, as `genai chat` keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.reply import Chunk
from genai_integrations.calls.route import Route
from genai_integrations.calls.shapes import Message, Messages
from genai_integrations.client import GenAIClient
from genai_integrations.errors import CallError


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question.

    Attributes:
        text: The answer, or the part of it that came.
        route: Every attempt; None if it was stopped before there was one.
        seconds: How long it took.
        stopped: Whether Ctrl-C ended it.
    """

    text: str
    route: Route | None
    seconds: float
    stopped: bool


class Conversation:
    """Questions and answers so far, and whom to ask next.

    Args:
        client: Makes the calls.
        model: A model's name.
        system: Instructions that go before everything else.
        params: Of every call: OpenAI's parameters, and a `langfuse_prompt`.

    Attributes:
        route: Of the last question, also where it failed.
        cost: US dollars so far, of the answers whose price is known.

    Raises:
        GenAIError: Nobody serves the model; as a call says it.
    """

    def __init__(
        self,
        client: GenAIClient,
        model: str,
        system: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.client = client
        self.system = system
        self.route: Route | None = None
        self.cost = 0.0
        self._params = dict(params or {})
        self._said: list[Message] = []
        self.switch(model)

    def switch(self, model: str) -> None:
        """Ask another model from now on.

        Raises:
            GenAIError: Nobody serves it; the one before stays.
        """
        found = self.client.resolve(model)
        if found.error is not None:
            raise found.error
        self.model = model

    def clear(self) -> None:
        """Forget what was said."""
        self._said.clear()

    def recall(self, question: str, answer: str) -> None:
        """Count as said what was said in an earlier conversation."""
        self._said += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]

    def ask(
        self, question: str, show: Callable[[str], None], attached: Sequence[Mapping[str, Any]] = ()
    ) -> Answer:
        """Ask, and show the answer as it comes. Ctrl-C stops it; what came counts as said.

        Args:
            question: What to ask; empty where the prompt alone is the question.
            show: Takes each piece of the answer.
            attached: Parts of the message behind the question.

        Raises:
            GenAIError: There is no answer, or it broke off; the question counts as not asked.
        """
        asked = _message(question, attached)
        instructions: list[Message] = (
            [{"role": "system", "content": self.system}] if self.system else []
        )
        pieces: list[str] = []
        self.route, stopped, started = None, False, time.monotonic()
        try:
            for piece in self._stream([*instructions, *self._said, *asked]):
                if piece is None:
                    pieces.clear()
                    show(_ANEW)
                else:
                    pieces.append(piece)
                    show(piece)
        except KeyboardInterrupt:
            stopped = True
        except CallError as error:
            self.route = error.route
            raise
        text = "".join(pieces)
        if text:
            self._said += [*asked, {"role": "assistant", "content": text}]
        self.cost += (self.route and self.route.cost) or 0.0
        return Answer(text, self.route, time.monotonic() - started, stopped)

    def _stream(self, messages: Messages) -> Iterator[str | None]:
        """The pieces of the answer; None where it begins anew."""
        with self.client.completion(self.model, messages, stream=True, **self._params) as stream:
            self.route = stream.route
            for chunk in stream:
                if chunk.restarted:
                    yield None
                yield from _texts(chunk)


_ANEW = "\n[the answer broke off, and starts again]\n"


def _message(question: str, attached: Sequence[Mapping[str, Any]]) -> list[Message]:
    if not attached:
        return [{"role": "user", "content": question}] if question else []
    words: list[Mapping[str, Any]] = [{"type": "text", "text": question}] if question else []
    return [{"role": "user", "content": [dict(part) for part in (*words, *attached)]}]


def _texts(chunk: Chunk) -> Iterator[str]:
    for choice in chunk.choices or ():
        delta = choice.delta
        if delta and (text := delta.content or delta.refusal):
            yield text
