"""The marks of the examples, read for the site: what is an output has no button that copies it."""  # noqa: INP001 - a hook, no package

from __future__ import annotations

import re

_OUTPUT = re.compile(r"(?m)^<!-- output -->\s*\n```text$")
_CONSOLE = re.compile(r"(?ms)^```console\n(?P<text>.*?)^```$")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Outputs without a button; commands without a prompt as the shell's, for a console's would be all output."""
    return _CONSOLE.sub(_commands, _OUTPUT.sub("``` { .text .no-copy }", markdown))


def _commands(block: re.Match[str]) -> str:
    language = "console" if re.search(r"(?m)^\$ ", block["text"]) else "bash"
    return f"```{language}\n{block['text']}```"
