"""Makes small mistakes in a module, one at a time, and says which of them its tests do not notice.

    python tests/mutation/mutate.py genai_integrations/routing/health.py -- tests/routing

What follows `--` is for pytest. A mistake (a mutant) that no test notices survives; `survivors.toml` beside this file
has those that are no mistakes, each with the reason. The exit status is 1 if there are others, or if one of those in the
list is noticed after all. Nothing on the disk changes: each mutant is imported from memory, in a process of its own.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.metadata
import importlib.util
import os
import random
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")

OPPOSITES = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
}
"""What takes an operator's place: for comparisons the neighbour and the negation."""

SWAPPED_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}

REMOVABLE = (ast.Expr, ast.AugAssign, ast.Delete, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        name: Which, in words that a moved line does not change: module, function, before and after.
        source: The whole module with it.
    """

    name: str
    source: str


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    tree = ast.parse(path.read_text())
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for where, node, change in _places(tree):
        undo = copy.copy(node.__dict__)
        before = ast.unparse(node)
        for after in change(node):
            name = f"{path.stem} {where}: {_short(before)} -> {_short(after)}"
            seen[name] += 1
            number = f" #{seen[name]}" if seen[name] > 1 else ""
            found.append(Mutant(name + number, ast.unparse(tree)))
            node.__dict__.update(undo)
    return found


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST, Callable[[ast.AST], Iterator[str]]]]:
    for where, node in _nodes(tree, "module"):
        for kinds, change in CHANGES:
            if isinstance(node, kinds):
                yield where, node, change


def _nodes(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
    """The nodes that do something: no annotations, docstrings, decorators, and no types."""
    yield where, node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "slice"} and not _runs(node, name):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_docstring(child):
                continue
            inner = where
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = child.name if where == "module" else f"{where}.{child.name}"
            yield from _nodes(child, inner)


def _runs(node: ast.AST, field: str) -> bool:
    """Whether a field that may be a type is a value: `rows[0]` is, `Sequence[int]` and `Literal["x"]` are not."""
    names_a_type = isinstance(node, ast.Subscript) and ast.unparse(node.value)[:1].isupper()
    return field == "slice" and not names_a_type


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:60]}...{text[-17:]}"


def _operator(node: ast.AST) -> Iterator[str]:
    for other in OPPOSITES.get(type(node.op), ()):
        node.op = other()
        yield ast.unparse(node)


def _comparison(node: ast.AST) -> Iterator[str]:
    operators = node.ops
    for number, operator in enumerate(operators):
        for other in OPPOSITES[type(operator)]:
            node.ops = [*operators[:number], other(), *operators[number + 1 :]]
            yield ast.unparse(node)


def _constant(node: ast.AST) -> Iterator[str]:
    value = node.value
    if isinstance(value, bool):
        node.value = not value
    elif isinstance(value, (int, float)):
        node.value = value + 1
    elif isinstance(value, str):
        node.value = f"{value}~"
    else:
        return
    yield ast.unparse(node)


def _condition(node: ast.AST) -> Iterator[str]:
    # A comparison is negated by itself.
    if not isinstance(node.test, ast.Compare):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        yield ast.unparse(node)


def _removed(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assign) and all(isinstance(row, ast.Name) for row in node.targets):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Yield, ast.YieldFrom)):
        return
    node.__class__, undo = ast.Pass, node.__class__
    yield "pass"
    node.__class__ = undo


def _result(node: ast.AST) -> Iterator[str]:
    if node.value is not None and not (
        isinstance(node.value, ast.Constant) and node.value.value is None
    ):
        node.value = ast.Constant(None)
        yield "return None"


def _unary(node: ast.AST) -> Iterator[str]:
    if isinstance(node.op, ast.Not):
        node.operand, node.op = ast.UnaryOp(ast.Not(), node.operand), ast.Not()
        yield ast.unparse(node)


def _called(node: ast.AST) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id in SWAPPED_CALLS:
        node.func = ast.Name(SWAPPED_CALLS[node.func.id])
        yield ast.unparse(node)


CHANGES: Sequence[tuple[tuple[type[ast.AST], ...], Callable[[ast.AST], Iterator[str]]]] = (
    ((ast.BinOp, ast.BoolOp, ast.AugAssign), _operator),
    ((ast.Compare,), _comparison),
    ((ast.Constant,), _constant),
    ((ast.If, ast.IfExp, ast.While), _condition),
    ((*REMOVABLE, ast.Assign), _removed),
    ((ast.Return,), _result),
    ((ast.UnaryOp,), _unary),
    ((ast.Call,), _called),
)


class _FromMemory(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text."""

    def __init__(self, path: Path, source: str) -> None:
        self._name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self._path = path
        self._source = source

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def get_filename(self, _name):
        return str(self._path)

    def get_data(self, _path):
        return self._source.encode()


def _notices(path: Path, source: str, tests: Sequence[str], seconds: int) -> bool:
    """Whether the tests fail, in a child that has imported nothing of ours yet."""
    pid = os.fork()
    if not pid:
        code = 70
        with contextlib.suppress(BaseException):
            signal.alarm(seconds)
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            sys.meta_path.insert(0, _FromMemory(path, source))
            # In this process, for no other has the mutant. Rewritten assertions only serve messages, and modules loaded
            # before would not be rewritten.
            options = ["-n0", "-x", "-q", "-p", "no:cacheprovider", "--assert=plain"]
            code = pytest.main([*options, *tests])
        os._exit(code)
    # Also one that cannot be imported, or never ends, is noticed.
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def _explained() -> dict[str, str]:
    """The mutants that are no mistakes, and why."""
    return tomllib.loads(SURVIVORS.read_text())


def _load_plugins() -> None:
    """What every child would import again: pytest's plugins are most of its time."""
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        with contextlib.suppress(Exception):
            plugin.load()


def main() -> int:
    """Run the mutants that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", type=Path)
    parser.add_argument("tests", nargs="+", help="for pytest, behind `--`")
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    parser.add_argument("--only", type=Path, help="a file with the names of those to run")
    parser.add_argument("--sample", type=int, help="so many, the same each time")
    parser.add_argument("--match", default="", help="those with this in their names")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--seconds", type=int, default=120, help="after which one counts as noticed"
    )
    asked = parser.parse_args()
    path = asked.module.resolve()
    every = {row.name: row for row in mutants(path)}
    explained = [name for name in _explained() if name.startswith(f"{path.stem} ")]
    wanted = asked.only.read_text().splitlines() if asked.only else list(every)
    if gone := [name for name in [*wanted, *explained] if name not in every]:
        # A list of names that no longer mean anything would check less and less.
        sys.exit("\n".join(["no such mutants:", *gone]))
    chosen = [every[name] for name in wanted if asked.match in name]
    if asked.sample:
        chosen = random.Random(0).sample(chosen, min(asked.sample, len(chosen)))
    if asked.list:
        print("\n".join(row.name for row in chosen))
        return 0
    return _report(chosen, path, asked)


def _report(chosen: Sequence[Mutant], path: Path, asked: argparse.Namespace) -> int:
    _load_plugins()
    if _notices(path, path.read_text(), asked.tests, 10 * asked.seconds):
        sys.exit("the tests fail without any mutant, or there are none")
    with ThreadPoolExecutor(asked.jobs) as pool:
        noticed = pool.map(
            lambda row: _notices(path, row.source, asked.tests, asked.seconds), chosen
        )
        explained = _explained()
        wrong = 0
        for row, was_noticed in zip(chosen, noticed, strict=True):
            if was_noticed == (row.name in explained):
                wrong += 1
                print(
                    "noticed, though in the list:" if was_noticed else "SURVIVES:",
                    row.name,
                    flush=True,
                )
    print(f"{len(chosen)} mutants, {wrong} of them not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
