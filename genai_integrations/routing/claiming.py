"""What an attempt asks of limits and budgets: under which names, how many tokens, how much money at worst."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import OK, Attempt
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import CallError
from genai_integrations.limits.claims import Claim, Row
from genai_integrations.limits.gate import Gate
from genai_integrations.limits.rules import EVERYTHING, Limit, nanos, own_budget
from genai_integrations.models.tokens import request_tokens, rough_tokens
from genai_integrations.models.usage import number
from genai_integrations.models.vocabularies import vocabulary_of
from genai_integrations.models.worst import answer_bound, has_sound, longest_answer, worst_cost
from genai_integrations.routing.deployments import Target
from genai_integrations.runtime.bounded_map import BoundedMap

_log = logging.getLogger("genai_integrations")

USUAL_ANSWER = 256
"""Tokens of an answer for `tpm` until the true ones are known, where the request allows more or does not say."""

CALLERS = ("user", "team", "key")
"""Kinds of names that say on whose behalf a call is; `user:alice` means a user even where a connection has that name."""

_KINDS = tuple(f"{kind}:" for kind in CALLERS)

_warned: BoundedMap[str, bool] = BoundedMap(1024)


class Claims:
    """Makes the claims of one call.

    Args:
        gate: Knows the limits and budgets.
        request: The call.
        own: Names of the targets that the model's name itself means.
        has_cap: Whether the call may cost only so much.
    """

    def __init__(self, gate: Gate, request: Request, own: frozenset[str], *, has_cap: bool) -> None:
        self._gate = gate
        self._request = request
        self._own = own
        self._has_cap = has_cap
        self._callers = [name for name in _callers(request) if name in gate.names]
        self._made: dict[str, Claim] = {}
        self._rough: int | None = None
        self.was_counted = False

    def of(self, target: Target) -> Claim:
        """What an attempt at a target asks; the same object until it was let in."""
        claim = self._made.get(target.name)
        if claim is None:
            claim = self._made[target.name] = self._new(target)
        return claim

    def counts_money(self, target: Target) -> bool:
        """Whether it matters what an attempt may cost: others' budgets cost this call nothing."""
        return self._has_cap or bool(self.of(target).budgets)

    def let_in(self) -> None:
        """The next attempt has a claim of its own, and the call is counted once for those on whose behalf it is."""
        self.was_counted = True
        self._made.clear()

    def rough(self) -> int:
        """Nearly the tokens of the prompt."""
        if self._rough is None:
            self._rough = rough_tokens(self._request.body)
        return self._rough

    def price(self, target: Target) -> None:
        """Work out what an attempt may cost at worst. It counts tokens, which takes time."""
        claim = self.of(target)
        if claim.nanos:
            return
        body, model = self._body(target), target.model
        provider = target.connection.provider.name
        counted = request_tokens(body, model)
        prompt = round(counted * (1 + vocabulary_of(model).error))
        worst = worst_cost(
            provider,
            model,
            prompt,
            longest_answer(body, provider, model),
            sound=has_sound(body),
            tier=body.get("service_tier"),
            own=target.deployment.prices,
        )
        if worst is None and _warned.get(target.name) is None:
            _warned.put(target.name, True)
            _log.warning("the price of %s is not known, so budgets and max_cost do not stop it", target.name)  # fmt: skip
        claim.nanos = nanos(worst or 0.0)

    def _new(self, target: Target) -> Claim:
        gate = self._gate
        names = [name for name in self._names(target) if name in gate.names]
        rows = [
            Row(name, gate.limits[name], requests, requests, lasts=lasts)
            for name, requests, lasts in self._counted(names)
            if name in gate.limits
        ]
        allowed = target.deployment
        if (allowed.rpm or allowed.tpm) and target.name not in gate.limits:
            # What its row of `model_list` says; `limits` wins.
            gate.know(target.name)
            rows.append(Row(target.name, Limit(allowed.rpm, allowed.tpm), slots=0))
        # Read once: another call may have one put in its place, or taken away.
        all_budgets = gate.budgets
        budgets = {name: all_budgets[name] for name in (*self._callers, *names) if name in all_budgets}  # fmt: skip
        body = self._body(target)
        asked = answer_bound(body)
        answer = USUAL_ANSWER if asked is None else min(asked, USUAL_ANSWER)
        if "messages" not in body:
            answer = 0
        is_limited = any(row.limit.tpm is not None for row in rows)
        if not is_limited:
            return Claim(rows, budgets, 0)
        rough = self.rough() if body is self._request.body else rough_tokens(body)
        return Claim(rows, budgets, rough + answer)

    def _body(self, target: Target) -> Wire:
        """The request as it goes to a target: its row, or the call's own fallback, may say more, or otherwise."""
        request, defaults = self._request, target.deployment.defaults
        if defaults:
            from genai_integrations.routing.groups import with_defaults

            request = with_defaults(request, defaults)
        return {**request.body, **target.said} if target.said else request.body

    def _counted(self, names: Iterable[str]) -> Iterator[tuple[str, int, bool]]:
        """Names with how much the attempt counts for each, and whether that is the call's."""
        for name in self._callers:
            yield name, int(not self.was_counted), True
        for name in names:
            if name not in self._callers:
                yield name, 1, False

    def _names(self, target: Target) -> list[str]:
        """Names of a target: itself, its connection, the provider's model, and the name that was asked for it."""
        names = [target.name, target.connection.name, target.model]
        if target.name in self._own:
            names.append(self._request.model)
        return list(dict.fromkeys(names))


def _callers(request: Request) -> list[str]:
    """Names of a whole call."""
    metadata = request.metadata
    found = {kind: metadata.get(kind) for kind in CALLERS}
    found["user"] = request.user
    given = [(kind, name) for kind, name in found.items() if isinstance(name, str)]
    # A user who calls itself `key:ci` would spend what that key has.
    bare = (name for _, name in given if not name.startswith(_KINDS))
    names = [EVERYTHING, *bare, *(f"{kind}:{name}" for kind, name in given)]
    if isinstance(key := found["key"], str):
        names.append(own_budget(key))
    return list(dict.fromkeys(names))


def used(attempts: Sequence[Attempt], claim: Claim) -> tuple[int | None, int | None]:
    """Tokens and billionths of a dollar of the requests that one attempt was made of; None where nobody knows.

    A request that was refused with a status took nothing. One that was lost, or left in the middle, may have been
    paid for: what was reserved for it stays.
    """
    tokens = cost = 0
    for attempt in attempts:
        usage = attempt.usage
        if usage is None and _is_refused(attempt):
            continue
        price = attempt.cost
        if price is None and not (usage is not None and not claim.nanos):
            return (tokens + attempt_tokens(usage)) if usage else None, None
        cost += nanos(price or 0.0)
        tokens += attempt_tokens(usage)
    return tokens, cost


def attempt_tokens(usage: object) -> int:
    """All tokens that a provider reported."""
    if not isinstance(usage, dict):
        return 0
    total = number(usage.get("total_tokens"))
    if total is not None:
        return int(total)
    parts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return sum(int(number(part) or 0) for part in parts)


def _is_refused(attempt: Attempt) -> bool:
    error = attempt.error
    return attempt.outcome != OK and isinstance(error, CallError) and error.status is not None
