"""Dataset runs in Langfuse: each call's trace belongs to an item of a dataset and to a run."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genai_integrations.client import GenAIClient
from genai_integrations.errors import ConfigurationError, DatasetError
from genai_integrations.experiments.plan import Cell
from genai_integrations.experiments.results import Candidate, Result, Score

if TYPE_CHECKING:
    from langfuse import Langfuse, LangfuseSpan
    from langfuse._client.propagation import PropagatedExperimentAttributes

_log = logging.getLogger("genai_integrations")

_EXPECTED = "langfuse.experiment.item.expected_output"
_ENVIRONMENT = "langfuse.environment"
_EXPERIMENTS = "sdk-experiment"
"""The environment in which the SDK records experiments, apart from production's traces."""

_BATCH = 100
"""Scores in one request."""


class DatasetRuns:
    """Records calls as the runs of a dataset, one run for each candidate.

    Since its version 5 the Langfuse SDK creates no run at the server: a run is the traces that carry its id.

    Args:
        client: Has the Langfuse SDK's client.
        dataset_id: Langfuse's id of the dataset.
        names: Each candidate's run.

    Raises:
        ConfigurationError: The client does not trace.
        DatasetError: Langfuse cannot be asked which project this is.
    """

    def __init__(
        self, client: GenAIClient, dataset_id: str, names: Mapping[Candidate, str]
    ) -> None:
        self._sdk = client.langfuse
        self._dataset = dataset_id
        self._names = names
        self._scores: list[object] = []
        project = _project(self._sdk, client.host)
        self._ids = {
            name: _run_id(project, dataset_id, name) for name in dict.fromkeys(names.values())
        }

    @contextmanager
    def recorded(self, cell: Cell) -> Generator[LangfuseSpan]:
        """While the call is made: what is traced meanwhile belongs to the item and the run."""
        from langfuse._client.propagation import _propagate_attributes
        from opentelemetry.trace import get_current_span

        item, name = cell.item, self._names[cell.candidate]
        about = {
            "experiment_run_name": name,
            "dataset_item_id": item.id,
            "model": cell.candidate.model,
        }
        with self._sdk.start_as_current_observation(
            name="experiment-item-run", input=item.input, metadata=about
        ) as span:
            fixed = {_ENVIRONMENT: _EXPERIMENTS, _EXPECTED: _serialized(item.expected)}
            get_current_span().set_attributes(fixed)
            # The SDK's public propagate_attributes() does not know experiments.
            with _propagate_attributes(experiment=self._membership(cell, span.id)):
                yield span

    def score(self, result: Result, scores: Mapping[str, Score]) -> None:
        """Note scores of an item, for `send`. Langfuse's page of an experiment shows those of the item's span only."""
        from langfuse.api import CreateScoreRequest

        self._scores += [
            CreateScoreRequest(
                name=name,
                value=score.value,
                trace_id=result.trace_id,
                observation_id=result.observation_id,
                comment=score.reason or None,
            )
            for name, score in scores.items()
            if result.trace_id and score.value is not None
        ]

    def send(self) -> None:
        """Send what is recorded and what is noted, and wait for it."""
        self._sdk.flush()
        scores, self._scores = self._scores, []
        try:
            for at in range(0, len(scores), _BATCH):
                self._send_scores(scores[at : at + _BATCH])
        except Exception as error:  # noqa: BLE001  the run itself is complete without
            _log.warning("scores did not reach Langfuse: %s", type(error).__name__)

    def _membership(self, cell: Cell, root: str) -> PropagatedExperimentAttributes:
        """What makes a trace part of the run."""
        name = self._names[cell.candidate]
        return {
            "experiment_id": self._ids[name],
            "experiment_name": name,
            "experiment_metadata": None,
            "experiment_dataset_id": self._dataset,
            "experiment_item_id": cell.item.id,
            "experiment_item_metadata": None,
            "experiment_item_root_observation_id": root,
        }

    def _send_scores(self, scores: Sequence[Any]) -> None:
        from langfuse.api import Error

        create = self._sdk.api.scores.create
        try:
            create(request=list(scores))
        except Error:
            # Servers of version 4 take one score at a time, not the list that the SDK is made for.
            for score in scores:
                create(request=score)


def run_names(name: str, candidates: Iterable[Candidate]) -> dict[Candidate, str]:
    """The run of each candidate: the name itself for the only one."""
    rows = tuple(candidates)
    return {row: name if len(rows) == 1 else f"{name}: {row}" for row in rows}


def finish(span: LangfuseSpan, result: Result) -> None:
    """Write on an item's span what came of the call."""
    if result.error is None:
        span.update(output=result.text)
    else:
        span.update(output=result.error, level="ERROR", status_message=result.error)


def check_tracing(client: GenAIClient) -> None:
    """Refuse a run that nothing would record.

    Raises:
        ConfigurationError: The client does not trace.
    """
    if not client.is_traced:
        raise ConfigurationError("run_name needs tracing: make the client with tracing=True")


def _project(sdk: Langfuse, host: str) -> str:
    try:
        return str(sdk.api.projects.get().data[0].id)
    except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
        failure = f"{type(error).__name__} from Langfuse at {host}: no dataset run can be written"
    # Outside the handler, because the SDK's frames hold the key pair in their locals.
    raise DatasetError(failure)


def _run_id(project: str, dataset: str, name: str) -> str:
    """The id that Langfuse itself gives the run of that name, so that runs of one name are one run."""
    parts = json.dumps(
        ["langfuse-experiment-v1", project, dataset, name],
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _serialized(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
