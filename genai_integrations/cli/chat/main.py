"""`genai chat`: talk with a model in a terminal, or ask one question through a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

import typer
from rich.text import Text

from genai_integrations.cli import render
from genai_integrations.cli.chat.commands import COMMANDS, ChatEndedError, is_command, obey
from genai_integrations.cli.chat.conversation import Answer, Conversation
from genai_integrations.errors import ConfigurationError, GenAIError

_INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""


def run(conversation: Conversation, *, as_json: bool) -> None:
    """Talk until the user ends it; without a terminal, answer what stdin holds.

    Args:
        conversation: With the model to ask.
        as_json: Print JSON instead of the answer's text; one question, also in a terminal.

    Raises:
        GenAIError: The one question has no answer.
        typer.Exit: Ctrl-C stopped its answer.
    """
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        _talk(conversation)
    else:
        _answer_once(conversation, as_json=as_json)


def _answer_once(conversation: Conversation, *, as_json: bool) -> None:
    if sys.stdin.isatty():
        render.stderr().print("Type the question, and end it with Ctrl-D.", style="dim")
    question = sys.stdin.read().strip()
    if not question:
        raise ConfigurationError(
            "there is no question on stdin: echo 'Hello!' | genai chat -m NAME"
        )
    answer = conversation.ask(question, _ignore if as_json else _show)
    if as_json:
        route = answer.route and answer.route.as_dict()
        render.print_json({"model": conversation.model, "answer": answer.text, "route": route})
    else:
        typer.echo()
        render.stderr().print(_footer(answer, conversation), soft_wrap=True)
    if answer.stopped:
        raise typer.Exit(_INTERRUPTED)


def _talk(conversation: Conversation) -> None:
    readline = _line_editor(conversation)
    messages = render.stderr()
    messages.print("/help shows what you can do; Ctrl-D ends.", style="dim")
    while True:
        try:
            line = _read(conversation.model, is_edited=readline is not None)
            if is_command(line):
                obey(line, conversation, messages)
            elif line.strip():
                _turn(conversation, line)
        except KeyboardInterrupt:
            # At the prompt it only drops the line.
            messages.print()
        except EOFError:
            messages.print()
            return
        except ChatEndedError:
            return


def _turn(conversation: Conversation, question: str) -> None:
    messages = render.stderr()
    shown: list[str] = []
    with messages.status(render.plain(f"Waiting for {conversation.model}", "dim")) as waiting:

        def show(piece: str) -> None:
            waiting.stop()
            shown.append(piece)
            _show(piece)

        try:
            footer = _footer(conversation.ask(question, show), conversation)
        except GenAIError as error:
            footer = render.plain(render.named(error), "bold red")
    messages.print("\n" * bool(shown), footer, "\n", sep="")


def _show(piece: str) -> None:
    typer.echo(render.answer(piece), nl=False)


def _ignore(piece: str) -> None:
    """For JSON, which is printed in one go."""


def _footer(answer: Answer, conversation: Conversation) -> Text:
    parts = ["stopped"] if answer.stopped else []
    if not answer.text and not answer.stopped:
        parts.append("no text came")
    if answer.route and answer.route.attempts:
        *failed, last = answer.route.attempts
        parts.append(last.target + (f" after {len(failed)} failed" if failed else ""))
        if last.completion_tokens is not None:
            about = "about " if last.estimated else ""
            parts.append(f"{about}{last.prompt_tokens} + {last.completion_tokens} tokens")
            known = answer.route.cost is not None
            parts.append(render.cost(answer.route.cost) if known else "price not known")
    parts.append(f"{answer.seconds:.1f} s")
    if conversation.cost:
        parts.append(f"{render.cost(conversation.cost)} in all")
    return render.plain(" | ".join(parts), "dim")


def _read(model: str, *, is_edited: bool) -> str:
    line = input(render.prompt(f"{model}> ", is_edited=is_edited))
    while line.endswith("\\"):
        line = line[:-1] + "\n" + input("> ")
    return line


def _line_editor(conversation: Conversation) -> ModuleType | None:
    """Arrow keys and Tab, where Python has them; nothing is kept after the end."""
    with contextlib.suppress(ImportError):
        import readline

        choices = [row.name for row in COMMANDS]
        with contextlib.suppress(GenAIError):
            choices += [f"/model {name}" for name in conversation.client.models()]
        readline.set_completer_delims("")
        readline.set_completer(_completer(choices))
        readline.parse_and_bind("tab: complete")
        return readline
    return None


def _completer(choices: Sequence[str]) -> Callable[[str, int], str | None]:
    def complete(text: str, state: int) -> str | None:
        fitting = [choice for choice in choices if text and choice.startswith(text)]
        return fitting[state] if state < len(fitting) else None

    return complete
