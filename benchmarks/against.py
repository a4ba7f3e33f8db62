"""This tree beside an older one: CPU of calls that use none of what was added since.

    python benchmarks/against.py COMMIT [--pairs 16] [--turns 15]

An interpreter of each tree stands ready, and they take turns of some milliseconds against one server, in changing order,
because a machine's speed changes within seconds. There are many pairs of them, because one interpreter is up to a tenth
slower than the next by where its objects happen to lie. The median of all turns' ratios is shown: what is off should
cost nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

HERE = Path(__file__).resolve().parent

_PROGRAM = """
import asyncio, json, sys, time
import genai_integrations
from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI

client = GenAIClient(connections=[Connection.of("a", "openai", "sk-1", sys.argv[1])], tracing=False)
question = [{"role": "user", "content": "hi"}]
chat = ChatGenAI("a/m", client=client)
runner = asyncio.Runner()

def repeated(work, count):
    for _ in range(count):
        work()

async def acalls():
    for _ in range(2):
        await asyncio.gather(*(client.acompletion("a/m", question) for _ in range(20)))

async def astream():
    async for _ in await client.acompletion("a/m", question, stream=True):
        pass

KINDS = {
    "call": (40, lambda: repeated(lambda: client.completion("a/m", question), 40)),
    "ChatGenAI.invoke": (20, lambda: repeated(lambda: chat.invoke("hi"), 20)),
    "chunk": (400, lambda: repeated(lambda: list(client.completion("a/m", question, stream=True)), 2)),
    "async call, 20 at once": (40, lambda: runner.run(acalls())),
    "async chunk": (200, lambda: runner.run(astream())),
}
for _, work in KINDS.values():
    repeated(work, 3)
print(genai_integrations.__file__, flush=True)
for line in sys.stdin:
    told = {}
    for name, (count, work) in KINDS.items():
        began = time.process_time()
        work()
        told[name] = (time.process_time() - began) / count * 1e6
    print(json.dumps(told), flush=True)
"""


def main() -> None:
    """Measure, and print a row for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="what to compare with")
    parser.add_argument("--pairs", type=int, default=16, help="pairs of interpreters")
    parser.add_argument("--turns", type=int, default=15, help="turns of each pair")
    given = parser.parse_args()
    rows: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        _git("worktree", "add", "--detach", str(other), given.commit)
        try:
            with _server() as url:
                for _ in range(given.pairs):
                    for name, pairs in measured(HERE.parent, other, url, given.turns).items():
                        rows.setdefault(name, []).extend(pairs)
        finally:
            _git("worktree", "remove", "--force", str(other))
    for name, pairs in rows.items():
        ours, theirs = (statistics.median(row) for row in zip(*pairs, strict=True))
        ratio = statistics.median(mine / old for mine, old in pairs)
        print(f"{name:24} {ours:8.1f} us  {theirs:8.1f} us  {ratio:.2f}x")


def measured(tree: Path, other: Path, url: str, turns: int) -> dict[str, list[tuple[float, float]]]:
    """By kind of work, microseconds of both trees in each turn."""
    found: dict[str, list[tuple[float, float]]] = {}
    with _interpreter(tree, url) as ours, _interpreter(other, url) as theirs:
        for number in range(turns):
            both = {}
            for one in (ours, theirs) if number % 2 else (theirs, ours):
                both[one.pid] = _turn(one)
            for name, mine in both[ours.pid].items():
                found.setdefault(name, []).append((mine, both[theirs.pid][name]))
    return found


def _turn(one: subprocess.Popen[str]) -> dict[str, float]:
    cast("IO[str]", one.stdin).write("\n")
    cast("IO[str]", one.stdin).flush()
    figures: dict[str, float] = json.loads(cast("IO[str]", one.stdout).readline())
    return figures


@contextmanager
def _interpreter(tree: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """One that has a tree's package, and has made its first calls."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, url],
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tree,  # Python looks there first: from a checkout both would be that one
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as one:
        try:
            if not Path(cast("IO[str]", one.stdout).readline().strip()).is_relative_to(tree):
                sys.exit(f"another package than that of {tree} was measured")
            yield one
        finally:
            one.kill()


@contextmanager
def _server() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "server.py")], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield f"http://127.0.0.1:{cast('IO[str]', server.stdout).readline().strip()}/burst/v1"
        finally:
            server.kill()


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(HERE.parent), *words], check=True, capture_output=True)  # noqa: S607


if __name__ == "__main__":
    main()
