"""`genai batch`: a file of requests, answered line by line."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from genai_integrations.cli import render
from genai_integrations.cli.apart import require_apart
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient
    from genai_integrations.jobs.items import BatchItem
    from genai_integrations.jobs.progress import Listener, Progress

_INTERRUPTED = 130

_ASKED = ("/chat/completions", "/embeddings")
"""How the `url` of OpenAI's batch lines may end."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Files:
    """Where a batch is read and written.

    Attributes:
        source: `-` for stdin.
        output: None for stdout.
        journal: None for one beside the output; without an output there is none.
    """

    source: str
    output: Path | None = None
    journal: Path | None = None

    @property
    def kept(self) -> Path | None:
        """Where answers are kept until all are there."""
        if self.journal is None and self.output is not None:
            return self.output.with_name(self.output.name + ".journal")
        return self.journal


@dataclass(slots=True)
class _Requests:
    """The requests of a file, and what is told of each beside its answer, in their order.

    Attributes:
        lines: The file's, as they are: one that is no text is the one that is told of.
        model: For lines that name none.
        told: The `custom_id` of each request that has been taken, and what is wrong with its line.
    """

    lines: Iterable[bytes]
    model: str | None
    told: deque[tuple[object, str | None]] = field(default_factory=deque)

    def __iter__(self) -> Iterator[object]:
        for number, line in enumerate(self.lines, 1):
            if not line.strip():
                continue
            try:
                custom_id, request = _request_of(line)
            except ValueError as error:
                self.told.append((None, f"line {number} {error}"))
                yield line
                continue
            self.told.append((custom_id, None))
            yield {"model": self.model, **request} if self.model else request


def _request_of(line: bytes) -> tuple[object, Line]:
    """The id and the request of a line: ours, or one of OpenAI's batch files.

    Raises:
        ValueError: It is neither.
    """
    try:
        found = json.loads(line.decode("utf-8-sig"))  # as Windows writes it
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004  the same as above to who reads it
    custom_id = found.pop("custom_id", None)
    if "url" not in found:
        return custom_id, found
    if not str(found["url"]).endswith(_ASKED):
        known = " and ".join(f"/v1{row}" for row in _ASKED)
        raise ValueError(f"asks for {found['url']}: {known} can be asked")
    if not isinstance(found.get("body"), dict):
        raise ValueError("has no body")  # noqa: TRY004  as above
    return custom_id, found["body"]


def run(client: GenAIClient, files: Files, model: str | None, **options: Any) -> None:
    """Answer a file, and say how it went.

    Raises:
        ConfigurationError: A file cannot be read or written, or the journal belongs to something else.
        typer.Exit: With 1 if a request has no answer, with 130 after an interrupt.
    """
    failure: BatchItem | None = None
    problem: str | None = None
    try:
        with _input(files) as lines, _bar(files) as listener:
            requests = _Requests(lines, model)
            items = client.batch(
                requests,  # type: ignore[arg-type]  # what is no request becomes an item with an error
                journal=files.kept,
                on_progress=listener,
                **options,
            )
            # The first opens the journal: where another process has it, the output is that one's, too.
            first = list(itertools.islice(items, 1))
            with _output(files, "w") as out:
                for item in itertools.chain(first, items):
                    custom_id, wrong = requests.told.popleft()
                    if item.error is not None and failure is None:
                        failure, problem = item, wrong
                    out.write(_line(item, custom_id, wrong) + "\n")
                    out.flush()
    except KeyboardInterrupt:
        resumed = "; run the same command again to go on from there" if files.kept else ""
        render.stderr().print(f"Interrupted{resumed}.", style="yellow")
        raise typer.Exit(_INTERRUPTED) from None
    if failure is not None:
        why = problem or f"{type(failure.error).__name__}: {failure.error}"
        told = render.plain(f"the first without an answer is request {failure.index}: {why}", "red")
        render.stderr().print(told, soft_wrap=True)
        raise typer.Exit(1)


def _line(item: BatchItem, custom_id: object, problem: str | None) -> str:
    """A line in the shape of OpenAI's output files, with what it cost and who answered."""
    line: Line = {"index": item.index, "custom_id": custom_id, "response": None, "error": None}
    if item.reply is not None:
        line["response"] = {"status_code": 200, "body": item.reply.wire}
        line["target"] = item.reply.route.served
    else:
        name = type(item.error).__name__
        line["error"] = {"code": name, "message": problem or str(item.error)}
    line["cost"] = item.cost
    try:
        return orjson.dumps(line).decode()
    except TypeError:
        return json.dumps(line)


@contextlib.contextmanager
def _input(files: Files) -> Generator[Iterable[bytes]]:
    if files.output is not None:
        require_apart("output", files.output, input=Path(files.source))
    if files.output is not None and files.journal is not None:
        require_apart("output", files.output, journal=files.journal)
    with _output(files, "a"):
        pass  # before anything is paid for
    if files.source == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(files.source).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise ConfigurationError(f"{files.source} cannot be read: {error.strerror}") from None
    with file:
        yield file


@contextlib.contextmanager
def _output(files: Files, mode: Literal["a", "w"]) -> Generator[TextIO]:
    if files.output is None:
        # JSON is UTF-8, whatever the encoding of the pipe or file: an escape of Python's would be none of JSON's.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        yield sys.stdout
        return
    try:
        file = files.output.open(mode, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{files.output} cannot be written: {error.strerror}") from None
    with file:
        yield file


@contextlib.contextmanager
def _bar(files: Files) -> Generator[Listener]:
    """A bar on stderr where somebody watches, and one line at the end."""
    console = render.stderr()
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    last: list[Progress] = []
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=_count(files) if console.is_terminal else None)

        def listener(progress: Progress) -> None:
            last[:] = [progress]
            bars.update(task, completed=progress.done, description=str(progress))

        yield listener
    for progress in last:
        console.print(f"{progress.done - progress.failed} answered, {progress}", highlight=False)


def _count(files: Files) -> int | None:
    """How many requests there are, None where they cannot be counted beforehand."""
    if files.source == "-":
        return None
    with Path(files.source).open("rb") as file:
        return sum(1 for line in file if not line.isspace())
