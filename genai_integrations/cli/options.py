"""What several commands share: options, the client, and a word to beginners."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from genai_integrations.cli import render
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient
    from genai_integrations.prompts.listing import PromptSummary

_Row = TypeVar("_Row")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def model_option(text: str) -> Any:
    """`--model`, which Tab completes.

    Args:
        text: Its help.
    """
    return typer.Option("--model", "-m", help=text, autocompletion=model_names)


_NO_CONNECTIONS = (
    "There are no connections: set OPENAI_API_KEY or another provider's variable, "
    "or LANGFUSE_DATABASE_URL to use those in Langfuse. `genai demo` needs none."
)


def client() -> GenAIClient:
    """The client of the environment's settings."""
    from genai_integrations.client import default_client

    return default_client()


def configuration(context: typer.Context) -> str | None:
    """The configuration of this command: `--config`, else the one that the environment names."""
    from genai_integrations.settings import configuration_file

    return context.find_root().obj or configuration_file()


def default_model(context: typer.Context) -> str:
    """The model to ask where none is named.

    Raises:
        ConfigurationError: There is none.
    """
    from genai_integrations import settings

    path = configuration(context)
    found = settings.default_model()
    if found is None and path is not None:
        from genai_integrations.config.reading import read_config

        found = read_config(path).default_model
    if found is None:
        raise ConfigurationError(
            "no model is named: give -m NAME, or set GENAI_MODEL, or default_model in genai.yaml; "
            "`genai models` lists names"
        )
    return found


def params_of(text: str | None) -> dict[str, object]:
    """OpenAI's parameters from a JSON object.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"--params takes a JSON object such as '{{\"temperature\": 0}}', not {text}"
        )
    return found


def hint(connections: Sequence[object]) -> None:
    """What to set, where there are no connections."""
    if not connections:
        render.stderr().print(_NO_CONNECTIONS)


def model_names(incomplete: str) -> list[str]:
    """Models that start so, for the shell's Tab."""
    from genai_integrations.cli.offered import names_offered

    return _quietly(lambda: names_offered(client()), incomplete)


def connection_names(incomplete: str) -> list[str]:
    """Connections that start so, for the shell's Tab."""
    return _quietly(lambda: [row.name for row in client().connections], incomplete)


def prompt_names(incomplete: str) -> list[str]:
    """Prompts that start so, and behind `@` their labels and versions, for the shell's Tab."""
    name, at, _ = incomplete.partition("@")
    rows = _quietly(_prompts, name, key=lambda row: row.name)
    if not at:
        return [row.name for row in rows]
    found = next((row for row in rows if row.name == name), None)
    which = [*found.labels, *map(str, found.versions)] if found else []
    return [made for row in which if (made := f"{name}@{row}").startswith(incomplete)]


def _prompts() -> Sequence[PromptSummary]:
    from genai_integrations.prompts.listing import list_prompts
    from genai_integrations.settings import read_settings

    return list_prompts(read_settings())


def _quietly(
    rows: Callable[[], Iterable[_Row]], start: str, key: Callable[[_Row], str] = str
) -> list[_Row]:
    """Those that start so; nothing where they cannot be read: Tab is no place for errors, or for warnings."""
    logging.disable()
    try:
        return [row for row in rows() if key(row).startswith(start)]
    except Exception:  # noqa: BLE001  a traceback would stand in the middle of the user's command
        return []
    finally:
        logging.disable(logging.NOTSET)
