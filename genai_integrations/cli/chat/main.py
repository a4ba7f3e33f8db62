"""`genai chat`: talk with a model in a terminal, or ask one question through a pipe."""

from __future__ import annotations

import contextlib
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TextIO

import typer
from rich.text import Text

from genai_integrations.cli import render
from genai_integrations.cli.chat.commands import COMMANDS, ChatEndedError, is_command, obey
from genai_integrations.cli.chat.conversation import Answer, Conversation
from genai_integrations.cli.chat.keeping import SWITCHES, Keeper
from genai_integrations.errors import ConfigurationError, GenAIError

_INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the command line asks.

    Attributes:
        question: Its words; empty without any.
        attached: Parts of the message behind them.
        names: What was attached, as it was named.
        is_asked: Whether the prompt is a question of its own.
    """

    question: str = ""
    attached: Sequence[Mapping[str, Any]] = ()
    names: tuple[str, ...] = ()
    is_asked: bool = False

    def kept(self, question: str) -> str:
        """The question as it is kept: of files only the names."""
        return "\n".join([question, *(f"[attached: {name}]" for name in self.names)]).strip()


def run(
    conversation: Conversation, turn: Turn, keeper: Keeper, *, as_json: bool, is_single: bool
) -> None:
    """Talk until the user ends it; with a question, or without a terminal, answer once.

    Args:
        conversation: With the model to ask.
        turn: What the command line asks.
        keeper: Keeps what is said.
        as_json: Print JSON instead of the answer's text.
        is_single: Answer once, also in a terminal.

    Raises:
        GenAIError: The one question has no answer.
        typer.Exit: Ctrl-C stopped its answer.
    """
    is_asked = bool(turn.question) or turn.is_asked or is_single
    if not is_asked and is_terminal(sys.stdin) and is_terminal(sys.stdout):
        _talk(conversation, turn, keeper)
    else:
        _answer_once(conversation, turn, keeper, as_json=as_json)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is one; a stream that is closed is none."""
    return stream is not None and stream.isatty()


def _answer_once(conversation: Conversation, turn: Turn, keeper: Keeper, *, as_json: bool) -> None:
    is_known = bool(turn.question) or turn.is_asked
    question = "\n\n".join(filter(None, (_piped_text(is_known=is_known), turn.question)))
    if not question and not turn.is_asked:
        raise ConfigurationError('there is no question: genai chat -m NAME "Hello!"')
    answer = conversation.ask(question, _ignore if as_json else _show, turn.attached)
    if as_json:
        route = answer.route and answer.route.as_dict()
        render.print_json({"model": conversation.model, "answer": answer.text, "route": route})
    else:
        typer.echo()
        render.stderr().print(_footer(answer, conversation), soft_wrap=True)
    keeper.keep(conversation, turn.kept(question), answer)
    if answer.stopped:
        raise typer.Exit(_INTERRUPTED)


def _piped_text(*, is_known: bool) -> str:
    """What comes through a pipe or from a file; what is typed, if no question is known.

    Raises:
        ConfigurationError: It cannot be read, or is no text.
    """
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        if is_known:
            return ""
        render.stderr().print("Type the question, and end it with Ctrl-D.", style="dim")
    try:
        return sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise ConfigurationError("stdin is not text: attach files with -a") from None
    except OSError as error:
        raise ConfigurationError(f"stdin cannot be read: {error.strerror}") from None


def _talk(conversation: Conversation, turn: Turn, keeper: Keeper) -> None:
    readline = _line_editor(conversation)
    messages = render.stderr()
    kept = f" Kept in {keeper.where}; {SWITCHES}." if keeper.where else ""
    messages.print(render.plain(f"/help shows what you can do; Ctrl-D ends.{kept}", "dim"))
    first = turn
    while True:
        try:
            line = _read(conversation.model, is_edited=readline is not None)
            if is_command(line):
                obey(line, conversation, messages)
            elif line.strip():
                _turn(conversation, line, first, keeper)
                # What was attached goes with the first question only.
                first = Turn()
        except KeyboardInterrupt:
            # At the prompt it only drops the line.
            messages.print()
        except EOFError:
            messages.print()
            return
        except ChatEndedError:
            return


def _turn(conversation: Conversation, question: str, turn: Turn, keeper: Keeper) -> None:
    messages = render.stderr()
    shown: list[str] = []
    with messages.status(render.plain(f"Waiting for {conversation.model}", "dim")) as waiting:

        def show(piece: str) -> None:
            waiting.stop()
            shown.append(piece)
            _show(piece)

        try:
            answer = conversation.ask(question, show, turn.attached)
            footer = _footer(answer, conversation)
            keeper.keep(conversation, turn.kept(question), answer)
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
    if conversation.cost and conversation.cost != (answer.route and answer.route.cost):
        parts.append(f"{render.cost(conversation.cost)} in all")
    return render.plain(" | ".join(parts), "dim")


def _read(model: str, *, is_edited: bool) -> str:
    """One message: a line, those that a backslash continues, and those that were pasted together."""
    line = input(render.prompt(f"{model}> ", is_edited=is_edited))
    while True:
        if line.endswith("\\"):
            line = line[:-1] + "\n" + input("> ")
        elif _is_more_there():
            line = line + "\n" + input()
        else:
            return line


_PASTED = 0.03
"""Seconds in which the next line of a paste is there; nobody types one so fast."""


def _is_more_there() -> bool:
    """Whether another line waits: terminals hand over what is pasted line by line."""
    try:
        return bool(select.select([sys.stdin], [], [], _PASTED)[0])
    except (OSError, ValueError):
        # Windows has it for sockets only.
        return False


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
