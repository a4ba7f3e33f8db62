"""Streams that may begin anew: LangChain adds all chunks up, and what came before a restart must not be in the sum.

It adds them one by one, or all others to the first one at once. So the first chunk and the one that tells the restart are
of classes that add up otherwise; the sums are ordinary ones. Only streams with `stream_recovery` have such chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from typing_extensions import override

from genai_integrations.langchain.replies import StreamReader

Wire = dict[str, Any]


class First(AIMessageChunk):
    """A chunk to which LangChain may add a list of all others."""

    @override
    def __add__(self, other: Any) -> Any:
        if isinstance(other, (list, tuple)) and (at := _last_restart(other)) is not None:
            return other[at] + list(other[at + 1 :])
        return self.as_plain() + other

    def as_plain(self) -> AIMessageChunk:
        """The same of LangChain's own class, which sums inherit."""
        return AIMessageChunk.model_construct(self.model_fields_set, **self.__dict__)

    @classmethod
    @override
    def lc_id(cls) -> list[str]:
        return AIMessageChunk.lc_id()


class Restarted(First):
    """The chunk at which a stream begins anew. Whatever it is added to is dropped."""

    def __radd__(self, other: object) -> Any:
        """Python asks the right side first, because its class is derived from the left one's."""
        return self.as_plain() if isinstance(other, AIMessageChunk) else NotImplemented


class FirstGeneration(ChatGenerationChunk):
    """As `First`, around it: log probabilities are told here."""

    @override
    def __add__(
        self, other: ChatGenerationChunk | list[ChatGenerationChunk]
    ) -> ChatGenerationChunk:
        if isinstance(other, list):
            at = _last_restart([chunk.message for chunk in other])
            if at is not None:
                return other[at] + other[at + 1 :]
        return super().__add__(other)

    @classmethod
    @override
    def lc_id(cls) -> list[str]:
        return ChatGenerationChunk.lc_id()


class RestartReader(StreamReader):
    """Reads the chunks of one stream, and of those that follow where it breaks."""

    __slots__ = ("_has_begun",)

    def __init__(self) -> None:
        super().__init__()
        self._has_begun = False

    @override
    def chunk(self, wire: Wire) -> ChatGenerationChunk | None:
        if wire.get("restarted"):
            super().__init__()
            marker = Restarted(content="", response_metadata={"restarted": True})
            return ChatGenerationChunk(message=marker)
        generation = super().chunk(wire)
        if generation is None or self._has_begun:
            return generation
        self._has_begun = True
        message = First.model_construct(
            generation.message.model_fields_set, **generation.message.__dict__
        )
        return FirstGeneration(message=message, generation_info=generation.generation_info)


def _last_restart(messages: Sequence[object]) -> int | None:
    found = [at for at, message in enumerate(messages) if isinstance(message, Restarted)]
    return found[-1] if found else None
