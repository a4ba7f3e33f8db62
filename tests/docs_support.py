"""Reads the examples out of the documentation, and runs them."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from genai_integrations.cli.app import app
from genai_integrations.testing.langfuse import LangfuseStandIn
from genai_integrations.testing.postgres import LangfuseDatabase

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(
    r"(?ms)(?P<marks>(?:^<!--[^\n]*-->\s*)*)^```(?P<language>\w+)\n(?P<text>.*?)^```$"
)
_MARK = re.compile(r"<!-- (?P<name>[\w-]+)(?:: (?P<value>[^\n]+))? -->")
_MARKS = {"output", "langfuse", "nothing", "no-run", "exit"}
_TERMINAL = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
"""What decides how wide and how colourful help is."""

_VARYING = re.compile(r"\b\d+(?= ms\b)|\b\d+\.\d+\.\d+\b(?!\.)")
"""Milliseconds, and versions; an IPv4 address is none."""

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
    def is_run(self) -> bool:
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
        where = f"{page.relative_to(ROOT)}:{line}"
        marks = {row["name"]: row["value"] for row in _MARK.finditer(match["marks"])}
        assert marks.keys() <= _MARKS, f"{where}: there are only the marks {_MARKS}"
        yield Block(where, line, match["language"], match["text"], marks)


def run(block: Block, names: dict[str, Any]) -> str:
    """Run an example, and return what the page should show."""
    return _run_python(block, names) if block.language == "python" else _run_console(block)


def _run_python(block: Block, names: dict[str, Any]) -> str:
    # The empty lines make tracebacks show the page's own lines.
    code = compile("\n" * block.line + block.text, block.where, "exec", dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    return printed.getvalue()


def _run_console(block: Block) -> str:
    """Each `$ genai ...` line and what it prints, as a terminal would show it."""
    shown = ""
    for line in re.findall(r"(?m)^\$ genai .*", block.text):
        result = CliRunner().invoke(app, shlex.split(line)[2:], prog_name="genai", env=_TERMINAL)
        expected = int(block.marks.get("exit") or 0)
        assert result.exit_code == expected, f"{block.where}: {line}: {result.exception!r}"
        shown += f"{line}\n{result.output}"
    return shown


def assert_shown(block: Block, printed: str) -> None:
    """The page shows what was printed; `...` stands for anything, milliseconds and versions differ."""
    wanted, got = (_VARYING.sub("0", text) for text in (block.text, printed))
    same = doctest.OutputChecker().check_output(wanted, got, _LOOSELY)
    assert same, f"{block.where} shows\n{block.text}\nbut this is printed:\n{printed}"


def rows(page: str, pattern: str) -> list[Any]:
    """What a pattern finds in the table rows of a page of `docs/`."""
    return re.findall(rf"(?m)^\| {pattern} \|", (ROOT / "docs" / page).read_text("utf-8"))


def commands() -> list[str]:
    """Every command of `genai`, those within another one too."""
    names: list[str] = []
    waiting = [("", get_command(app))]
    while waiting:
        path, group = waiting.pop()
        for name, command in getattr(group, "commands", {}).items():
            names.append(f"{path} {name}".strip())
            waiting.append((names[-1], command))
    return names


@contextlib.contextmanager
def langfuse_variables(database: LangfuseDatabase, url: str) -> Iterator[dict[str, str]]:
    """Variables of a Langfuse with a prompt and four connections; the encryption key of one is lost."""
    project, key = "docs-project", "5a" * 32
    own: dict[str, Any] = {"project_id": project, "encryption_key": key}
    for name in ("seoul", "usa"):
        database.insert_connection(name, "openai", f"sk-{name}", base_url=f"{url}/v1", **own)
    azure: dict[str, Any] = {"base_url": f"{url}/openai", "with_default_models": False, **own}
    models = ["gpt-4o-mini", "gpt-4o"]
    database.insert_connection("azure_test", "azure", "key", custom_models=models, **azure)
    lost: dict[str, Any] = {**own, "encryption_key": "6b" * 32}
    database.insert_connection("lost", "openai", "sk-lost", base_url=f"{url}/v1", **lost)
    with LangfuseStandIn(f"pk-lf-{uuid.uuid4()}", project_id=project) as langfuse:
        langfuse.create_prompt("variable_template", "Translate to {{language}}: {{text}}")
        yield {
            "LANGFUSE_HOST": langfuse.host,
            "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
            "LANGFUSE_SECRET_KEY": langfuse.secret_key,
            "LANGFUSE_DATABASE_URL": database.url,
            "LANGFUSE_ENCRYPTION_KEY": key,
        }
