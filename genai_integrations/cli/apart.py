"""Files that a command writes, and those that it needs: never the same one."""

from __future__ import annotations

from pathlib import Path

from genai_integrations.errors import ConfigurationError


def require_apart(written: str, output: Path, **needed: Path) -> None:
    """Refuse to overwrite what the command itself has to read, or keeps answers in.

    Args:
        written: What goes to the output, for the message.
        output: The file of `-o`.
        **needed: The others, by what they are.

    Raises:
        ConfigurationError: It is one of them.
    """
    for what, path in needed.items():
        if path.resolve() == output.resolve():
            raise ConfigurationError(
                f"the {written} would overwrite the {what}: name another file with -o"
            )
