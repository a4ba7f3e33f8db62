"""`genai prompts`: what prompts Langfuse has, and what is in one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from genai_integrations.cli import options, render
from genai_integrations.cli.group import WholeGroup
from genai_integrations.cli.options import AsJson
from genai_integrations.prompts.template import Message, Text

_MOST_VERSIONS = 8

app = typer.Typer(cls=WholeGroup, help="List the prompts that Langfuse has, or show one.")


@app.callback(invoke_without_command=True)
def prompts(context: typer.Context, as_json: AsJson = False) -> None:
    """List the prompts that Langfuse has, or show one."""
    if context.invoked_subcommand is not None:
        return
    from genai_integrations.prompts.listing import list_prompts
    from genai_integrations.settings import read_settings

    rows = list_prompts(read_settings())
    if as_json:
        plain = [{**asdict(row), "updated_at": row.updated_at.isoformat()} for row in rows]
        render.print_json(plain)
        return
    if not rows:
        render.stderr().print("There are no prompts: create one in Langfuse, or with its SDK.")
        return
    table = render.table(
        "name", "type", "versions", "labels", right=("versions",), wrap=("labels",)
    )
    for row in rows:
        labels = ", ".join(f"{label}: {version}" for label, version in row.labels.items())
        cells = (row.name, row.type, _versions(row.versions), labels)
        table.add_row(*map(render.plain, cells))
    render.show(table)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="The prompt's name, with its folders.", autocompletion=options.prompt_names
        ),
    ],
    version: Annotated[int | None, typer.Option(help="This version.")] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The version that has this label; default production."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one version of a prompt: its text as it is stored, its variables and its config."""
    prompt = options.client().prompt(name, version=version, label=label)
    raw = prompt.text if isinstance(prompt.body, Text) else prompt.messages
    shown = {
        "name": prompt.name,
        "version": prompt.version,
        "labels": list(prompt.labels),
        "type": "text" if isinstance(raw, str) else "chat",
        "variables": list(prompt.variables),
        "config": dict(prompt.config),
        "prompt": raw,
    }
    if as_json:
        render.print_json(shown)
        return
    _print(shown, raw)


def _print(shown: Mapping[str, object], raw: str | list[Message]) -> None:
    console = render.stdout()
    for key in ("name", "version", "type", "labels", "variables"):
        value = shown[key]
        text = ", ".join(value) if isinstance(value, list) else value
        console.print(render.field(key, text), soft_wrap=True)
    config = json.dumps(shown["config"], ensure_ascii=False)
    console.print(render.field("config", config), soft_wrap=True)
    for message in [{"content": raw}] if isinstance(raw, str) else raw:
        typer.echo()
        if "role" in message:
            console.print(render.plain(message["role"], "bold cyan"))
        typer.echo(render.answer(message.get("content") or f"<{message['name']}>"))


def _versions(numbers: Sequence[int]) -> str:
    return (
        f"{numbers[0]}-{numbers[-1]}"
        if len(numbers) > _MOST_VERSIONS
        else ", ".join(map(str, numbers))
    )
