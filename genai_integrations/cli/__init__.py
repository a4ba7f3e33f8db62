"""The command line, `genai`: `main` only says what is missing, or hands over to `app`."""

from __future__ import annotations

import importlib.util
import io
import sys


def main() -> None:
    """Run `genai` with the process's arguments; typer and rich are imported behind it, and only where they are needed."""
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        from genai_integrations.runtime.installing import to_install_extra

        sys.exit(f"genai needs {' and '.join(missing)}: {to_install_extra('cli')}")
    _print_any_letter()
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        # While modules load; a command that runs ends so by itself.
        sys.exit(130)


def _print_any_letter() -> None:
    r"""Have Python write `\u2014`, as it does on stderr, for a letter that the encoding of stdout lacks.

    On Windows that encoding is the country's own wherever stdout is a file or a pipe, and models love dashes.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(words: list[str]) -> None:
    if words[:1] == ["gateway"]:
        from genai_integrations.cli.gateway import alone, asked

        plain = asked.read_plainly(words[1:])
        if plain is not None:
            alone.main(plain)
            return
    from genai_integrations.cli.app import main as run

    run()
