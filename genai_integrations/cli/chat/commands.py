"""What one can type in `genai chat` besides questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from genai_integrations.cli import render
from genai_integrations.cli.chat.conversation import Conversation
from genai_integrations.errors import GenAIError


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: With its slash.
        argument: What may follow it, for the help.
        help: What it does.
        do: Takes the conversation, what followed, and where messages go.
    """

    name: str
    argument: str
    help: str
    do: Callable[[Conversation, str, Console], None]


class ChatEndedError(Exception):
    """The user wants no more."""


def is_command(line: str) -> bool:
    """Whether a line is a command; a path such as `/etc/hosts` is none."""
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    return first.startswith("/") and first[1:].isalpha()


def obey(line: str, conversation: Conversation, messages: Console) -> None:
    """Do what a command says.

    Raises:
        ChatEndedError: The command was `/exit`.
    """
    name, _, argument = line.strip().partition(" ")
    command = next((row for row in COMMANDS if row.name == name), None)
    if command is None:
        messages.print(render.plain(f"There is no {name}. /help lists the commands.", "yellow"))
        return
    try:
        command.do(conversation, argument.strip(), messages)
    except GenAIError as error:
        render.complain(error)


def _model(conversation: Conversation, name: str, messages: Console) -> None:
    if name:
        conversation.switch(name)
    targets = conversation.client.resolve(conversation.model).targets
    served = ", ".join(target.name for target in targets)
    messages.print(render.plain(f"{conversation.model} (served by {served})", "dim"))
    if not name:
        for listed in conversation.client.models():
            messages.print(render.plain(listed))


def _system(conversation: Conversation, text: str, messages: Console) -> None:
    conversation.system = text
    said = "The system prompt is set." if text else "There is no system prompt now."
    messages.print(said, style="dim")


def _clear(conversation: Conversation, text: str, messages: Console) -> None:  # noqa: ARG001 - as every command
    conversation.clear()
    messages.print("What was said is forgotten.", style="dim")


def _route(conversation: Conversation, text: str, messages: Console) -> None:  # noqa: ARG001 - as every command
    if conversation.route is None:
        messages.print("There is no route yet: ask something.", style="dim")
        return
    attempts = conversation.route.as_dict()["attempts"]
    render.show(render.route_table(attempts), messages)
    for error in dict.fromkeys(attempt["error"] for attempt in attempts if attempt["error"]):
        messages.print(render.plain(error, "red"))


def _help(conversation: Conversation, text: str, messages: Console) -> None:  # noqa: ARG001 - as every command
    shown = Table.grid(padding=(0, 3, 0, 0))
    for row in COMMANDS:
        shown.add_row(f"{row.name} {row.argument}", row.help)
    messages.print(shown)
    messages.print("\\ at the end of a line continues it. Ctrl-C stops an answer, Ctrl-D ends.")


def _exit(conversation: Conversation, text: str, messages: Console) -> None:  # noqa: ARG001 - as every command
    raise ChatEndedError


COMMANDS = (
    Command("/model", "NAME", "ask another model; without a name, list them", _model),
    Command("/system", "TEXT", "set the system prompt; without a text, remove it", _system),
    Command("/clear", "", "forget what was said", _clear),
    Command("/route", "", "show every attempt of the last question", _route),
    Command("/help", "", "show this", _help),
    Command("/exit", "", "end, as Ctrl-D does", _exit),
)
