"""Name a model, get an answer.

    from genai_integrations import GenAIClient

    client = GenAIClient()
    reply = client.completion("gpt-4o-mini", [{"role": "user", "content": "Hello!"}])

LangChain users import `genai_integrations.langchain`, LlamaIndex users `genai_integrations.llama_index`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_integrations.calls.variants import Experiment, Rollout
    from genai_integrations.client import GenAIClient, default_client, use_client
    from genai_integrations.connections.connection import (
        BrokenConnection,
        Connection,
        ConnectionStore,
    )
    from genai_integrations.errors import GenAIError
    from genai_integrations.experiments.comparing import compare
    from genai_integrations.runtime.secret import Secret
    from genai_integrations.transports.own_providers import register_provider

__all__ = [
    "BrokenConnection",
    "Connection",
    "ConnectionStore",
    "Experiment",
    "GenAIClient",
    "GenAIError",
    "Rollout",
    "Secret",
    "compare",
    "default_client",
    "register_provider",
    "use_client",
]

_HOMES = {
    "BrokenConnection": "connections.connection",
    "Connection": "connections.connection",
    "ConnectionStore": "connections.connection",
    "Experiment": "calls.variants",
    "GenAIClient": "client",
    "GenAIError": "errors",
    "Rollout": "calls.variants",
    "Secret": "runtime.secret",
    "compare": "experiments.comparing",
    "default_client": "client",
    "register_provider": "transports.own_providers",
    "use_client": "client",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    from importlib import import_module

    if name == "__version__":
        from genai_integrations.version import VERSION

        return VERSION
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext genai_integrations`: register `%genai`."""
    from genai_integrations.notebook.magics import register

    register(shell)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
