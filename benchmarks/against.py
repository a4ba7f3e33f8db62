"""This tree beside an older one: CPU of calls that use none of what was added since.

    python benchmarks/against.py COMMIT [--rounds 8]

Each round runs both trees in interpreters of their own, one after the other in changing order, against one server. The
median of the rounds' ratios is shown: what is off should cost nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
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

def cpu(work, count):
    for _ in range(max(3, count // 20)):
        work()
    began = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - began) / count * 1e6

async def acall():
    await client.acompletion("a/m", question)

async def acpu():
    for _ in range(20):
        await acall()
    began = time.process_time()
    for _ in range(20):
        await asyncio.gather(*(acall() for _ in range(20)))
    return (time.process_time() - began) / 400 * 1e6

async def astream():
    async for _ in await client.acompletion("a/m", question, stream=True):
        pass

async def achunk():
    for _ in range(2):
        await astream()
    began = time.process_time()
    for _ in range(20):
        await astream()
    return (time.process_time() - began) / 4000 * 1e6

print(json.dumps({
    "package": genai_integrations.__file__,
    "call": cpu(lambda: client.completion("a/m", question), 600),
    "ChatGenAI.invoke": cpu(lambda: chat.invoke("hi"), 300),
    "chunk": cpu(lambda: list(client.completion("a/m", question, stream=True)), 30) / 200,
    "async call, 20 at once": asyncio.run(acpu()),
    "async chunk": asyncio.run(achunk()),
}))
"""


def main() -> None:
    """Measure, and print a row for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="what to compare with")
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        _git("worktree", "add", "--detach", str(other), given.commit)
        try:
            rows = measured(HERE.parent, other, given.rounds)
        finally:
            _git("worktree", "remove", "--force", str(other))
    for name, pairs in rows.items():
        ours, theirs = (statistics.median(row) for row in zip(*pairs, strict=True))
        ratio = statistics.median(mine / old for mine, old in pairs)
        print(f"{name:24} {ours:8.1f} us  {theirs:8.1f} us  {ratio:.2f}x")


def measured(tree: Path, other: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """By kind of work, microseconds of both trees in each round."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py")], stdout=subprocess.PIPE, text=True
    )
    port = cast("IO[str]", server.stdout).readline().strip()
    found: dict[str, list[tuple[float, float]]] = {}
    try:
        for number in range(rounds):
            both = {}
            for path in (tree, other) if number % 2 else (other, tree):
                both[path] = _run(path, f"http://127.0.0.1:{port}/burst/v1")
            for name, mine in both[tree].items():
                found.setdefault(name, []).append((mine, both[other][name]))
    finally:
        server.kill()
    return found


def _run(tree: Path, url: str) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, url],
        env=environment,
        cwd=tree,  # Python looks there first: from a checkout both would be that one
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    if not Path(told.pop("package")).is_relative_to(tree):
        sys.exit(f"another package than that of {tree} was measured")
    figures: dict[str, float] = told
    return figures


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(HERE.parent), *words], check=True, capture_output=True)  # noqa: S607


if __name__ == "__main__":
    main()
