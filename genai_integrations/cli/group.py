"""Groups of commands: their help, and `genai "What is this?"`, where what is no command is a question."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperGroup

_A_WORD = re.compile(r"[a-z][a-z0-9_-]*")
"""How a command looks, and so one that is misspelt: Click says which it was meant to be."""

CHAT = "chat"
_ANY_LENGTH = 1_000


class WholeGroup(TyperGroup):
    """Commands whose descriptions are whole in the plain help of a narrow terminal: Click's own cuts them off."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click gives it
        """As Click's, without its limit."""
        rows = [
            (name, row.get_short_help_str(limit=_ANY_LENGTH)) for name, row in self.commands.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class AskingGroup(WholeGroup):
    """The commands, and among them `chat` also where it is left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Click's, with the `chat` that is meant put in."""
        at = self._after_own_options(args)
        if at < len(args) and self._is_for_chat(args[at]):
            args = [*args[:at], CHAT, *args[at:]]
        return super().parse_args(ctx, args)

    def _after_own_options(self, args: list[str]) -> int:
        """Where what is not an option of the group begins."""
        flags = {name: bool(row.is_flag) for row in self.params for name in row.opts}  # type: ignore[attr-defined]  # of options only
        at = 0
        while at < len(args):
            name, has_value, _ = args[at].partition("=")
            if name not in flags:
                break
            at += 1 if flags[name] or has_value else 2
        return at

    def _is_for_chat(self, word: str) -> bool:
        if word in self.commands or word == "--":
            return False
        if word.startswith("-") and len(word) > 1:
            known = {name for row in self.commands[CHAT].params for name in row.opts}
            return word.partition("=")[0] in known or word[:2] in known
        return _A_WORD.fullmatch(word) is None
