"""A comparison: what was asked, what came of it, and what can be read from it."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from genai_integrations.client import GenAIClient
from genai_integrations.display import Bundle, bundle, money
from genai_integrations.errors import BudgetExceededError, ConfigurationError
from genai_integrations.experiments import view
from genai_integrations.experiments.costs import Estimate, Reckoner
from genai_integrations.experiments.evaluators import Evaluator
from genai_integrations.experiments.items import Item, plain_text
from genai_integrations.experiments.journal import Journal
from genai_integrations.experiments.plan import Cell, Plan
from genai_integrations.experiments.results import LOWER_IS_BETTER, Candidate, Result
from genai_integrations.experiments.run import Work, run, run_apart
from genai_integrations.experiments.runs import DatasetRuns
from genai_integrations.experiments.summary import Summary, summary_of
from genai_integrations.experiments.wins import Wins, candidate_named, counted, wins_of
from genai_integrations.jobs.progress import Listener, say, shown_progress
from genai_integrations.runtime.installing import to_install_extra

if TYPE_CHECKING:
    import pandas as pd

    from genai_integrations.experiments.charts import Plots

CandidateName = str | tuple[str, str] | Candidate
"""A candidate by its model, its prompt, both as the results show them, or as a pair."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is run.

    Attributes:
        evaluators: Score the answers.
        max_concurrency: Calls at a time.
        max_cost: US dollars that all of it may cost.
        progress: Show a bar; None does where somebody watches.
        journal: Where results are kept as they come.
        runs: Where calls are recorded as runs of a dataset.
    """

    evaluators: tuple[Evaluator, ...] = ()
    max_concurrency: int = 8
    max_cost: float | None = None
    progress: bool | None = None
    journal: Journal | None = None
    runs: DatasetRuns | None = None


class Comparison:
    """Models, each with each prompt, on the same items. `compare` makes it.

    Attributes:
        plan: Every call.
        stopped: Why not all was done: an interrupt or the cost; empty if all was.
    """

    def __init__(self, client: GenAIClient, plan: Plan, options: Options) -> None:
        self.plan = plan
        self.stopped = ""
        self._client = client
        self._options = options
        earlier = options.journal.read() if options.journal else {}
        self._known = {
            cell.key: _belonging(earlier[cell.key], cell)
            for cell in plan.cells
            if cell.key in earlier
        }

    @property
    def results(self) -> list[Result]:
        """What is there, item by item."""
        return [self._known[cell.key] for cell in self.plan.cells if cell.key in self._known]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Each model with each prompt."""
        return self.plan.candidates

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the evaluators."""
        return tuple(row.name for row in self._options.evaluators)

    @property
    def missing(self) -> int:
        """Calls that have not been made or not been scored."""
        return len(self._missing_cells())

    @property
    def estimate(self) -> Estimate:
        """What the missing calls are expected to cost."""
        return self._estimated(self._missing_cells())

    @property
    def cost(self) -> float:
        """US dollars of all calls, judges included, as far as known."""
        return sum(result.total_cost for result in self.results)

    def resume(
        self,
        *,
        max_cost: float | None = None,
        retry_errors: bool = False,
        progress: bool | None = None,
    ) -> Self:
        """Make the calls that are missing, and only those.

        Args:
            max_cost: A new limit in US dollars, what is spent already included; default the one from before.
            retry_errors: Make the calls again that failed.
            progress: As of `compare`; default as before.

        Raises:
            BudgetExceededError: What is spent and what is expected are more than allowed.
        """
        cells, headline = self._begin(max_cost, retry_errors, progress)
        with shown_progress(self._options.progress, headline, len(cells)) as listener:
            work = self._work(listener, len(cells))
            try:
                run_apart(work, cells)
            except KeyboardInterrupt:
                self.stopped = "interrupted"
            self._end(work, len(cells))
        if self._options.runs:
            self._options.runs.send()
        return self

    async def aresume(
        self,
        *,
        max_cost: float | None = None,
        retry_errors: bool = False,
        progress: bool | None = None,
    ) -> Self:
        """As `resume`, in the running event loop."""
        cells, headline = await asyncio.to_thread(self._begin, max_cost, retry_errors, progress)
        with shown_progress(self._options.progress, headline, len(cells)) as listener:
            work = self._work(listener, len(cells))
            await run(work, cells)
            self._end(work, len(cells))
        if self._options.runs:
            await asyncio.to_thread(self._options.runs.send)
        return self

    def summary(self) -> list[Summary]:
        """One row for each model with each prompt: calls, errors, latency, cost, scores with intervals."""
        return summary_of(self.results, self.candidates, self.metrics)

    def quality(self, metric: str | None = None) -> dict[str, float]:
        """The mean score of each model, for `router_args["auto"]["quality"]`; one without a score is left out.

        Args:
            metric: An evaluator's name; default the only one. Of several prompts the mean counts.

        Raises:
            ConfigurationError: It is not clear which evaluator is meant.
        """
        name = self.metric(metric)
        if name not in self.metrics:
            raise ConfigurationError(
                f"{name} is not an evaluator: there are {', '.join(self.metrics)}"
            )
        found: dict[str, list[float]] = {}
        for row in self.summary():
            if name in row.scores:
                found.setdefault(row.model, []).append(row.scores[name].value)
        return {model: sum(means) / len(means) for model, means in found.items()}

    def wins(
        self,
        metric: str | None = None,
        a: CandidateName | None = None,
        b: CandidateName | None = None,
    ) -> Wins:
        """Compare two candidates item by item.

        Args:
            metric: An evaluator's name, `latency_ms`, `first_token_ms` or `cost`; default the only evaluator.
            a: The one; default the first of two.
            b: The other; default the second of two.

        Raises:
            ConfigurationError: It is not clear what is to be compared.
        """
        if a is None and b is None and len(self.candidates) == _PAIR:
            a, b = self.candidates
        if a is None or b is None:
            raise ConfigurationError(f"name two candidates, a and b: {self._names}")
        one, other = (candidate_named(name, self.candidates) for name in (a, b))
        return wins_of(self.results, self.metric(metric), one, other)

    def metric(self, name: str | None = None) -> str:
        """The metric of that name, or the only evaluator's.

        Raises:
            ConfigurationError: There is none of that name, or not just one.
        """
        known = (*self.metrics, *LOWER_IS_BETTER)
        if name is None and len(self.metrics) == 1:
            return self.metrics[0]
        if name not in known:
            asked = f"no metric is named {name!r}" if name else "name a metric"
            raise ConfigurationError(f"{asked}: there are {', '.join(known)}")
        return name

    @property
    def plot(self) -> Plots:
        """Charts; they need the `notebook` extra.

        Raises:
            ConfigurationError: matplotlib is not installed.
        """
        try:
            from genai_integrations.experiments.charts import Plots
        except ImportError as error:
            raise _extra("plots", "matplotlib") from error
        return Plots(self)

    def table(self, *, width: int = 40, lines: int = 6) -> str:
        """The answers side by side, as text: a row for each item, a column for each candidate.

        Args:
            width: Columns of each answer.
            lines: Lines of an answer that are shown.
        """
        return view.text(self, width, lines)

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values for JSON."""
        return {
            "models": list(self.plan.models),
            "prompts": [row.label for row in self.plan.variants if row.label],
            "items": [_item_dict(item) for item in self.plan.items],
            "results": [result.as_dict() for result in self.results],
            "summary": [row.as_dict() for row in self.summary()],
            "cost": self.cost,
            "missing": self.missing,
            "stopped": self.stopped,
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, default=str)

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame with a row for each result; scores are columns `score_<evaluator>`, `reason_<evaluator>`.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise _extra("to_pandas()", "pandas") from error
        items = {item.id: item for item in self.plan.items}
        return pd.DataFrame([_flat(row, items[row.item], self.metrics) for row in self.results])

    def __repr__(self) -> str:
        return (
            f"<Comparison of {counted(len(self.candidates), 'candidate')} "
            f"on {counted(len(self.plan.items), 'item')}: "
            f"{len(self.results)} of {len(self.plan.cells)} results, {money(self.cost)}"
            f"{f', {self.stopped}' if self.stopped else ''}>"
        )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return bundle(f"{self!r}\n{view.summary_text(self)}", view.html(self))

    @property
    def _names(self) -> str:
        return "; ".join(map(str, self.candidates))

    def _estimated(self, cells: Sequence[Cell]) -> Estimate:
        asked = [cell for cell in cells if not self._is_answered(cell)]
        judges = [row for row in self._options.evaluators if row.judge]
        reckoner = Reckoner(self._client, self.plan.params, self._known.values())
        return reckoner.estimate(asked, cells, judges)

    def _is_answered(self, cell: Cell) -> bool:
        result = self._known.get(cell.key)
        return result is not None and result.error is None

    def _missing_cells(self, *, retry_errors: bool = False) -> list[Cell]:
        return [cell for cell in self.plan.cells if not self._is_done(cell, retry_errors)]

    def _is_done(self, cell: Cell, retry_errors: bool) -> bool:
        result = self._known.get(cell.key)
        if result is None:
            return False
        if result.error is not None:
            return not retry_errors
        return result.scores.keys() >= set(self.metrics)

    def _begin(
        self, max_cost: float | None, retry_errors: bool, progress: bool | None
    ) -> tuple[list[Cell], str]:
        """The cells to work off, if they may be, and what they are expected to cost."""
        if max_cost is not None:
            self._options = replace(self._options, max_cost=max_cost)
        if progress is not None:
            self._options = replace(self._options, progress=progress)
        cells = self._missing_cells(retry_errors=retry_errors)
        estimate = self._estimated(cells)
        self._check_budget(estimate)
        self.stopped = ""
        return cells, str(estimate)

    def _check_budget(self, estimate: Estimate) -> None:
        limit = self._options.max_cost
        if limit is None:
            return
        if self.cost + estimate.cost > limit:
            spent = f"{money(self.cost)} is spent already; " if self.cost else ""
            raise BudgetExceededError(
                f"{spent}{estimate}: more than max_cost={limit:g}, so nothing was sent; "
                "raise max_cost or compare less"
            )
        if estimate.unknown:
            names = ", ".join(estimate.unknown)
            warnings.warn(
                f"no price is known for {names}: what that costs does not count against max_cost",
                stacklevel=4,
            )

    def _work(self, listener: Listener, total: int) -> Work:
        options = self._options
        return Work(
            self._client,
            options.evaluators,
            self.plan.params,
            self._known,
            options.journal,
            listener,
            options.max_concurrency,
            options.max_cost,
            self.cost,
            options.runs,
            total,
        )

    def _end(self, work: Work, planned: int) -> None:
        if not self.stopped and work.is_over and self.missing:
            self.stopped = f"stopped at {money(work.spent)}, over max_cost={work.max_cost:g}"
        if self.stopped:
            say(
                f"{self.stopped}: {self.missing} of {planned} calls are missing; "
                "resume(), or the same comparison with its save_to, makes them"
            )


_PAIR = 2


def _belonging(result: Result, cell: Cell) -> Result:
    """An earlier result under the names that this comparison has for what was asked."""
    model, prompt = cell.candidate.model, cell.candidate.prompt
    return replace(result, model=model, prompt=prompt, item=cell.item.id, repeat=cell.repeat)


def _item_dict(item: Item) -> dict[str, object]:
    return {"id": item.id, "input": item.input, "expected": item.expected}


def _flat(result: Result, item: Item, metrics: Sequence[str]) -> dict[str, object]:
    row = result.as_dict()
    for name in ("scores", "route", "key"):
        del row[name]
    row["served"] = result.route.get("served")
    row = {**row, "input": plain_text(item), "expected": item.expected}
    for name in metrics:
        score = result.scores.get(name)
        row[f"score_{name}"] = score.value if score else None
        row[f"reason_{name}"] = (score.error or score.reason) if score else None
    return row


def _extra(what: str, library: str) -> ConfigurationError:
    return ConfigurationError(f"{what} needs {library}: {to_install_extra('compare')}")
