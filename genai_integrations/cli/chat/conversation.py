"""A conversation with a model, as `genai chat` keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genai_integrations.calls.reply import Chunk
from genai_integrations.calls.route import Route
from genai_integrations.calls.shapes import Message, Messages
from genai_integrations.client import GenAIClient
from genai_integrations.errors import CallError, UnknownModelError


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

    Attributes:
        route: Of the last question, also where it failed.
        cost: US dollars so far, of the answers whose price is known.

    Raises:
        UnknownModelError: Nobody serves the model.
    """

    def __init__(self, client: GenAIClient, model: str, system: str = "") -> None:
        self.client = client
        self.system = system
        self.route: Route | None = None
        self.cost = 0.0
        self._said: list[Message] = []
        self.switch(model)

    def switch(self, model: str) -> None:
        """Ask another model from now on.

        Raises:
            UnknownModelError: Nobody serves it; the one before stays.
        """
        if not self.client.resolve(model).targets:
            raise UnknownModelError(
                f"nobody serves {model!r}: `genai resolve {model}` says why, `genai models` lists names"
            )
        self.model = model

    def clear(self) -> None:
        """Forget what was said."""
        self._said.clear()

    def ask(self, question: str, show: Callable[[str], None]) -> Answer:
        """Ask, and show the answer as it comes. Ctrl-C stops it; what came counts as said.

        Raises:
            GenAIError: There is no answer, or it broke off; the question counts as not asked.
        """
        asked: Message = {"role": "user", "content": question}
        instructions: list[Message] = (
            [{"role": "system", "content": self.system}] if self.system else []
        )
        pieces: list[str] = []
        self.route, stopped, started = None, False, time.monotonic()
        try:
            for piece in self._stream([*instructions, *self._said, asked]):
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
            self._said += [asked, {"role": "assistant", "content": text}]
        self.cost += (self.route and self.route.cost) or 0.0
        return Answer(text, self.route, time.monotonic() - started, stopped)

    def _stream(self, messages: Messages) -> Iterator[str | None]:
        """The pieces of the answer; None where it begins anew."""
        with self.client.completion(self.model, messages, stream=True) as stream:
            self.route = stream.route
            for chunk in stream:
                if chunk.restarted:
                    yield None
                yield from _texts(chunk)


_ANEW = "\n[the answer broke off, and begins anew]\n"


def _texts(chunk: Chunk) -> Iterator[str]:
    for choice in chunk.choices or ():
        delta = choice.delta
        if delta and (text := delta.content or delta.refusal):
            yield text
