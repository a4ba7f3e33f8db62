"""Reads the examples out of the documentation, and runs them."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(
    r"(?P<marks>(?:^<!--.*?-->\s*)*)^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
_MARK = re.compile(r"<!-- (?P<name>output|langfuse|no-run)(?:: (?P<value>.+?))? -->")
_LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block, with the marks that stand in comments before it."""

    where: str
    line: int
    language: str
    text: str
    marks: dict[str, str | None]

    @property
    def is_run(self):
        """Whether it is an example; one that cannot be run must say why."""
        if "no-run" not in self.marks:
            return self.language == "python" or self.text.startswith("$ genai ")
        assert self.marks["no-run"], f"{self.where}: no-run needs a reason"
        return False


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    source = page.read_text("utf-8")
    for match in _BLOCK.finditer(source):
        line = source.count("\n", 0, match.start("text"))
        marks = {row["name"]: row["value"] for row in _MARK.finditer(match["marks"])}
        where = f"{page.relative_to(ROOT)}:{line}"
        yield Block(where, line, match["language"], match["text"], marks)


def run_python(block: Block, names: dict) -> str:
    """Run an example and return what it printed; tracebacks show the page's own lines."""
    code = compile("\n" * block.line + block.text, block.where, "exec", dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    return printed.getvalue()


def run_console(block: Block) -> str:
    """Run each `$ genai ...` line and return the block as a terminal would show it."""
    from genai_integrations.cli.app import app

    shown = ""
    for line in block.text.splitlines():
        if line.startswith("$ genai "):
            result = CliRunner().invoke(app, shlex.split(line)[2:])
            assert result.exception is None or isinstance(result.exception, SystemExit), line
            shown += f"{line}\n{result.output}"
    return shown


def assert_shown(block: Block, printed: str) -> None:
    """The page shows what was printed; `...` stands for anything, and milliseconds differ."""
    wanted, got = (re.sub(r"\d+ ms", "0 ms", text) for text in (block.text, printed))
    same = doctest.OutputChecker().check_output(wanted, got, _LOOSELY)
    assert same, f"{block.where} shows\n{block.text}\nbut this is printed:\n{printed}"
