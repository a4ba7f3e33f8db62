"""What has been seen of a stream: its texts, its usage, and whether it came to its end."""

from __future__ import annotations

from genai_integrations.calls.wire import END, Wire


class Tally:
    """Takes every chunk of a stream.

    Args:
        answers: How many alternatives were asked for (`n`).
    """

    __slots__ = ("_answers", "_finished", "_head", "_is_done", "_texts", "usage")

    def __init__(self, answers: int = 1) -> None:
        self._answers = answers
        self._finished: set[object] = set()
        self._texts: dict[object, list[object]] = {}
        self._is_done = False
        self._head: Wire = {}
        self.usage: Wire | None = None

    def passes(self, chunk: Wire) -> bool:
        """Note a chunk, and say whether to hand it on. Usage is kept back for the last chunk."""
        choices = chunk.get("choices")
        if "usage" in chunk:
            usage = chunk.pop("usage")
            self.usage = usage or self.usage
            self._head = chunk
            if not choices:
                return False
        if not choices:
            self._is_done = self._is_done or chunk is END
            return chunk is not END
        for choice in choices:
            at = choice.get("index", 0)
            if at not in self._texts:
                self._texts[at] = []
            delta = choice.get("delta")
            if delta and (content := delta.get("content")):
                self._texts[at].append(content)
            if choice.get("finish_reason"):
                self._finished.add(at)
        return True

    @property
    def is_whole(self) -> bool:
        """Whether every answer came to its end.

        Each says so by a reason; a server that gives none may say it once for all by the stream's own end.
        """
        if not self._finished:
            return self._is_done
        enough = self._is_done or len(self._finished) >= self._answers
        return enough and self._texts.keys() <= self._finished

    @property
    def model(self) -> object:
        """The model that the chunk with the usage names."""
        return self._head.get("model")

    @property
    def tier(self) -> object:
        """The service tier that the chunk with the usage names."""
        return self._head.get("service_tier")

    @property
    def text(self) -> str:
        """The text of the first answer, as far as it came."""
        first = min(self._texts, key=str, default=None)
        pieces = self._texts.get(first, ())
        return "".join(row if isinstance(row, str) else text_of(row) for row in pieces)

    def last_chunk(self) -> Wire:
        """The chunk that carries the usage."""
        kept = {key: value for key, value in self._head.items() if key != "choices"}
        return {**kept, "choices": [], "usage": self.usage}


def text_of(content: object) -> str:
    """The text in content that is a list of parts, as some servers send it."""
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
