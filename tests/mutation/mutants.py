"""Faults that somebody might make, by module and the piece of source that they change.

A piece is written so that it occurs once in its module. Who changes that line changes the row here.
"""

from __future__ import annotations

from typing import NamedTuple

NAMES = "genai_integrations.routing.names", ("tests/routing/test_names.py",)
FAILURES = "genai_integrations.transports.failures", ("tests/transports/test_failures.py",)


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
    Mutant(*FAILURES, "401: AuthenticationError,", "401: BadRequestError,"),
    Mutant(*FAILURES, "402: RateLimitError,", ""),
    Mutant(*FAILURES, "409: ServerError,", ""),
    Mutant(*FAILURES, "5: ServerError,", "5: BadRequestError,"),
    Mutant(*FAILURES, '"exceed_context_size_error": ContextWindowExceededError,', ""),
    Mutant(*FAILURES, '"deploymentnotfound": NotFoundError,', ""),
    Mutant(*FAILURES, '"rate_limit_exceeded": RateLimitError,', ""),
    Mutant(*FAILURES, '"while limit is": ContextWindowExceededError,', ""),
    Mutant(*FAILURES, '"invalid_grant": AuthenticationError,', ""),
    Mutant(*FAILURES, "frozenset((400, 413, 422))", "frozenset((400, 422))"),
    Mutant(
        *FAILURES,
        "kind = (_by_phrase(message) if is_plain else None) or by_code or kind",
        "kind = by_code or kind",
    ),
    Mutant(*FAILURES, "if code.isdecimal() else None", "if False else None"),
    Mutant(*FAILURES, "if isinstance(data, list) and data:", "if False:"),
    Mutant(*FAILURES, "return milliseconds / 1000", "return milliseconds"),
    Mutant(*FAILURES, "and 0 <= value < float", "and 0 < value < float"),
    Mutant(*FAILURES, "and 0 <= value < float", "and value < float"),
    Mutant(*FAILURES, "moment = moment.replace(tzinfo=UTC)", "pass"),
    Mutant(*FAILURES, "key=len, reverse=True", "key=len"),
    Mutant(*FAILURES, "return [scrubbed(item, secrets) for item in value]", "return value"),
    Mutant(*FAILURES, "str(code).lower()", "str(code)"),
    Mutant(*FAILURES, "*_reasons(detail),", ""),
    Mutant(*FAILURES, 'removesuffix("s")', 'removesuffix("ms")'),
    Mutant(*FAILURES, "if status == 200 and kind in", "if kind in"),
    Mutant(*FAILURES, "kind = by_name or (kind_of_status", "kind = (kind_of_status"),
    Mutant(*FAILURES, '_LITELLMS_PREFIX.sub("", text)', "text"),
    Mutant(*FAILURES, "300 <= status < 400", "300 < status < 400"),
    Mutant(*FAILURES, "[:_LONGEST]\n\n\ndef _number", "\n\n\ndef _number"),
]
