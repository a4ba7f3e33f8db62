"""Arguments that a client does not take, and where each belongs."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from genai_integrations.calls.args import ROUTER_ARGS
from genai_integrations.errors import ConfigurationError

_A_KEY = (
    "a provider's key belongs to a connection: set its variable, such as OPENAI_API_KEY, or give "
    'connections=[Connection.of("openai", "openai", key)]'
)
_AN_ADDRESS = (
    "a provider's address belongs to a connection: set its variable, such as OPENAI_BASE_URL, or give "
    'connections=[Connection.of("openai", "openai", key, base_url)]'
)
_A_CALL = "it belongs to each call: client.completion(model, messages, ...)"

_PLACES: Mapping[str, str] = {
    **dict.fromkeys(("api_key", "key", "token"), _A_KEY),
    **dict.fromkeys(("api_base", "base_url", "azure_endpoint"), _AN_ADDRESS),
    **dict.fromkeys(
        ("model", "messages", "temperature", "max_tokens", "stream", "tools", "response_format"),
        _A_CALL,
    ),
    **dict.fromkeys(
        ("retries", "max_retries"), 'write router_args={"num_retries": ...} for the client'
    ),
}


def misplaced(name: str, known: Collection[str]) -> ConfigurationError:
    """The error for an argument that a client does not take.

    Args:
        name: Its name.
        known: Those that it takes.
    """
    return ConfigurationError(f"GenAIClient takes no {name}: {_place(name, known)}")


def _place(name: str, known: Collection[str]) -> str:
    if name in ROUTER_ARGS:
        return f"write router_args={{{name!r}: ...}}"
    if name in _PLACES:
        return _PLACES[name]
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(known))}"
