"""The command line, `genai`: `main` only says what is missing, or hands over to `app`."""

from __future__ import annotations

import importlib.util
import sys


def main() -> None:
    """Run `genai` with the process's arguments; typer and rich are imported only here."""
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        from genai_integrations.runtime.installing import to_install_extra

        sys.exit(f"genai needs {' and '.join(missing)}: {to_install_extra('cli')}")
    try:
        from genai_integrations.cli.app import main as run

        run()
    except KeyboardInterrupt:
        # While modules load; a command that runs ends so by itself.
        sys.exit(130)
