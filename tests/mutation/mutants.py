"""Faults that somebody might make, by module and the piece of source that they change.

A piece is written so that it occurs once in its module. Who changes that line changes the row here.
"""

from __future__ import annotations

from typing import NamedTuple

NAMES = "genai_integrations.routing.names", ("tests/routing/test_names.py",)
_REFUSALS = ("tests/transports/test_failures.py", "tests/transports/test_refusals.py")
FAILURES = "genai_integrations.transports.failures", _REFUSALS
FACTS = "genai_integrations.transports.facts", _REFUSALS
MEANINGS = "genai_integrations.transports.meanings", _REFUSALS
WAITS = "genai_integrations.transports.waits", _REFUSALS


class Mutant(NamedTuple):
    """One fault.

    Attributes:
        module: Where it is.
        tests: Files of which at least one test must fail.
        before: The source as it is.
        after: The source with the fault.
    """

    module: str
    tests: tuple[str, ...]
    before: str
    after: str


MUTANTS = [
    # What a name means.
    Mutant(*NAMES, "self._aliases.get(name, name)", "name"),
    Mutant(*NAMES, "if slash and rest:", "if slash:"),
    Mutant(*NAMES, "if prefix in self._by_name:", "if False:"),
    Mutant(
        *NAMES,
        "if found:\n                return found",
        "if not found:\n                return found",
    ),
    Mutant(*NAMES, "listing or open_ended or mine", "open_ended or listing or mine"),
    Mutant(*NAMES, "listing or open_ended or mine", "listing or mine"),
    Mutant(*NAMES, "_listed_id(connection, model) or _default_id(connection, model)", "model"),
    Mutant(*NAMES, "if prefix in self._broken:", "if False:"),
    Mutant(
        *NAMES, "raise copy.copy(self._broken[prefix].error)", "raise self._broken[prefix].error"
    ),
    Mutant(*NAMES, "if len(self._known) < _MOST_NAMES:", "if True:"),
    Mutant(*NAMES, "if row.provider.aggregator and name not in row.custom_models:", "if False:"),
    Mutant(*NAMES, "if not row.provider.aggregator:", "if False:"),
    Mutant(*NAMES, 'if not family or "/" in name:', "if not family:"),
    Mutant(*NAMES, "if row.provider.name in family.hosts:", "if False:"),
    Mutant(*NAMES, "if target.name not in seen:", "if True:"),
    Mutant(*NAMES, "connection.custom_models[:5]", "connection.custom_models[5:]"),
    Mutant(*NAMES, "n=3, cutoff=0.5", "n=3, cutoff=0.99"),
    Mutant(*NAMES, "rest if slash and prefix not in connections and", "rest if slash and"),
    Mutant(*NAMES, 'if vendor in ("", family.vendor) else None', 'if vendor == "" else None'),
    # What a provider's failure means.
    Mutant(*MEANINGS, "401: AuthenticationError,", "401: BadRequestError,"),
    Mutant(*MEANINGS, "402: OutOfCreditError,", ""),
    Mutant(*MEANINGS, "409: ServerError,", ""),
    Mutant(*MEANINGS, "    5: ServerError,", "    5: BadRequestError,"),
    Mutant(*MEANINGS, '"exceed_context_size_error": ContextWindowExceededError,', ""),
    Mutant(*MEANINGS, '"deploymentnotfound": NotFoundError,', ""),
    Mutant(*MEANINGS, '"rate_limit_exceeded": RateLimitError,', ""),
    Mutant(*MEANINGS, 'r"while limit is": ContextWindowExceededError,', ""),
    Mutant(*MEANINGS, '"invalid_grant": AuthenticationError,', ""),
    Mutant(*MEANINGS, "frozenset((400, 413, 422))", "frozenset((400, 422))"),
    Mutant(*MEANINGS, "WEAK = (BadRequestError, RateLimitError, ServerError)", "WEAK = ()"),
    Mutant(*FAILURES, "status >= 400 and issubclass(reason, OVERRULING)", "False"),
    Mutant(*FAILURES, "if status == 200 and kind in", "if kind in"),
    Mutant(*FAILURES, "kind = by_name or (kind_of_status", "kind = (kind_of_status"),
    Mutant(*FAILURES, '_LITELLMS_PREFIX.sub("", said.message)', "said.message"),
    Mutant(*FAILURES, "300 <= status < 400", "300 < status < 400"),
    Mutant(*FACTS, "if isinstance(data, list) and data:", "if False:"),
    Mutant(*FACTS, "key=len, reverse=True", "key=len"),
    Mutant(*FACTS, "return [scrubbed(item, secrets) for item in value]", "return value"),
    Mutant(*FACTS, "words = tuple(word.lower()", "words = tuple(word"),
    Mutant(*FACTS, "inner = embedded(value) if name in _INNER else None", "inner = None"),
    Mutant(*FACTS, "key=lambda row: -row[0]", "key=lambda row: row[0]"),
    Mutant(*WAITS, "return milliseconds / 1000", "return milliseconds"),
    Mutant(*WAITS, "and 0 <= value < float", "and 0 < value < float"),
    Mutant(*WAITS, "and 0 <= value < float", "and value < float"),
    Mutant(*WAITS, "if asked is None and status == _RATE_LIMITED:", "if asked is None:"),
]
