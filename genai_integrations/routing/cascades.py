"""Cascades: models that are asked one after the other until the program accepts an answer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.choices import CascadeOf
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError, GenAIError, RejectedAnswerError
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.judging import JudgeOfAnswers
from genai_integrations.transports.remedies.restatements import not_streamed


@dataclass(frozen=True, slots=True)
class Cascade:
    """Whose answers are judged in one call, and how.

    Attributes:
        name: Of the cascade.
        accept: See `CascadeOf`.
        judged: Names of the targets whose answers are judged: all but those of the last model.
    """

    name: str
    accept: Any
    judged: frozenset[str]

    def asked(
        self, target: Target, request: Request, timeout: float, ends: float | None
    ) -> tuple[Request, float]:
        """How a target is asked, and for how many seconds: for a whole answer if that has to be judged.

        Chunks of it would be with the caller before anybody could judge them.
        """
        if not request.stream or target.name not in self.judged:
            return request, timeout
        whole = dataclasses.replace(request, stream=False, body=not_streamed(request.body))
        timeout = request.args.timeout
        return whole, timeout if ends is None else min(timeout, ends - time.monotonic())

    def judge(self, route: Route) -> JudgeOfAnswers:
        """Who judges the answers of a call."""
        if isinstance(self.accept, Mapping):
            return self._fits
        return lambda _request, wire: self._accepted(Reply(wire, route))

    def _accepted(self, reply: Reply) -> GenAIError | None:
        """What the program's own function says. One that raises is a defect of the program, and no verdict."""
        try:
            verdict = self.accept(reply)
        except Exception as error:
            raise ConfigurationError(
                f"the accept of the cascade {self.name!r} raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(verdict, bool):
            raise ConfigurationError(
                f"the accept of the cascade {self.name!r} must give True or False, not {type(verdict).__name__}"
            )
        return (
            None
            if verdict
            else RejectedAnswerError(f"the cascade {self.name!r} did not accept the answer")
        )

    def _fits(self, _request: Request, wire: Wire) -> GenAIError | None:
        """Whether the text of every choice is JSON that fits the schema."""
        from genai_integrations.transports.remedies.misfits import misfit

        for choice in wire["choices"]:
            reason = misfit(choice["message"].get("content") or "", self.accept)
            if reason:
                return RejectedAnswerError(
                    f"the cascade {self.name!r} did not accept the answer: {reason}"
                )
        return None


class CascadeName:
    """A name that stands for a cascade.

    Args:
        name: The name.
        row: What it was given.
        served: For each of its models that somebody serves, its targets.
    """

    is_one_choice = False

    def __init__(self, name: str, row: CascadeOf, served: Mapping[str, Sequence[Target]]) -> None:
        self._name = name
        self._accept = row.accept
        self._model_of: dict[str, str] = {}
        self._groups: list[Sequence[Target]] = []
        for model, targets in served.items():
            # Two names may mean one target: it is asked once, where it comes first.
            new = [target for target in targets if target.name not in self._model_of]
            self._model_of |= {target.name: model for target in new}
            self._groups += [new] if new else []

    def groups(self) -> list[Sequence[Target]]:
        """The targets of each model, in order."""
        return self._groups

    def explained(self) -> Mapping[str, str]:
        """Why each target is there, by its name."""
        last = next(reversed(self._model_of.values()))
        return {
            name: "the last, whose answer is given" if model == last else "its answer is judged"
            for name, model in self._model_of.items()
        }

    def finished(self, plan: Plan, request: Request) -> Plan:  # noqa: ARG002  the protocol's
        """The plan with the last model that is left marked as the one whose answer is given whatever it says."""
        left = [
            self._model_of[target.name]
            for group in (plan.targets, *plan.fallbacks)
            for target in group
            if target.name in self._model_of
        ]
        models = list(dict.fromkeys(left))
        judged = frozenset(
            name for name, model in self._model_of.items() if models and model in models[:-1]
        )
        why = f"the cascade {self._name!r}: {' then '.join(models)}"
        why = f"{why}; {plan.why}" if plan.why else why
        return dataclasses.replace(plan, cascade=Cascade(self._name, self._accept, judged), why=why)
