"""`genai gateway`'s options and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genai_integrations.cli.gateway import alone, keys
from genai_integrations.cli.gateway.asked import HOST, LAST_PORT, PORT, Asked, Level
from genai_integrations.cli.group import WholeGroup
from genai_integrations.cli.options import AsJson
from genai_integrations.settings import configuration_file

app = typer.Typer(cls=WholeGroup)
app.add_typer(keys.app, name="keys")

Config = Annotated[
    Path | None,
    typer.Option(help="genai.yaml, or the file of LiteLLM's proxy; default GENAI_CONFIG."),
]
Host = Annotated[str, typer.Option(help="Address to listen at.")]
Port = Annotated[int, typer.Option(min=0, max=LAST_PORT, help="0 takes a free one.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that serve.")]
NoAuth = Annotated[
    bool, typer.Option("--no-auth", help="Serve everybody who can reach the address.")
]


@app.callback(invoke_without_command=True)
def gateway(  # noqa: PLR0917 - each is an option
    context: typer.Context,
    config: Config = None,
    host: Host = HOST,
    port: Port = PORT,
    workers: Workers = 1,
    no_auth: NoAuth = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Serve a small model of this machine: no account, no key."),
    ] = False,
    log_level: Annotated[
        Level,
        typer.Option(
            metavar="<level>",
            help="off, error, warning, info (each request, as JSON on stderr) or debug.",
        ),
    ] = Level.info,
) -> None:
    """Serve models to other programs and languages.

    Speaks OpenAI's API, with /v1 and without. Ctrl-C ends it; streams under way go on to their end.

    With a Langfuse key pair in the environment, callers show the key of their project. Without, it serves this machine only. Exits with 1 if it cannot start.
    """
    if context.invoked_subcommand is not None:
        return
    path = str(config) if config else configuration_file()
    alone.serve(Asked(path, host, port, workers, no_auth, demo, log_level.value))


@app.command()
def doctor(  # noqa: PLR0917 - each is an option
    config: Config = None,
    host: Host = HOST,
    port: Port = PORT,
    workers: Workers = 1,
    no_auth: NoAuth = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with a gateway's set-up, and say the next step.

    Takes the options that the gateway would be started with. Nothing is changed, and no model is asked.

    Exits with 1 if something fails.
    """
    from genai_integrations.cli.doctor.run import run
    from genai_integrations.cli.gateway.doctor import CHECKS, GatewaySetup

    path = str(config) if config else configuration_file()
    setup = GatewaySetup(Asked(path, host, port, workers, no_auth))
    if not run(CHECKS, setup, as_json=as_json):
        raise typer.Exit(1)
