"""`compare`: models times prompts times inputs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.comparison import Comparison, Options
from genai_integrations.experiments.costs import Estimate
from genai_integrations.experiments.datasets import Dataset, LoadedDataset, loaded
from genai_integrations.experiments.evaluators import EvaluatorLike, evaluators_of
from genai_integrations.experiments.items import Input, items_of
from genai_integrations.experiments.journal import Journal
from genai_integrations.experiments.plan import Plan, plan_of
from genai_integrations.experiments.runs import DatasetRuns, check_tracing, run_names
from genai_integrations.experiments.variants import PromptLike, variants_of

Prompts = PromptLike | Iterable[PromptLike] | Mapping[str, PromptLike] | None
"""One prompt, several, or several with the labels that the results show."""

Evaluators = EvaluatorLike | Iterable[EvaluatorLike]
"""One evaluator or several."""

Inputs = Input | Iterable[Input] | Dataset
"""One input or several, or a Langfuse dataset."""


def compare(
    models: str | Sequence[str],
    inputs: Inputs,
    prompts: Prompts = None,
    *,
    client: GenAIClient | None = None,
    evaluators: Evaluators = (),
    params: Mapping[str, object] | None = None,
    repeats: int = 1,
    max_concurrency: int = 8,
    max_cost: float | None = None,
    progress: bool | None = None,
    save_to: str | os.PathLike[str] | None = None,
    run_name: str | None = None,
) -> Comparison:
    """Ask every model every input with every prompt, several at a time, and score the answers.

    A call that fails is kept as an error beside the others. Ctrl-C, or the kernel's interrupt, ends the calls
    under way and returns what is done; `resume()` of that makes the rest. Works where an event loop runs, as in a notebook.

    Args:
        models: Names, as for `client.completion`.
        inputs: Texts, dicts of variables (`expected` among them is the right answer), lists of messages, `Item`s, or
            a Langfuse dataset: `dataset("name")`.
        prompts: Texts with `{{variables}}`, Langfuse prompts as `name@version` or `name@label`, `Prompt`s, lists of
            messages; a dict gives them labels. None sends each input as the user's message. A single text as input is
            the variable `input`, or the only one; a chat prompt without variables is put before it.
        client: Who asks; default `default_client()`.
        evaluators: Score the answers: `exact()`, `regex(...)`, `json_schema(...)`, `llm_judge(...)`, or functions.
        params: OpenAI's parameters, for every call; `{"stream": True}` measures the time to the first token too.
        repeats: How many times to ask each.
        max_concurrency: Calls at a time.
        max_cost: US dollars. Nothing is sent if more is expected; no further call begins when more is spent.
        progress: Show the expected cost and a bar; default in a notebook and in a terminal.
        save_to: A file for the results, one JSON object a line. What is in it already is not asked again.
        run_name: Record the calls in Langfuse as a run of the dataset that `inputs` is, one for each candidate.

    Raises:
        ConfigurationError: Something given cannot work.
        PromptError: A prompt cannot be fetched, or an input lacks one of its variables.
        DatasetError: The dataset cannot be fetched.
        BudgetExceededError: It is expected to cost more than `max_cost`.
    """
    asked = _Asked(models, inputs, prompts, evaluators, params, repeats, run_name)
    options = _options(max_concurrency, max_cost, progress, save_to)
    return _prepared(asked, client, options).resume()


async def acompare(
    models: str | Sequence[str],
    inputs: Inputs,
    prompts: Prompts = None,
    *,
    client: GenAIClient | None = None,
    evaluators: Evaluators = (),
    params: Mapping[str, object] | None = None,
    repeats: int = 1,
    max_concurrency: int = 8,
    max_cost: float | None = None,
    progress: bool | None = None,
    save_to: str | os.PathLike[str] | None = None,
    run_name: str | None = None,
) -> Comparison:
    """As `compare`, in the running event loop. Cancelled, only `save_to` keeps what is done."""
    asked = _Asked(models, inputs, prompts, evaluators, params, repeats, run_name)
    options = _options(max_concurrency, max_cost, progress, save_to)
    # Prompts and connections may come from a server or a database.
    made = await asyncio.to_thread(_prepared, asked, client, options)
    return await made.aresume()


def estimate(
    models: str | Sequence[str],
    inputs: Inputs,
    prompts: Prompts = None,
    *,
    client: GenAIClient | None = None,
    evaluators: Evaluators = (),
    params: Mapping[str, object] | None = None,
    repeats: int = 1,
    save_to: str | os.PathLike[str] | None = None,
) -> Estimate:
    """What `compare` would cost, without a call. Takes and raises the same."""
    asked = _Asked(models, inputs, prompts, evaluators, params, repeats)
    return _prepared(asked, client, _options(1, None, False, save_to)).estimate


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is compared, as the caller gave it."""

    models: str | Sequence[str]
    inputs: Inputs
    prompts: Prompts
    evaluators: Evaluators
    params: Mapping[str, object] | None
    repeats: int
    run_name: str | None = None


def _options(
    max_concurrency: int,
    max_cost: float | None,
    progress: bool | None,
    save_to: str | os.PathLike[str] | None,
) -> Options:
    if max_concurrency < 1:
        raise ConfigurationError(f"max_concurrency must be at least 1, not {max_concurrency}")
    journal = Journal(save_to) if save_to else None
    return Options((), max_concurrency, max_cost, progress, journal)


def _prepared(asked: _Asked, client: GenAIClient | None, options: Options) -> Comparison:
    client = client or default_client()
    options = replace(options, evaluators=evaluators_of(asked.evaluators))
    source = None
    if isinstance(asked.inputs, Dataset):
        source = loaded(client, asked.inputs)
        items = items_of(source.items)
    else:
        items = items_of(asked.inputs)
    variants = variants_of(asked.prompts, client)
    plan = plan_of(asked.models, variants, items, dict(asked.params or {}), asked.repeats)
    if asked.run_name:
        runs = _runs(client, source, asked.run_name, plan)
        options = replace(options, runs=runs)
    return Comparison(client, plan, options)


def _runs(client: GenAIClient, source: LoadedDataset | None, name: str, plan: Plan) -> DatasetRuns:
    if source is None:
        raise ConfigurationError('run_name needs a Langfuse dataset: pass inputs=dataset("name")')
    check_tracing(client)
    return DatasetRuns(client, source.id, run_names(name, plan.candidates))
