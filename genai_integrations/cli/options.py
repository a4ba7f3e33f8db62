"""What several commands share: options, the client, and a word to beginners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from genai_integrations.cli import render

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_NO_CONNECTIONS = (
    "There are no connections: set OPENAI_API_KEY or another provider's variable, "
    "or LANGFUSE_DATABASE_URL to use those in Langfuse. `genai demo` needs none."
)


def client() -> GenAIClient:
    """The client of the environment's settings."""
    from genai_integrations.client import default_client

    return default_client()


def hint(connections: Sequence[object]) -> None:
    """What to set, where there are no connections."""
    if not connections:
        render.stderr().print(_NO_CONNECTIONS)


def model_names(incomplete: str) -> list[str]:
    """Listed models that start so, for the shell's Tab; nothing where they cannot be read."""
    from genai_integrations.errors import GenAIError

    try:
        return [name for name in client().models() if name.startswith(incomplete)]
    except GenAIError:
        return []
