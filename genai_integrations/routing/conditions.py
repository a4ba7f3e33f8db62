"""Rules of a client, asked about one request: which of them holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from genai_integrations.calls.conditions import Rule
from genai_integrations.calls.identity import identity
from genai_integrations.calls.needs import last_question, needs_of
from genai_integrations.calls.request import Request
from genai_integrations.calls.scripts import language_of
from genai_integrations.models.tokens import rough_tokens


def rule_for(request: Request, rules: Sequence[Rule]) -> tuple[str, str] | None:
    """The name that the first rule that holds leads to, and why; None if none holds.

    Rules are for chats. A call that has to stay with its name, such as the test call of a connection, has none.
    """
    if request.operation != "chat/completions" or request.disable_fallbacks:
        return None
    facts = _Facts(request)
    for at, rule in enumerate(rules):
        if rule.condition.holds(facts.look):
            return rule.then, f"conditions[{at}] leads to {rule.then!r}: {rule.condition}"
    return None


class _Facts:
    """What one request has for its conditions; each is worked out once, when a rule first asks."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[str, object] = {}

    def look(self, field: str) -> object:
        if field not in self._known:
            self._known[field] = self._found(field)
        return self._known[field]

    def _found(self, field: str) -> object:
        known = _FACTS.get(field)
        if known is not None:
            return known(self._request)
        start, _, path = field.partition(".")
        found: object = _OPEN[start](self._request)
        for name in path.split("."):
            if not isinstance(found, Mapping):
                return None
            found = found.get(name)
        return found


_FACTS: Mapping[str, Callable[[Request], object]] = {
    "model": lambda request: request.model,
    "user": lambda request: identity(request, "user"),
    "input_tokens": lambda request: rough_tokens(request.body),
    "language": lambda request: language_of(last_question(request.body)),
    "needs": lambda request: needs_of(request.body)[0],
    "stream": lambda request: request.stream,
}
"""How each field of a rule is found; `calls.conditions` has their names."""

_OPEN: Mapping[str, Callable[[Request], Mapping[str, object]]] = {
    "metadata": lambda request: request.metadata,
    "params": lambda request: request.body,
}
