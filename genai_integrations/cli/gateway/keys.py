"""`genai gateway keys`: give out keys that are narrower than a project's own, list them, take them back."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from genai_integrations.cli import render
from genai_integrations.cli.group import WholeGroup
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.gateway.keys.narrow import NarrowKey
    from genai_integrations.gateway.keys.owners import Owner

app = typer.Typer(
    cls=WholeGroup,
    help="Narrower keys of the project of LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.",
    no_args_is_help=True,
)

_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_BUDGET = re.compile(r"\$?([0-9]+(?:\.[0-9]+)?)(?:/(day|month|run))?")
_TIME = re.compile(r"([1-9][0-9]{0,4})([hdw])")

Store = Annotated[
    str | None,
    typer.Option(
        help="Where keys are kept: sqlite:///keys.db or redis://host:6379/0; default GENAI_GATEWAY_KEYS."
    ),
]
Name = Annotated[str, typer.Argument(help="What the key is called, such as team-search.")]


@app.command()
def create(
    name: Name,
    models: Annotated[
        list[str] | None,
        typer.Option(help="Models it may use, such as 'gpt-4o*'; may be repeated; default all."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="US dollars, such as 5/day; a month's if nothing is said.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="After 12h, 30d or 8w, or on a day: 2027-01-31 (UTC).")
    ] = None,
    store: Store = None,
) -> None:
    """Make a key and print it, once: only a hash of it is kept.

    The project's own pair is kept with it, sealed so that only the key itself opens it.
    """
    now = time.time()
    owner = _owner(store)
    key = owner.create(
        name,
        models=_models(models) if models else None,
        budget=_budget(budget) if budget is not None else None,
        expires=_expires(expires, now) if expires is not None else None,
        created=now,
    )
    render.stderr().print("This is the only time that the key is shown:")
    typer.echo(key)


@app.command(name="list")
def list_keys(store: Store = None, as_json: AsJson = False) -> None:
    """List the keys of the project, without what opens them."""
    rows = [_row(key) for key in _owner(store).every()]
    if as_json:
        render.print_json(rows)
        return
    if not rows:
        render.stderr().print("There are no keys: genai gateway keys create NAME makes one.")
        return
    table = render.table("name", "id", "models", "budget", "created", "expires")
    for row in rows:
        models = ", ".join(row["models"]) if row["models"] else "all"  # type: ignore[arg-type]  # texts
        budget = "-" if row["usd"] is None else f"${row['usd']:g} a {row['per']}"
        cells = (row["name"], row["id"], models, budget, row["created"], row["expires"] or "never")
        table.add_row(*(render.plain(str(cell)) for cell in cells))
    render.show(table)


@app.command()
def revoke(name: Name, store: Store = None) -> None:
    """Take a key back: within half a minute no gateway knows it any more."""
    _owner(store).revoke(name)
    render.stderr().print(render.plain(f"The key {name!r} is revoked."))


def _owner(store: str | None) -> Owner:
    from genai_integrations.gateway.keys.owners import owner

    return owner(store)


def _models(given: Sequence[str]) -> list[str]:
    """Each may have several, with commas between them."""
    return [pattern for row in given for part in row.split(",") if (pattern := part.strip())]


def _budget(text: str) -> dict[str, object]:
    found = _BUDGET.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError("--budget is US dollars, such as 5, 5/day or 20/month")
    return {"usd": float(found[1]), "per": found[2] or "month"}


def _expires(text: str, now: float) -> float:
    if found := _TIME.fullmatch(text):
        return now + int(found[1]) * _SECONDS[found[2]]
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "--expires is a time such as 12h, 30d or 8w, or a day such as 2027-01-31"
        ) from None
    return (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()


def _row(key: NarrowKey) -> dict[str, object]:
    terms = key.terms.as_dict()
    times = {
        name: terms[name] and datetime.fromtimestamp(terms[name], UTC).strftime("%Y-%m-%d %H:%M")
        for name in ("created", "expires")
    }
    return {"id": key.id, **terms, **times}
