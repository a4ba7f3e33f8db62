"""What `%genai` shows, and returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from genai_integrations.calls.reply import Chunk
from genai_integrations.calls.route import Route
from genai_integrations.calls.views import route_note
from genai_integrations.display import Bundle, Html, Panel, bundle, side_by_side
from genai_integrations.errors import GenAIError
from genai_integrations.markdown import markdown


@dataclass(slots=True)
class Answer:
    """One model's answer, while it comes and afterwards.

    Attributes:
        model: The name as asked.
        text: What has come so far.
        running: More may come.
        error: Why no answer came, or why it broke off.
        interrupted: The user stopped it.
        finish_reason: As the provider said it: `stop`, `length` ...
        usage: Tokens, as the provider reported them in OpenAI's shape.
        route: Every attempt; None where nothing was sent.
    """

    model: str
    text: str = ""
    running: bool = True
    error: GenAIError | None = None
    interrupted: bool = False
    finish_reason: str | None = None
    usage: Mapping[str, object] | None = None
    route: Route | None = None

    @property
    def cost(self) -> float | None:
        """US dollars of all attempts, None if not known."""
        return self.route.cost if self.route else None

    def take(self, chunk: Chunk) -> None:
        """Add what a chunk brings."""
        self.usage = chunk.get("usage") or self.usage
        if chunk.get("restarted"):
            self.text = ""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            self.text += delta.get("content") or delta.get("refusal") or ""
            self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def panel(self) -> Panel:
        """How it looks beside the others."""
        error = f"{type(self.error).__name__}: {self.error}" if self.error else ""
        note = " · ".join(self._notes()) if not self.running else ""
        text = markdown(self.text) if self.text else ""
        return Panel(self.model, text, note, error, self.running)

    def _notes(self) -> Iterable[str]:
        if self.interrupted:
            yield "interrupted"
        if self.finish_reason not in (None, "stop"):
            yield f"ended by {self.finish_reason}"
        if self.route and not self.interrupted:
            yield route_note(self.route)


class Answers(tuple[Answer, ...]):  # noqa: SLOT001 - it has an attribute
    """Every model's answer, in the order in which the models were named.

    Attributes:
        shown_in: The number of the cell that has shown them as they came.
    """

    shown_in: int | None = None

    @classmethod
    def to(cls, models: Iterable[str]) -> Self:
        """Answers that are still to come; a model named twice is asked once."""
        return cls(Answer(model) for model in dict.fromkeys(models))

    def bundle(self) -> Bundle:
        """All side by side."""
        panels = [answer.panel() for answer in self]
        return bundle("\n\n".join(map(_text, panels)), side_by_side(panels))

    def _ipython_display_(self) -> None:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shell = get_ipython()
        # The cell's own result would repeat what has just been shown live.
        if shell is None or shell.execution_count != self.shown_in:
            display(self.bundle(), raw=True)


def _text(panel: Panel) -> str:
    return "\n".join(
        part.plain if isinstance(part, Html) else str(part)
        for part in (panel.title, panel.text, panel.error, panel.note)
        if part
    )
