"""What a comparison will cost, before it is paid for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from genai_integrations.client import GenAIClient
from genai_integrations.display import money
from genai_integrations.errors import UnknownModelError
from genai_integrations.experiments.evaluators import Evaluator
from genai_integrations.experiments.plan import Cell
from genai_integrations.models import prices
from genai_integrations.models.usage import Usage

BYTES_PER_TOKEN = 4
"""UTF-8 bytes of a token: about right for English text, and for Korean, whose letters take three."""

ASSUMED_ANSWER = 500
"""Tokens assumed for an answer where no limit is given; also for a judge's, which are shorter."""

_LIMITS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected, not what will be.

    Attributes:
        calls: Calls of the models that are compared.
        judge_calls: Calls of judges.
        prompt_tokens: Tokens sent, estimated from the length of the texts.
        answer_tokens: Tokens assumed for each answer.
        is_limit: Whether that is the limit given in `params`, which answers seldom reach.
        cost: US dollars, for the models whose price is known.
        unknown: Models whose price is not known.
    """

    calls: int
    judge_calls: int
    prompt_tokens: int
    answer_tokens: int
    is_limit: bool
    cost: float
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line."""
        judges = f" and {self.judge_calls} of judges" if self.judge_calls else ""
        answers = "at most" if self.is_limit else "an assumed"
        unknown = f"; no price is known for {', '.join(self.unknown)}" if self.unknown else ""
        return (
            f"{self.calls} call{'' if self.calls == 1 else 's'}{judges}, about {money(self.cost)} (an estimate: "
            f"{self.prompt_tokens} tokens sent, {answers} {self.answer_tokens} for each answer){unknown}"
        )


def estimate_of(
    client: GenAIClient,
    asked: Iterable[Cell],
    judged: Sequence[Cell],
    judges: Iterable[Evaluator],
    params: Mapping[str, object],
) -> Estimate:
    """Estimate calls that are still to be made.

    Args:
        client: Knows who serves a model.
        asked: The calls of the models.
        judged: The calls whose answers are judged, each by every judge.
        judges: Evaluators that ask a model.
        params: Of the models' calls.

    Raises:
        UnknownModelError: Nobody serves a model.
    """
    limit = next((params[name] for name in _LIMITS if params.get(name)), None)
    answer = int(cast("int | None", limit) or ASSUMED_ANSWER)
    calls = [(cell.candidate.model, _tokens(cell.messages), answer) for cell in asked]
    judgements = [
        (row.judge or "", row.judge_tokens + answer + _tokens(cell.messages), ASSUMED_ANSWER)
        for row in judges
        for cell in judged
    ]
    everything = [*calls, *judgements]
    price = {
        model: _price_of(client, model) for model in dict.fromkeys(row[0] for row in everything)
    }
    costs = [(model, price[model](sent, received)) for model, sent, received in everything]
    return Estimate(
        len(calls),
        len(judgements),
        sum(sent for _, sent, _ in everything),
        answer,
        limit is not None,
        sum(cost for _, cost in costs if cost is not None),
        tuple(dict.fromkeys(model for model, cost in costs if cost is None)),
    )


def _price_of(client: GenAIClient, model: str) -> Callable[[int, int], float | None]:
    """The price of a call by its tokens, at the target that is asked first."""
    targets = client.resolve(model).targets
    if not targets:
        raise UnknownModelError(f"nobody serves {model!r}: `genai resolve {model}` explains")
    return partial(_price, targets[0].connection.provider.name, targets[0].model)


def _price(provider: str, model: str, prompt_tokens: int, answer_tokens: int) -> float | None:
    usage: Usage = {"prompt_tokens": prompt_tokens, "completion_tokens": answer_tokens}
    return prices.cost(provider, model, usage)


def _tokens(messages: Sequence[Mapping[str, object]]) -> int:
    texts = [
        content if isinstance(content, str) else json.dumps(content, default=str)
        for content in (message.get("content") for message in messages)
    ]
    return sum(len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1 for text in texts)
