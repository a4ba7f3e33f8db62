"""`genai config`: what a configuration says, and whether it can work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genai_integrations.cli import render
from genai_integrations.cli.group import WholeGroup
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.masked import MASK

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient
    from genai_integrations.config.reading import Configuration

app = typer.Typer(
    cls=WholeGroup, help="Check a configuration, show what it means, or convert one of LiteLLM's."
)

File = Annotated[
    Path, typer.Argument(help="genai.yaml, or the file of LiteLLM's proxy.", dir_okay=False)
]


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Check a file: what is wrong, line by line, and what has no effect here.

    Connections are read; no provider is called. Exits with 1 if something is wrong.
    """
    read, client = _opened(file)
    problems = _problems(read, client)
    if as_json:
        render.print_json(
            {"ok": not problems, "problems": problems, "notes": [str(note) for note in read.notes]}
        )
    else:
        console = render.stdout()
        for line in problems:
            console.print(render.plain(line, "red"))
        for note in read.notes:
            console.print(render.plain(str(note)))
        if not problems:
            console.print(render.plain(f"{file}: all is well", "green"))
    if problems:
        raise typer.Exit(1)


@app.command()
def show(file: File, as_json: AsJson = False) -> None:
    """Show what a file means: who serves each group, in which order, and the other settings.

    Connections are read, and no secret is shown.
    """
    from genai_integrations.connections.overview import overview

    read, client = _opened(file)
    found = [client.resolve(name) for name in _groups(read)]
    router = {
        name: _without_secrets(name, value)
        for name, value in read.arguments.get("router_args", {}).items()
        if name != "model_list"
    }
    rows = {row.name: [target.name for target in row.targets] for row in found}
    if as_json:
        render.print_json({"groups": rows, "router_settings": router})
        return
    console = render.stdout()
    for row in found:
        for line in row.explain().splitlines():
            typer.echo(render.printable(line))
    for name, value in router.items():
        console.print(render.plain(f"{name}: {value}"))
    for connection in overview(client.connections):
        state = connection.error or connection.provider
        console.print(render.plain(f"connection {connection.name}: {state}"))


@app.command()
def from_litellm(file: File) -> None:
    """Print the file of LiteLLM's proxy as genai.yaml.

    What could not be taken over is named in comments at the top.
    """
    from genai_integrations.config.converting import converted
    from genai_integrations.config.document import read_document

    typer.echo(converted(read_document(file)), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of genai.yaml, for an editor's completion."""
    from genai_integrations.config.schema import schema as made

    render.print_json(made())


def _without_secrets(name: str, value: Any) -> Any:
    """A setting as it may be shown: without the password of a Redis server."""
    if name == "redis_password":
        return MASK
    if name == "redis_url" and isinstance(value, str) and "@" in value:
        start, _, _ = value.partition("://")
        return f"{start}://{MASK}@{value.rpartition('@')[2]}"
    return value


def _opened(file: Path) -> tuple[Configuration, GenAIClient]:
    from genai_integrations.client import GenAIClient
    from genai_integrations.config.reading import read_config

    read = read_config(file)
    try:
        return read, GenAIClient(**read.arguments)
    except ConfigurationError as error:
        raise read.located(error) from None


def _groups(read: Configuration) -> list[str]:
    rows = read.arguments.get("router_args", {}).get("model_list", ())
    return list(dict.fromkeys(row["model_name"] for row in rows))


def _problems(read: Configuration, client: GenAIClient) -> list[str]:
    """What stands in the file and nobody serves."""
    rows = read.arguments.get("router_args", {}).get("model_list", ())
    problems = []
    for at, row in enumerate(rows):
        found = client.resolve(row["model_name"])
        number = 1 + sum(other["model_name"] == row["model_name"] for other in rows[:at])
        start = f"row {number} of {row['model_name']!r}"
        why = next((line for line in found.missing if start in line or f"#{number}" in line), None)
        if why:
            problems.append(f"{read.document.at(('model_list', at))}: {why}")
    for name in _fallback_names(read):
        if not client.resolve(name).targets:
            path = ("router_settings", "fallbacks")
            problems.append(f"{read.document.at(path)}: no connection serves the fallback {name!r}")
    return problems


def _fallback_names(read: Configuration) -> list[str]:
    router = read.arguments.get("router_args", {})
    rows = router.get("fallbacks", ())
    rows = [rows] if isinstance(rows, dict) else rows
    named = [name for row in rows for others in row.values() for name in others]
    return list(dict.fromkeys([*named, *router.get("default_fallbacks", ())]))
