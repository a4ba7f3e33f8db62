"""`genai rollout`: how far rollouts are, and what a person decides about them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genai_integrations.cli import options, render
from genai_integrations.cli.group import WholeGroup
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.routing.variants.track import Figures, Track

app = typer.Typer(
    cls=WholeGroup, help="Show how rollouts are going, promote one, or roll one back."
)

RedisUrl = Annotated[
    str | None, typer.Option(help="Where the workers share state: redis://host:6379/0.")
]
StateFile = Annotated[str | None, typer.Option(help="Or the file in which they share it.")]
Name = Annotated[str, typer.Argument(help="The rollout's name.")]
Why = Annotated[str, typer.Option(help="The reason, for the audit record.")]


@app.command("list")
def list_rollouts(
    redis_url: RedisUrl = None, state_file: StateFile = None, as_json: AsJson = False
) -> None:
    """List the rollouts of the project that LANGFUSE_PUBLIC_KEY names."""
    with _answering():
        tracks = _tracks(redis_url, state_file)
    if as_json:
        render.print_json([_plain(track) for track in tracks])
        return
    if not tracks:
        render.stderr().print(
            "There are no rollouts: a client with router_args['rollouts'] makes them."
        )
        return
    numbers = ("share", "calls", "failed")
    table = render.table("name", "old", "new", "state", *numbers, right=numbers)
    for track in tracks:
        rollout, new = track.rollout, track.new
        cells = (track.name, rollout.old, rollout.new, track.state, f"{track.share * 100:g} %")
        table.add_row(*map(render.plain, (*cells, new.calls, new.failed)))
    render.show(table)


@app.command()
def show(
    name: Name, redis_url: RedisUrl = None, state_file: StateFile = None, as_json: AsJson = False
) -> None:
    """Show one rollout: what is known about both models, and every decision with its reason."""
    with _answering():
        track = _track(name, redis_url, state_file)
    _print(track, as_json=as_json)


@app.command()
def promote(
    name: Name,
    redis_url: RedisUrl = None,
    state_file: StateFile = None,
    why: Why = "by hand",
    as_json: AsJson = False,
) -> None:
    """Give all calls to the new model, whatever the tests say. Workers learn of it within half a second."""
    with _answering():
        track = _track(name, redis_url, state_file)
        track.promote(why)
    _print(track, as_json=as_json)


@app.command()
def rollback(
    name: Name,
    redis_url: RedisUrl = None,
    state_file: StateFile = None,
    why: Why = "by hand",
    as_json: AsJson = False,
) -> None:
    """Give all calls back to the old model. Workers learn of it within half a second."""
    with _answering():
        track = _track(name, redis_url, state_file)
        track.roll_back(why)
    _print(track, as_json=as_json)


@contextlib.contextmanager
def _answering() -> Generator[None]:
    """Says so where the store does not answer."""
    from genai_integrations.routing.sharing.store import StoreAway

    try:
        yield
    except StoreAway as error:
        raise ConfigurationError(f"the state cannot be read: {error}") from error


def _tracks(redis_url: str | None, state_file: str | None) -> list[Track]:
    from genai_integrations.calls.args import router_args
    from genai_integrations.routing.state import store_of, stored_rollouts
    from genai_integrations.settings import read_settings

    given = {"redis_url": redis_url, "state_file": state_file}
    store = store_of(router_args({key: value for key, value in given.items() if value}))
    if store is None:
        return _configured()
    return stored_rollouts(store, read_settings().public_key or "")


def _configured() -> list[Track]:
    """The rollouts of a configuration, where that says where the workers share them."""
    tracks = [track for track in options.client().rollouts() if track.is_shared]
    if not tracks:
        raise ConfigurationError(
            "give the place where the workers share state: --redis-url, --state-file, or a configuration that has rollouts and one "
            "of these (genai --config genai.yaml rollout ...)"
        )
    return tracks


def _track(name: str, redis_url: str | None, state_file: str | None) -> Track:
    """The one that began last, where a name had several."""
    tracks = _tracks(redis_url, state_file)
    found = [track for track in tracks if track.name == name]
    if not found:
        known = ", ".join(sorted({repr(track.name) for track in tracks})) or "none"
        raise ConfigurationError(f"there is no rollout {name!r}: the known ones are {known}")
    return found[-1]


def _plain(track: Track) -> dict[str, Any]:
    return {
        "name": track.name,
        "old": track.rollout.old,
        "new": track.rollout.new,
        "state": track.state,
        "share": track.share,
        "figures": {"old": _figures(track.old), "new": _figures(track.new)},
        "audit": [dataclasses.asdict(row) for row in track.audit],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {**dataclasses.asdict(figures), "error_rate": figures.error_rate}


def _print(track: Track, *, as_json: bool) -> None:
    if as_json:
        render.print_json(_plain(track))
        return
    console = render.stdout()
    console.print(render.field("name", track.name), soft_wrap=True)
    console.print(render.field("state", f"{track.state}, {track.share * 100:g} % on new"))
    for which, model in (("old", track.rollout.old), ("new", track.rollout.new)):
        figures: Figures = getattr(track, which)
        console.print(render.field(which, f"{model}: {_told(figures)}"), soft_wrap=True)
    for row in track.audit:
        line = f"{row.at} {row.state} {row.share * 100:g} %: {row.why} ({row.by})"
        console.print(render.plain(line), soft_wrap=True)


def _told(figures: Figures) -> str:
    said = [f"{figures.calls} calls, {figures.failed} failed"]
    if figures.latency is not None:
        said.append(f"{figures.latency:.3g} s on average")
    if figures.cost is not None:
        said.append(f"{figures.cost:.3g} USD on average")
    if figures.score is not None:
        said.append(f"mean score {figures.score:.3g} of {figures.scores}")
    return ", ".join(said)
