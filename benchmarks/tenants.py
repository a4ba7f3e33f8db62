"""How much memory a project takes in a gateway: `python benchmarks/tenants.py [COUNT]`.

The fakes (Langfuse, its Postgres, a provider) are a process of their own. Each project's key pair is admitted, then asks
once, then streams once, then names a prompt; after each step every trace is sent, and memory is measured: the process's
(RSS, after free memory was given back to the system) and Python's own allocations (tracemalloc, in a run of its own).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

_STEPS = ("admitted", "asked", "streamed", "prompted")
_HELLO = [{"role": "user", "content": "Hello!"}]
_WARM = 10


def fakes(count: int) -> None:
    """Serve until the parent closes this process's input."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "gateway"))
    from genai_integrations.testing.postgres import LangfuseDatabase
    from genai_integrations.testing.provider import ScriptedProvider
    from tenants_support import ENCRYPTION_KEY, Langfuses, stored

    with Langfuses() as langfuse, ScriptedProvider("seoul") as provider, LangfuseDatabase() as db:
        names = [f"project-{number}" for number in range(count)]
        for number, name in enumerate(names):
            made = langfuse.add(name, f"pk-lf-{number}", f"sk-lf-{number}")
            made.create_prompt("hello", "Hello {{name}}!")
        stored(db, names, provider)
        variables = {
            "LANGFUSE_HOST": langfuse.url,
            "LANGFUSE_DATABASE_URL": db.url,
            "LANGFUSE_ENCRYPTION_KEY": ENCRYPTION_KEY,
        }
        print(json.dumps(variables), flush=True)
        sys.stdin.read()


def _rss() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _step(client: object, step: str) -> None:
    ask = client.acompletion  # type: ignore[attr-defined]  # a GenAIClient
    if step == "asked":
        await ask("gpt-4o", _HELLO)
    elif step == "streamed":
        async for _ in await ask("gpt-4o", _HELLO, stream=True):
            pass
    elif step == "prompted":
        await ask("gpt-4o", _HELLO, langfuse_prompt={"name": "hello", "variables": {"name": "you"}})


async def measure(count: int, *, traced: bool) -> None:
    """Print bytes for each project after each step."""
    from genai_integrations.gateway.keys.opening import langfuse_keys

    keys = langfuse_keys()

    async def all_do(step: str, numbers: range) -> None:
        for number in numbers:
            shown = f"Bearer pk-lf-{number}:sk-lf-{number}"
            caller = await keys.admit({"authorization": shown})
            await _step(caller.client, step)
        for tenant in keys._tenants._tenants.values():  # noqa: SLF001
            tenant.client.flush()

    for step in _STEPS:
        await all_do(step, range(count, count + _WARM))
    if traced:
        tracemalloc.start()
    before = _rss()
    for step in _STEPS:
        await all_do(step, range(count))
        used = _rss() - before
        told = f"{used / count / 1000:6.1f} KB"
        if traced:
            gc.collect()
            told = f"{tracemalloc.get_traced_memory()[0] / count / 1000:6.1f} KB"
        print(f"{'python' if traced else 'process'} {step:9} {told}", flush=True)
    await keys.aclose()


def main() -> None:
    """Run as the command line says."""
    arguments = sys.argv[1:]
    count = int(arguments[0]) if arguments else 1000
    if "--fakes" in arguments:
        fakes(count + _WARM)
    elif "--measure" in arguments:
        asyncio.run(measure(count, traced="--traced" in arguments))
    else:
        _run(count)


def _run(count: int) -> None:
    command = [sys.executable, __file__, str(count)]
    # glibc's arenas of threads keep what is freed in them, and connections are read in threads.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}
    with subprocess.Popen(
        [*command, "--fakes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        variables = json.loads(server.stdout.readline())
        for more in ([], ["--traced"]):
            subprocess.run(
                [*command, "--measure", *more], env={**environment, **variables}, check=True
            )
        server.stdin.close()


if __name__ == "__main__":
    main()
