"""What a comparison will cost, before it is paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.client import GenAIClient
from genai_integrations.display import money
from genai_integrations.experiments.evaluators import Evaluator
from genai_integrations.experiments.plan import Cell
from genai_integrations.experiments.results import Candidate, Result
from genai_integrations.experiments.variants import is_from_langfuse
from genai_integrations.models import prices
from genai_integrations.models.lengths import thoughts
from genai_integrations.models.tokens import text_tokens
from genai_integrations.models.usage import Usage
from genai_integrations.models.worst import answer_bound
from genai_integrations.routing.deployments import Target

JUDGEMENT = 80
"""Tokens of a judge's answer: a short reason and a score."""

_AROUND_EXPECTED = 3
"""Tokens by which an answer is longer than the one that counts as right: a full stop, a word or two."""

_MOST_COUNTED = 100
"""Calls of a candidate whose tokens are counted; of more, so many are taken evenly, and stand for the others."""

SEEN, RIGHT, GUESSED = "as seen before", "as long as the right ones", "a guess"
"""Where the length of the answers is from."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected, not what will be.

    Attributes:
        calls: Calls of the models that are compared.
        judge_calls: Calls of judges.
        prompt_tokens: Tokens sent.
        answer_tokens: Tokens of an answer of the models that are compared; the mean.
        basis: Where that is from: `as seen before`, `as long as the right ones`, or `a guess`.
        cost: US dollars, for the models whose price is known.
        unknown: Models whose price is not known.
    """

    calls: int
    judge_calls: int
    prompt_tokens: int
    answer_tokens: int
    basis: str
    cost: float
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line."""
        judges = f" and {self.judge_calls} of judges" if self.judge_calls else ""
        unknown = f"; no price is known for {', '.join(self.unknown)}" if self.unknown else ""
        return (
            f"{self.calls} call{'' if self.calls == 1 else 's'}{judges}, about {money(self.cost)} "
            f"({self.prompt_tokens} tokens sent, {self.answer_tokens} for each answer: {self.basis}){unknown}"
        )


@dataclass(frozen=True, slots=True)
class _Counted:
    """One call, or the mean of several.

    Attributes:
        model: Its name.
        sent: Tokens of the request.
        answer: Tokens of the answer.
        basis: Where that is from.
        cost: US dollars; None where no price is known.
    """

    model: str
    sent: float
    answer: float
    basis: str
    cost: float | None


class Reckoner:
    """Estimates the calls that are still to be made.

    Args:
        client: Knows who serves a model, and how long answers were.
        params: Of the models' calls.
        known: What was answered already.
    """

    def __init__(
        self, client: GenAIClient, params: Mapping[str, object], known: Iterable[Result]
    ) -> None:
        self._client = client
        self._params = {name: value for name, value in params.items() if name not in _NOT_COUNTED}
        self._seen: defaultdict[Candidate, list[int]] = defaultdict(list)
        self._targets: dict[str, Target] = {}
        for row in known:
            if row.completion_tokens is not None:
                self._seen[Candidate(row.model, row.prompt)].append(row.completion_tokens)

    def estimate(
        self, asked: Iterable[Cell], judged: Sequence[Cell], judges: Sequence[Evaluator]
    ) -> Estimate:
        """What they are expected to cost.

        Args:
            asked: The calls of the models.
            judged: The calls whose answers are judged, each by every judge.
            judges: Evaluators that ask a model.

        Raises:
            UnknownModelError: Nobody serves a model.
        """
        groups: defaultdict[Candidate, list[Cell]] = defaultdict(list)
        for cell in asked:
            groups[cell.candidate].append(cell)
        calls = [(self._mean(cells), len(cells)) for cells in groups.values()]
        judgements = [(self._judgement(row, judged), len(judged)) for row in judges if judged]
        everything = [*calls, *judgements]
        count = sum(number for _, number in calls)
        answers = sum(row.answer * number for row, number in calls)
        return Estimate(
            count,
            len(judges) * len(judged),
            round(sum(row.sent * number for row, number in everything)),
            round(answers / count) if count else 0,
            _weakest(row.basis for row, _ in calls),
            sum(row.cost * number for row, number in everything if row.cost is not None),
            tuple(dict.fromkeys(row.model for row, _ in everything if row.cost is None)),
        )

    def _mean(self, cells: Sequence[Cell]) -> _Counted:
        rows = [self._counted(cell) for cell in _evenly(cells)]
        costs = [row.cost for row in rows if row.cost is not None]
        return _Counted(
            rows[0].model,
            sum(row.sent for row in rows) / len(rows),
            sum(row.answer for row in rows) / len(rows),
            _weakest(row.basis for row in rows),
            sum(costs) / len(rows) if len(costs) == len(rows) else None,
        )

    def _counted(self, cell: Cell) -> _Counted:
        model = cell.candidate.model
        params: dict[str, Any] = dict(self._params)
        if is_from_langfuse(cell.prompt):
            params["langfuse_prompt"] = cell.prompt
        row = self._client.estimate(model, cell.messages, **params).targets[0]
        target = self._target(model)
        answer, basis = row.answer_tokens, SEEN if row.seen else GUESSED
        seen = self._seen.get(cell.candidate)
        expected = cell.item.expected
        if seen:
            answer, basis = round(sum(seen) / len(seen)), SEEN
        elif not row.seen and isinstance(expected, str) and expected:
            thought = thoughts(target.connection.provider.name, target.model, self._params)
            answer = text_tokens(expected, target.model) + _AROUND_EXPECTED + thought
            basis = RIGHT
        most = answer_bound(self._params)
        answer = answer if most is None else min(answer, most)
        return _Counted(model, row.prompt_tokens, answer, basis, _price(target, row.prompt_tokens, answer))  # fmt: skip

    def _judgement(self, judge: Evaluator, judged: Sequence[Cell]) -> _Counted:
        """The mean of a judge's calls, each of which has the question and the answer in it."""
        model = judge.judge or ""
        rows = [self._counted(cell) for cell in _evenly(judged)]
        sent = judge.judge_tokens + sum(row.sent + row.answer for row in rows) / len(rows)
        target = self._target(model)
        answer = JUDGEMENT + thoughts(target.connection.provider.name, target.model, {})
        return _Counted(model, sent, answer, GUESSED, _price(target, round(sent), answer))

    def _target(self, model: str) -> Target:
        """Who is asked first."""
        known = self._targets.get(model)
        if known is None:
            found = self._client.resolve(model)
            if found.error is not None:
                raise found.error
            known = self._targets[model] = found.targets[0]
        return known


_NOT_COUNTED = frozenset(("stream", "stream_options"))


def _price(target: Target, prompt_tokens: int, answer_tokens: int) -> float | None:
    usage: Usage = {"prompt_tokens": prompt_tokens, "completion_tokens": answer_tokens}
    own = target.deployment.prices
    return prices.cost(target.connection.provider.name, target.model, usage, own=own)


def _evenly(cells: Sequence[Cell]) -> Sequence[Cell]:
    step = -(-len(cells) // _MOST_COUNTED)
    return cells[::step]


def _weakest(bases: Iterable[str]) -> str:
    """What least is known by."""
    found = set(bases)
    return next((basis for basis in (GUESSED, RIGHT, SEEN) if basis in found), SEEN)
