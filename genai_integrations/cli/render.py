"""How things look in a terminal: data on stdout, messages on stderr."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genai_integrations.display import text_table
from genai_integrations.errors import GenAIError

if TYPE_CHECKING:
    from genai_integrations.calls.route import AttemptRecord
    from genai_integrations.cli.demo.traces import TraceRow
    from genai_integrations.cli.doctor.findings import Named
    from genai_integrations.connections.overview import ConnectionRow
    from genai_integrations.routing.check import Check

_PIPE_WIDTH = 10_000
_MOST_MODELS = 4
_MOST_PRECISE = 10
_NONE = "-"
_COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_STATUS_WIDTH = max(map(len, _COLORS))
_NARROWEST = 30
"""Columns that a doctor's message needs beside its check's name."""

_FIELD_WIDTH = 12
_FEWEST = 2
_BETWEEN = 3
"""Spaces between two columns."""

_WRAPPED = 16
"""Columns that a cell needs at least whose words may be broken: a host's name, say."""


def stdout() -> Console:
    """Where data goes. In a pipe each row stays one line, however long it is."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def stderr() -> Console:
    """Where messages go."""
    return Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """Machine output: JSON that survives any encoding of the terminal or pipe."""
    typer.echo(json.dumps(value, indent=2))


def complain(error: GenAIError) -> None:
    """One red line on stderr."""
    stderr().print(plain(named(error), "bold red"), soft_wrap=True)


def warn(text: str) -> None:
    """One dim line on stderr."""
    stderr().print(plain(text, "dim"), soft_wrap=True)


def flushed() -> int:
    """Write out what stdout still holds: 0, or 1 if that fails."""
    if sys.stdout is None:
        # Whoever started the command has closed it.
        return lost(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    try:
        sys.stdout.flush()
    except OSError as error:
        return lost(error)
    return 0


def lost(error: OSError) -> int:
    """Say that something cannot be read or written; nothing, if it is only that nobody reads on.

    Returns:
        The exit code.
    """
    if error.errno != errno.EPIPE:
        what = f"read or write {error.filename}" if error.filename else "write the output"
        with contextlib.suppress(OSError):
            stderr().print(plain(f"cannot {what}: {error.strerror}", "bold red"), soft_wrap=True)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        # Python would write the rest once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def named(error: GenAIError) -> str:
    """An error as `Name: message`."""
    return f"{type(error).__name__}: {error}"


def plain(text: object, style: str = "") -> Text:
    """A text from outside: one line, without markup and without characters that steer a terminal."""
    return Text(printable(" ".join(str(text).split())), style)


def printable(text: str) -> str:
    """The text without characters that steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def answer(text: str) -> str:
    """A model's text, whose lines and spaces stay, without what would steer a terminal or cannot be written."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r", ""))


def prompt(text: str, *, is_edited: bool) -> str:
    """What stands before the cursor; a line editor is told which characters take no room."""
    console = Console()
    if console.no_color or console.color_system is None:
        return printable(text)
    start, end = ("\x01", "\x02") if is_edited else ("", "")
    return f"{start}\x1b[1;36m{end}{printable(text)}{start}\x1b[0m{end}"


def table(*columns: str, right: Sequence[str] = (), wrap: Sequence[str] = ()) -> Table:
    """A table without lines.

    Args:
        columns: Their names.
        right: Those that hold numbers.
        wrap: Those whose cells may have several lines.
    """
    made = Table(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="dim")
    for column in columns:
        side: Literal["left", "right"] = "right" if column in right else "left"
        made.add_column(column, justify=side, overflow="fold", no_wrap=column not in wrap)
    return made


def show(made: Table, console: Console | None = None) -> None:
    """Print a table; where it does not fit into a terminal, one row after the other, a line for each of its cells."""
    console = console or stdout()
    if fits(made, console):
        console.print(made)
        return
    headers = [str(column.header) for column in made.columns]
    widest = max(map(cell_len, headers))
    for cells in zip(*(column.cells for column in made.columns), strict=True):
        texts = [cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells]
        console.print(Text.assemble(texts[0], style="bold"))
        for header, text in zip(headers[1:], texts[1:], strict=True):
            if text.plain not in ("", _NONE):
                console.print(Text.assemble((f"  {header:<{widest}}  ", "dim"), text))


def fits(made: Table, console: Console, beside: int = 0) -> bool:
    """Whether a table fits without breaking words, with so many columns left of it; in a pipe it does."""
    return not console.is_terminal or _narrowest(made) <= console.width - beside


def _narrowest(made: Table) -> int:
    """Columns of a terminal below which a table would break words."""
    widths = []
    for column in made.columns:
        texts = [str(cell) for cell in (column.header, *column.cells)]
        parts = texts if column.no_wrap else [word for text in texts for word in text.split()]
        most = max(map(cell_len, parts), default=0)
        widths.append(most if column.no_wrap else min(most, _WRAPPED))
    return sum(widths) + _BETWEEN * (len(widths) - 1)


def fitting(headers: Sequence[object], rows: Sequence[Sequence[object]]) -> list[str]:
    """The lines of a table of which a narrow terminal shows the first columns, and stderr names the rest.

    A pipe gets all of it.
    """
    width, shown = stdout().width, len(headers)
    while True:
        lines = text_table(headers[:shown], [row[:shown] for row in rows]).splitlines()
        if shown <= _FEWEST or max(map(cell_len, lines)) <= width:
            break
        shown -= 1
    if left := headers[shown:]:
        stderr().print(plain(f"not shown for lack of room: {', '.join(map(str, left))}", "dim"))
    return list(map(printable, lines))


def field(name: str, value: object) -> Text:
    """One line of a few, each with a name in front."""
    return Text.assemble((f"{name:<{_FIELD_WIDTH}}", "dim"), plain(value))


def connections_table(rows: Sequence[ConnectionRow]) -> Table:
    """Each connection in a row; why one is broken does not fit in."""
    columns = ("name", "provider", "models", "host", "region", "state")
    made = table(*columns, wrap=("models", "host"))
    for row in rows:
        state = plain(row.state, "red" if row.error else "green")
        cells = (
            row.name,
            row.provider or _NONE,
            _models(row),
            row.host or _NONE,
            row.region or _NONE,
        )
        made.add_row(*map(plain, cells), state)
    return made


def _models(row: ConnectionRow) -> str:
    shown = list(row.models[:_MOST_MODELS])
    if len(row.models) > _MOST_MODELS:
        shown.append(f"{len(row.models) - _MOST_MODELS} more")
    if row.default_models:
        shown.append("its provider's own")
    return ", ".join(shown) or _NONE


def finding(row: Named, widest: int, width: int) -> Text:
    """What a check found, and below it what to do.

    Args:
        row: The finding.
        widest: Width for the checks' names.
        width: Columns of the terminal; longer messages are continued under themselves, and stand below the check's
            name where few columns are left beside it.
    """
    found = row.finding
    indent = " " * (_STATUS_WIDTH + widest + 4)
    is_below = width - len(indent) < _NARROWEST
    if is_below:
        indent = " " * (_STATUS_WIDTH + 2)
    shown = Text(f"{found.status:<{_STATUS_WIDTH}}", _COLORS[found.status])
    shown.append(f"  {row.check}\n{indent}" if is_below else f"  {row.check:<{widest}}  ", "")
    shown.append(_hanging(found.message, indent, width))
    if found.next:
        shown.append("\n" + indent + _hanging(f"next: {found.next}", indent, width), "bold")
    return shown


def _hanging(text: str, indent: str, width: int) -> str:
    room = max(width - len(indent), _NARROWEST)
    lines = textwrap.wrap(plain(text).plain, room, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)


def check_line(check: Check) -> Text:
    """How one test call went."""
    return plain(check, "green" if check.ok else "red")


def route_table(attempts: Sequence[AttemptRecord]) -> Table:
    """The attempts of one call, as `Route.as_dict()` has them."""
    made = table("target", "outcome", "ms", "tokens", "cost", right=("ms", "tokens", "cost"))
    for row in attempts:
        outcome = plain(row["outcome"], "green" if row["outcome"] == "ok" else "red")
        numbers = (_milliseconds(row["ms"]), _tokens(row), cost(row["cost"]))
        made.add_row(plain(row["target"]), outcome, *numbers)
    return made


def trace_table(traces: Sequence[TraceRow]) -> Table:
    """Traces, as `traces_of` gives them."""
    made = table("trace", "prompt", "model", "calls", "tokens", right=("calls", "tokens"))
    for number, row in enumerate(traces, 1):
        usage = row["usage"]
        tokens = f"{usage['input']} + {usage['output']}" if usage else _NONE
        made.add_row(
            str(number),
            plain(row["prompt"] or _NONE),
            plain(row["model"]),
            str(row["generations"]),
            tokens,
        )
    return made


def _milliseconds(ms: float) -> str:
    return f"{ms:.0f}" if ms >= _MOST_PRECISE else f"{ms:.1f}"


def _tokens(row: AttemptRecord) -> str:
    if row["prompt_tokens"] is None:
        return _NONE
    about = "about " if row.get("estimated") else ""
    return f"{about}{row['prompt_tokens']} + {row['completion_tokens']}"


def cost(dollars: float | None) -> str:
    """US dollars; `-` where the price is not known."""
    return _NONE if dollars is None else f"${dollars:.6f}"
