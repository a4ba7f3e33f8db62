"""`genai models`: what the connections serve, as far as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from genai_integrations.cli import options, render
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.cli.offered import Offered

ABILITIES: Mapping[str, str] = {
    "vision": "supports_vision",
    "pdf": "supports_pdf_input",
    "audio": "supports_audio_input",
    "video": "supports_video_input",
    "tools": "supports_function_calling",
    "json": "supports_response_schema",
    "thinking": "supports_reasoning",
}
"""Words for what a model can do, and the price map's flags."""

EMBEDDING = "embedding"

_THOUSAND = 1000


def models(
    search: Annotated[
        str | None, typer.Argument(help="Only names with this in them.", show_default=False)
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Only of this provider or connection.")
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(help=f"Only with this: {', '.join((*ABILITIES, EMBEDDING))}; several."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the models that your keys and connections serve: context, price, abilities.

    Prices are for a million tokens. No provider is called.
    """
    # Here, for help must not wait for what this takes.
    from genai_integrations.cli.offered import offered, without_list
    from genai_integrations.connections.overview import overview

    client = options.client()
    _check(can or ())
    for row in overview(client.connections):
        if row.error is not None:
            render.warn(f"without {row.name}: {render.named(row.error)}")
    rows = offered(client, search=search or "", owner=provider, can=can or ())
    if as_json:
        render.print_json([asdict(row) for row in rows])
        return
    _print(rows)
    for unknown in without_list(client):
        render.warn(f"the models of {unknown} are not listed; {unknown}/NAME asks one anyway")
    if not rows and client.connections and (search or provider or can):
        render.warn("no model matches")
    options.hint(client.connections)


def _check(can: Iterable[str]) -> None:
    for word in can:
        if word not in (*ABILITIES, EMBEDDING):
            raise ConfigurationError(
                f"--can does not know {word!r}: use {', '.join((*ABILITIES, EMBEDDING))}"
            )


def _print(rows: Sequence[Offered]) -> None:
    """A table; two lines for each model where there is no room for one."""
    console = render.stdout()
    columns = ("name", "context", "$ in / out", "can", "from")
    made = render.table(*columns, right=("context",), wrap=("from",))
    for row in rows:
        made.add_row(*map(render.plain, _cells(row)))
    if render.fits(made, console):
        console.print(made if rows else "", end="")
        return
    for row in rows:
        name, *others = _cells(row)
        console.print(render.plain(name, "bold"))
        console.print(render.plain(", ".join(others), "dim"))


def _cells(row: Offered) -> tuple[str, str, str, str, str]:
    price = f"{_dollars(row.input_usd)} / {_dollars(row.output_usd)}"
    can, connections = " ".join(row.can), ", ".join(row.connections)
    return row.name, _tokens(row.context), price, can or "-", connections


def _tokens(count: int | None) -> str:
    if count is None:
        return "-"
    return f"{count // _THOUSAND}k" if count >= _THOUSAND else str(count)


def _dollars(usd: float | None) -> str:
    return "-" if usd is None else f"{usd:g}"
