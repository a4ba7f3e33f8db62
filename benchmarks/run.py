"""Measure this package beside its peers, in one run: `python benchmarks/run.py`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PEERS = (
    "langchain-litellm",
    "langchain-openai",
    "llama-index-llms-litellm",
    "llama-index-llms-openai",
    "anthropic",
    "boto3",
    "google-genai",
)
_SUITES = ("langchain", "llama-index", "client", "dialects", "tail", "recording", "imports")

_PROCESSES = 5
"""Interpreters that count, for each import and each first call."""


def main() -> int:
    """Run here, or in an environment that has the peers."""
    options = _options()
    if options.here:
        _measure(options)
        return 0
    with contextlib.ExitStack() as stack:
        folder = options.venv or stack.enter_context(tempfile.TemporaryDirectory())
        python = _environment(Path(folder))
        command = [str(python), __file__, "--here", *sys.argv[1:]]
        return subprocess.run(command, check=False).returncode


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", help="folder of the environment with the peers, made if missing")
    parser.add_argument(
        "--here", action="store_true", help="this interpreter has the peers already"
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--only", choices=_SUITES, action="append", help="some of the tables")
    parser.add_argument("--write", action="store_true", help="update RESULTS.md (all tables only)")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs every table: leave --only out")
    return options


def _environment(folder: Path) -> Path:
    """The interpreter of an environment with this package and its peers."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "peers-installed"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        package = f"{_HERE.parent}[langchain,llama-index]"
        install = [str(python), "-m", "pip", "install", "--quiet", "--editable", package, *_PEERS]
        subprocess.run(install, check=True)
        ready.touch()
    return python


def _measure(options: argparse.Namespace) -> None:
    wanted = options.only or _SUITES
    for name in [name for name in os.environ if name.upper().endswith("_PROXY")]:
        del os.environ[name]
    # What peers leave open at the end is theirs; it would bury the tables.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    # LiteLLM would fetch its price map from the network, for itself and for those who import it.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    with _server() as url:
        tables = [*_cpu(url, wanted, options.rounds), *_imports(url, wanted)]
    from report import circumstances

    text = "\n".join([*circumstances(options.rounds), "", *tables])
    print(text)
    if options.write:
        _write(text)


def _cpu(url: str, wanted: Sequence[str], rounds: int) -> list[str]:
    from contenders import SUITES
    from measure import interleave
    from report import cpu_table

    contenders = [each for name in wanted if name in SUITES for each in SUITES[name](url)]
    if not contenders:
        return []
    interleave(contenders, rounds, _progress)
    return [*cpu_table(contenders), ""]


def _imports(url: str, wanted: Sequence[str]) -> list[str]:
    if "imports" not in wanted:
        return []
    from imports import first_calls, import_times, loaded
    from report import first_call_table, import_table, loaded_table

    here = str(_HERE)
    return [
        *import_table(import_times(_PROCESSES, _progress)),
        "",
        *first_call_table(first_calls(url, here, _PROCESSES)),
        "",
        *loaded_table(loaded(url, here)),
    ]


@contextlib.contextmanager
def _server() -> Generator[str]:
    command = [sys.executable, str(_HERE / "server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


_MEASURED = "<!-- measured -->"


def _write(text: str) -> None:
    """Replace what RESULTS.md has between its two marks; the words around them stay."""
    path = _HERE / "RESULTS.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(_MEASURED)
    after = rest.partition(_MEASURED)[2]
    path.write_text(f"{before}{_MEASURED}\n\n{text}\n\n{_MEASURED}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
