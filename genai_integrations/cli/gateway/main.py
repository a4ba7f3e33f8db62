"""`genai gateway`: check what is asked for, say what is served, and serve."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from genai_integrations.cli.gateway import keys
from genai_integrations.errors import ConfigurationError
from genai_integrations.settings import configuration_file

app = typer.Typer(help="Serve models to other programs: OpenAI's API, over any provider.")

app.add_typer(keys.app, name="keys")

_PARTS = ("httptools", "uvicorn")


@app.callback(invoke_without_command=True)
def gateway(  # noqa: PLR0917 - each is an option
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="genai.yaml, or the file of LiteLLM's proxy; default GENAI_CONFIG."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 4000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Serve everybody who can reach the address.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Serve a small model of this machine: no account, no key."),
    ] = False,
) -> None:
    """Serve models to other programs and languages.

    Speaks OpenAI's API, with /v1 and without. Ctrl-C ends it; streams under way go on to their end.

    With a Langfuse key pair in the environment, callers show the key of their project. Without, it serves this machine only. Ends with 1 if it cannot start.
    """
    if context.invoked_subcommand is not None:
        return
    require_parts()
    from genai_integrations.cli.gateway.run import Asked, run

    run(Asked(str(config) if config else configuration_file(), host, port, workers, no_auth, demo))


def require_parts() -> None:
    """Say what is missing before anything is started.

    Raises:
        ConfigurationError: The server's packages are not installed.
    """
    missing = [name for name in _PARTS if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"genai gateway needs {', '.join(missing)}: pip install 'genai-integrations[gateway]'"
        )
