"""Parameters of a call: the LLM's own, those of a surrounding block, the call's. The last one wins."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from genai_integrations.calls.headers import checked_headers
from genai_integrations.calls.request import REDIRECTING
from genai_integrations.errors import ConfigurationError

NAMES = MappingProxyType(
    {
        "temperature": "temperature",
        "max_tokens": "max_tokens",
        "timeout": "timeout",
        "max_retries": "num_retries",
        "user": "user",
    }
)
"""Fields of an LLM, and the client's name of each."""

_LIMITS = ("max_tokens", "max_completion_tokens")
"""Two names of one limit, of which a request may have one."""

_surrounding: ContextVar[Mapping[str, Any]] = ContextVar(
    "genai_integrations_llama_index_params", default=MappingProxyType({})
)


@contextlib.contextmanager
def use_params(**params: Any) -> Generator[None]:
    """Give parameters to every call of a `GenAI` in a `with` block, in this thread or task.

    It reaches where no argument does: through query engines, chat engines, agents and extractors. What a call
    itself is given still wins; blocks nest.

    Args:
        params: `model`, `temperature`, `max_tokens`, `timeout`, `max_retries` and every other parameter of
            `GenAIClient.completion`. None takes away what the LLM has.

    Raises:
        ConfigurationError: A parameter would redirect a key.
    """
    check_params(params)
    token = _surrounding.set({**_surrounding.get(), **params})
    try:
        yield
    finally:
        _surrounding.reset(token)


def surrounding() -> Mapping[str, Any]:
    """The parameters of the surrounding blocks."""
    return _surrounding.get()


def check_params(params: Mapping[str, Any]) -> None:
    """Refuse what would send a key elsewhere. The message has names, never values.

    Raises:
        ConfigurationError: A parameter would redirect a key.
    """
    if not params:
        return
    body = params.get("extra_body")
    given = {**params, **(body if isinstance(body, Mapping) else {})}
    checked_headers(given.get("extra_headers"))
    redirecting = ", ".join(sorted(REDIRECTING.intersection(given)))
    if redirecting:
        raise ConfigurationError(
            f"an LLM may not set {redirecting}: keys and addresses belong to connections; add a connection in "
            "Langfuse, or pass client=GenAIClient(connections=[...])"
        )


def merged(*levels: Mapping[str, Any]) -> dict[str, Any]:
    """One set of parameters in the client's names; later levels win, and `metadata` is put together."""
    params: dict[str, Any] = {}
    for level in levels:
        for given, value in level.items():
            name = NAMES.get(given, given)
            if name in _LIMITS:
                for other in _LIMITS:
                    params.pop(other, None)
            known = params.get(name) if name == "metadata" else None
            params[name] = {**known, **value} if known and isinstance(value, Mapping) else value
    return params
