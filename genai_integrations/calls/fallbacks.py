"""Where one call may fall back to, in place of what the client has: LiteLLM's per-call arguments.

`fallbacks=["gpt-4o-mini", {"model": "claude-sonnet-4-5", "temperature": 0}]` as in `litellm.completion`, or the tables of
its Router, `[{"gpt-4o": ["gpt-4o-mini"]}]`. Loaded by those who give them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from genai_integrations.calls.args import (
    CALL_FALLBACKS,
    DISABLE_FALLBACKS,
    PER_CALL,
    ROUTER_ARGS,
    Fallbacks,
    fallback_table,
)
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown


class Fallback(NamedTuple):
    """A name to go to, and what the request says there in place of what it says elsewhere."""

    model: str
    params: Mapping[str, Any]


Row = tuple[Fallback, ...] | Fallbacks
"""Those of the call itself, or a table in which its model is looked up."""


@dataclass(frozen=True, slots=True)
class CallFallbacks:
    """What a call says; None where the client's own hold.

    Attributes:
        usual: `fallbacks`.
        window: `context_window_fallbacks`.
        filtered: `content_policy_fallbacks`.
    """

    usual: Row | None = None
    window: Row | None = None
    filtered: Row | None = None

    def names(self) -> Iterator[str]:
        """Every model that they name."""
        for row in (self.usual, self.window, self.filtered):
            if isinstance(row, tuple):
                yield from (fallback.model for fallback in row)
            else:
                yield from (name for names in (row or {}).values() for name in names)

    def params(self) -> Iterator[Mapping[str, Any]]:
        """What each of them says for itself."""
        for row in (self.usual, self.window, self.filtered):
            if isinstance(row, tuple):
                yield from (fallback.params for fallback in row)


_NONE = CallFallbacks((), (), ())


def call_fallbacks(params: Mapping[str, Any]) -> CallFallbacks | None:
    """What the parameters of a call say of it; None if nothing.

    Raises:
        ConfigurationError: It cannot be meant.
    """
    disabled = params.get(DISABLE_FALLBACKS, False)
    if not isinstance(disabled, bool):
        raise ConfigurationError(
            f"{DISABLE_FALLBACKS} must be True or False, not {shown(disabled)}"
        )
    given = {name: params[name] for name in CALL_FALLBACKS if params.get(name) is not None}
    if disabled:
        if any(given.values()):
            raise ConfigurationError(
                f"{', '.join(given)} is given together with {DISABLE_FALLBACKS}=True"
            )
        return _NONE
    if not given:
        return None
    return CallFallbacks(
        *(_row(name, given[name]) if name in given else None for name in CALL_FALLBACKS)
    )


def names_in(params: Mapping[str, Any]) -> Iterator[str]:
    """Every model that a call itself says it may fall back to.

    Raises:
        ConfigurationError: As `call_fallbacks`.
    """
    found = call_fallbacks(params)
    if found is not None:
        yield from found.names()


def _row(name: str, value: object) -> Row:
    rows = [value] if isinstance(value, Mapping) else value
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise _wrong(name, value)
    tables = [row for row in rows if isinstance(row, Mapping) and "model" not in row]
    if not tables:
        return tuple(_fallback(name, row) for row in rows)
    if len(tables) < len(rows):
        raise _wrong(name, value)
    return fallback_table(name, tables)


def _fallback(name: str, row: object) -> Fallback:
    if isinstance(row, str) and row:
        return Fallback(row, {})
    if not isinstance(row, Mapping) or not isinstance(row["model"], str) or not row["model"]:
        raise _wrong(name, row)
    params = {key: value for key, value in row.items() if key != "model"}
    elsewhere = ROUTER_ARGS | PER_CALL | _NOT_THERE
    if wrong := sorted(key for key in params if key in elsewhere or str(key).startswith(_TRACE)):
        raise ConfigurationError(
            f"{name}: {', '.join(wrong)} cannot differ for {shown(row['model'])}: give it to the call; "
            "a fallback may have OpenAI's parameters, such as temperature"
        )
    return Fallback(row["model"], params)


_TRACE = "langfuse_"
_NOT_THERE = frozenset(
    (
        *("messages", "stream", "stream_options", "input", "metadata", "response_format"),
        *("extra_body", "extra_headers", DISABLE_FALLBACKS, "variables"),
    )
)
"""What belongs to the call, whoever answers it."""


def _wrong(name: str, value: object) -> ConfigurationError:
    return ConfigurationError(
        f'{name} must be a list such as ["gpt-4o-mini", {{"model": "gpt-4o", "temperature": 0}}] or '
        f'[{{"gpt-4o": ["gpt-4o-mini"]}}], not {shown(value)}'
    )
