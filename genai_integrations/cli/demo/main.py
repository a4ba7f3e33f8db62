"""`genai demo`: the main job, shown on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from genai_integrations.cli import render
from genai_integrations.cli.demo.parts import NEEDED, Step, demo_client
from genai_integrations.cli.demo.process import OrderlyEnd, own_environment
from genai_integrations.cli.demo.programs import PROGRAMS, Attempts, Program, import_frameworks
from genai_integrations.cli.demo.traces import TraceRow, traces_of
from genai_integrations.client import GenAIClient
from genai_integrations.runtime.installing import require_extra, to_install_extra
from genai_integrations.testing.local_model.model_file import fetch_model

STAND_INS = ("Langfuse's HTTP API (the key pair's project, two prompts, and where traces arrive)",)
"""What the demo only imitates."""

_REAL = (
    "Postgres 18, the AES-256-GCM encrypted rows in it, the model SmolLM2-135M on this machine, "
    "every HTTP call, and the region where nothing listens"
)
_LABEL_WIDTH = 3
"""Columns of `Q`, `A` and what is left of a route."""

_COST = "none is known for a model on this machine"

_WHY_WEIGHTS = (
    "The model's file is 93 MB. It comes inside a package of the package index, is checked against its known hash, "
    "and is kept for the next time."
)
_WHY_FRAMEWORKS = "Both frameworks take seconds to import. The client itself needs neither; this demo shows the same client in both."
_WHY_TRACES = "Each call is one generation in Langfuse, linked to the version of the prompt that it came from."

Tell = Callable[[str], None]
"""Explains what comes next."""


def run(*, as_json: bool, slow: bool) -> None:
    """Fetch, start, run, show, and leave nothing behind but the model's file.

    Args:
        as_json: One JSON object on stdout and nothing else.
        slow: Explain each step before it happens. In a terminal, each waits for Enter.

    Raises:
        GenAIError: A part is missing or does not start, or a call failed.
    """
    require_extra("demo", NEEDED, "genai demo")
    messages = render.stderr()
    # A library that prints must not spoil the one JSON object.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        console = Console(quiet=True) if as_json else render.stdout()
        tell = partial(_explain, messages) if slow else _say_nothing
        shown, traces = _run(console, messages, tell)
    if as_json:
        answers = [answer for answer, _ in shown]
        routes = [attempts for _, attempts in shown]
        render.print_json(
            {"answers": answers, "routes": routes, "traces": traces, "stand_ins": STAND_INS}
        )


def _run(
    console: Console, messages: Console, tell: Tell
) -> tuple[list[tuple[str, Attempts]], list[TraceRow]]:
    environ = dict(os.environ)
    step = _steps(messages, tell)
    try:
        with OrderlyEnd() as end, own_environment():
            tell(_WHY_WEIGHTS)
            weights = _weights(messages, environ)
            with step("LangChain and LlamaIndex", _WHY_FRAMEWORKS):
                import_frameworks()
            with demo_client(weights, step, end) as (client, langfuse):
                shown = [_show(console, program, client, tell) for program in PROGRAMS]
                tell(_WHY_TRACES)
                client.flush()
                traces = traces_of(langfuse.spans)
                console.print("\n[bold]In Langfuse, one trace each[/]")
                render.show(render.trace_table(traces), console)
                console.print("", _closing(), "\n[bold]Next[/]", sep="\n")
                _say_next(console)
    except KeyboardInterrupt:
        # What was recorded can go nowhere any more, and need not be told of.
        logging.getLogger("genai_integrations").setLevel(logging.CRITICAL)
        messages.print("Interrupted; everything that was started has been stopped.", style="yellow")
        raise
    return shown, traces


def _say_nothing(_why: str) -> None:
    """What is told to those who do not watch slowly."""


def _explain(console: Console, why: str) -> None:
    """Say why, and wait until it has been read, where somebody can say so."""
    console.print(f"\n{why}", style="italic", highlight=False)
    if console.is_terminal and sys.stdin.isatty():
        with contextlib.suppress(EOFError):
            console.input("[dim]Enter goes on.[/]")


def _steps(console: Console, tell: Tell) -> Step:
    @contextlib.contextmanager
    def step(what: str, why: str) -> Generator[None]:
        tell(why)
        started = time.monotonic()
        with console.status(what):
            yield
        _done(console, what, time.monotonic() - started)

    return step


def _done(console: Console, what: str, seconds: float) -> None:
    console.print(Text.assemble(("ok", "green"), f"  {what}", (f"  {seconds:.1f} s", "dim")))


def _weights(console: Console, environ: Mapping[str, str]) -> Path:
    """The model's file, with a bar while it is fetched."""
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("Looking for the model", total=1.0)

        def show(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        path = fetch_model(environ=environ, progress=show)
    _done(console, f"The model's file, in {path.parent}", time.monotonic() - started)
    return path


def _show(
    console: Console, program: Program, client: GenAIClient, tell: Tell
) -> tuple[str, Attempts]:
    """Run a program, its answer growing on the screen as it comes."""
    tell(program.why)
    heading = Text.assemble("\n", (program.title, "bold"), "  ", (program.code, "dim"))
    console.print(heading, _labelled("Q", Text(program.question)), sep="\n")
    pieces: list[str] = []
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:

        def write(piece: str) -> None:
            pieces.append(piece)
            live.update(_labelled("A", Text("".join(pieces), "bold")), refresh=True)

        attempts = program.run(client, write)
    if not console.is_terminal:
        console.print()  # where nothing can be redrawn, the answer is printed without the line's end
    table = render.route_table(attempts)
    if render.fits(table, console, _LABEL_WIDTH):
        console.print(_labelled("", table))
    else:
        render.show(table, console)
    return "".join(pieces), attempts


def _closing() -> Table:
    made = Table.grid(padding=(0, 2, 0, 0))
    for what, text in (("real", _REAL), ("a stand-in", "; ".join(STAND_INS)), ("cost", _COST)):
        made.add_row(Text(what, "bold"), text)
    return made


def _say_next(console: Console) -> None:
    """Each step on a line that the terminal breaks, if it has to: what is copied from it is whole."""
    steps = (
        ("ask with your key", "export OPENAI_API_KEY=sk-... && genai chat -m gpt-4o-mini"),
        ("ten minutes more", "docs/tutorial.md, without a key"),
        ("in a notebook", f"{to_install_extra('notebook')} && jupyter lab notebooks"),
    )
    widest = max(len(what) for what, _ in steps)
    for what, how in steps:
        console.print(Text.assemble(f"{what:<{widest}}  ", (how, "bold")), soft_wrap=True)


def _labelled(label: str, shown: RenderableType) -> Table:
    made = Table.grid(padding=(0, _LABEL_WIDTH - 1, 0, 0))
    made.add_column(width=1, style="dim")
    made.add_row(label, shown)
    return made
