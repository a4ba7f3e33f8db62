"""Every call of a comparison, known before the first is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.items import Item
from genai_integrations.experiments.results import Candidate
from genai_integrations.experiments.variants import Variant
from genai_integrations.jobs.keys import key_of
from genai_integrations.prompts.template import Message, Prompt


@dataclass(frozen=True, slots=True)
class Cell:
    """One call.

    Attributes:
        candidate: Who is asked, with which prompt.
        item: What is asked.
        repeat: Which of the repeats, from 1.
        messages: The conversation to send.
        prompt: The prompt that it was made with.
        key: A hash of what is sent, with a number behind it if the same is sent more than once.
    """

    candidate: Candidate
    item: Item
    repeat: int
    messages: Sequence[Message]
    prompt: Prompt | None
    key: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Models times prompts times items times repeats.

    Attributes:
        models: Their names.
        variants: The prompts.
        items: The inputs.
        params: Parameters of every call.
        cells: The calls, item by item, so that what is done early covers all candidates.
    """

    models: tuple[str, ...]
    variants: tuple[Variant, ...]
    items: tuple[Item, ...]
    params: Mapping[str, object]
    cells: tuple[Cell, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Each model with each prompt, in the order given."""
        one_prompt, one_model = len(self.variants) == 1, len(self.models) == 1
        return tuple(
            Candidate(model, label, model if one_prompt else label or "" if one_model else "")
            for model in self.models
            for label in (row.label for row in self.variants)
        )


def plan_of(
    models: str | Sequence[str],
    variants: tuple[Variant, ...],
    items: tuple[Item, ...],
    params: Mapping[str, object],
    repeats: int,
) -> Plan:
    """Plan every call.

    Raises:
        ConfigurationError: There is no model, one twice, or no repeat.
        PromptVariableError: An item lacks a variable of a prompt.
    """
    names = (models,) if isinstance(models, str) else tuple(models)
    if not names or len(set(names)) < len(names):
        raise ConfigurationError("models must be a list of names, without repeats")
    if repeats < 1:
        raise ConfigurationError(f"repeats must be at least 1, not {repeats}")
    cells = tuple(_cells(names, variants, items, params, repeats))
    return Plan(names, variants, items, params, cells)


def _cells(
    models: Sequence[str],
    variants: Sequence[Variant],
    items: Sequence[Item],
    params: Mapping[str, object],
    repeats: int,
) -> Iterator[Cell]:
    met: Counter[str] = Counter()
    for item in items:
        rendered = [(variant, variant.messages(item)) for variant in variants]
        for repeat in range(1, repeats + 1):
            for model in models:
                for variant, messages in rendered:
                    sent = key_of([model, messages, params])
                    met[sent] += 1
                    candidate = Candidate(model, variant.label)
                    key = f"{sent}-{met[sent]}"
                    yield Cell(candidate, item, repeat, messages, variant.prompt, key)
