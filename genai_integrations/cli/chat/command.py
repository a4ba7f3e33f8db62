"""`genai chat`: the options, and what they make of a question."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genai_integrations.cli import options
from genai_integrations.cli.options import AsJson
from genai_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from genai_integrations.cli.chat.conversation import Conversation
    from genai_integrations.cli.chat.log import ChatLog, Said
    from genai_integrations.cli.chat.main import Turn
    from genai_integrations.client import GenAIClient

_REFERENCE = re.compile(r"(?P<name>[^@]+)(@(?P<which>[\w.-]+))?")


@dataclass(frozen=True, slots=True)
class PromptUse:
    """A Langfuse prompt that goes before the questions.

    Attributes:
        name: Its name.
        version: This version.
        label: Or the version with this label; neither means `production`.
        variables: A value for each variable.
    """

    name: str
    version: int | None
    label: str | None
    variables: Mapping[str, str]

    @classmethod
    def of(cls, reference: str | None, values: Sequence[str]) -> PromptUse | None:
        """From `name`, `name@label` or `name@3`, and `key=value`s.

        Raises:
            ConfigurationError: They are none, or there are values without a prompt.
        """
        if reference is None:
            if values:
                raise ConfigurationError("--var is a variable of a prompt: add --prompt NAME")
            return None
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise ConfigurationError(f"--prompt takes name, name@label or name@3, not {reference}")
        which = match["which"]
        is_number = which is not None and which.isdecimal()
        return cls(
            match["name"],
            int(which) if is_number else None,
            None if is_number else which,
            dict(map(_pair, values)),
        )

    def as_param(self) -> dict[str, Any]:
        """The call's `langfuse_prompt`."""
        told = {"name": self.name, "version": self.version, "label": self.label}
        told = {name: value for name, value in told.items() if value is not None}
        return {**told, "variables": dict(self.variables)}

    def model(self, client: GenAIClient) -> str | None:
        """The model that its config names."""
        found = client.prompt(self.name, version=self.version, label=self.label).config.get("model")
        return found if isinstance(found, str) else None

    def asks(self, client: GenAIClient) -> bool:
        """Whether it is a question of its own: it ends with what a user says."""
        made = client.get_prompt(self.name, self.variables, version=self.version, label=self.label)
        return isinstance(made, str) or bool(made and made[-1].get("role") == "user")


_Question = Annotated[
    list[str] | None,
    typer.Argument(help="What to ask. Without it you talk; in a pipe, stdin is the question."),
]
_Model = Annotated[
    str | None,
    options.model_option("A model's name; default GENAI_MODEL, then default_model in genai.yaml."),
]
_System = Annotated[str, typer.Option("--system", "-s", help="Instructions for the model.")]
_Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        "-p",
        help="A Langfuse prompt: name, name@label or name@3.",
        autocompletion=options.prompt_names,
    ),
]
_Var = Annotated[
    list[str] | None, typer.Option("--var", help="name=value for the prompt; may be repeated.")
]
_Attach = Annotated[
    list[str] | None,
    typer.Option(
        "--attach", "-a", help="An image, PDF, sound or text, or an image's URL; may be repeated."
    ),
]
_Params = Annotated[str | None, typer.Option(help="OpenAI's parameters, as JSON.")]
_Fallback = Annotated[
    list[str] | None,
    typer.Option(
        help="Ask this model if the first fails; may be repeated.",
        autocompletion=options.model_names,
    ),
]
_Schema = Annotated[
    str | None, typer.Option(help="Answer in JSON by this JSON schema: a file, or the schema.")
]
_Continue = Annotated[
    bool, typer.Option("--continue", "-c", help="Continue the last conversation.")
]
_Log = Annotated[
    bool, typer.Option("--log/--no-log", help="Keep the conversation on this machine.")
]


def chat(  # noqa: PLR0917 - each is an option
    context: typer.Context,
    question: _Question = None,
    model: _Model = None,
    system: _System = "",
    prompt: _Prompt = None,
    var: _Var = None,
    attach: _Attach = None,
    params: _Params = None,
    fallback: _Fallback = None,
    schema: _Schema = None,
    resume: _Continue = False,
    log: _Log = True,
    as_json: AsJson = False,
) -> None:
    """Talk with a model, or ask it one question.

    `genai "question"` is the same. What comes through a pipe goes before the question.

    In a terminal: Ctrl-C stops an answer, Ctrl-D ends, /help shows what else there is.

    Exits with 1 without an answer, with 130 after Ctrl-C.
    """
    from genai_integrations.cli.chat.keeping import Keeper
    from genai_integrations.cli.chat.main import run

    client = options.client()
    use = PromptUse.of(prompt, var or ())
    kept = _log(resume=resume, log=log)
    said = kept.said() if kept is not None and resume else []
    conversation = _conversation(
        client,
        model
        or (use and use.model(client))
        or (said[-1].model if said else None)
        or options.default_model(context),
        system,
        _params(params, schema, use, fallback or ()),
        said,
    )
    turn = _turn(client, " ".join(question or ()), attach or (), use)
    run(conversation, turn, Keeper(kept), as_json=as_json, is_single=as_json or schema is not None)


def _conversation(
    client: GenAIClient, model: str, system: str, params: dict[str, Any], said: Sequence[Said]
) -> Conversation:
    """A conversation, after what was said in it before."""
    from genai_integrations.cli.chat.conversation import Conversation

    made = Conversation(client, model, system or (said[-1].system if said else ""), params)
    for row in said:
        made.recall(row.question, row.answer)
    return made


def _turn(client: GenAIClient, words: str, files: Sequence[str], use: PromptUse | None) -> Turn:
    """The first question, which may be the prompt itself."""
    from genai_integrations.cli.chat.attaching import attached
    from genai_integrations.cli.chat.main import Turn

    is_asked = use is not None and not words and use.asks(client)
    return Turn(words, attached(files), tuple(files), is_asked=is_asked)


def _log(*, resume: bool, log: bool) -> ChatLog | None:
    from genai_integrations.cli.chat.log import ChatLog
    from genai_integrations.settings import chat_log_folder

    folder = chat_log_folder() if log else None
    if folder is None:
        if resume:
            raise ConfigurationError(
                "conversations are not kept, so none can be continued: leave out --no-log and GENAI_CHAT_LOG=off"
            )
        return None
    if not resume:
        return ChatLog(folder)
    last = ChatLog.last(folder)
    if last is None:
        raise ConfigurationError(f"there is no conversation in {folder} to continue")
    return last


def _params(
    params: str | None, schema: str | None, use: PromptUse | None, fallbacks: Sequence[str]
) -> dict[str, Any]:
    made: dict[str, Any] = dict(options.params_of(params))
    for name in ("model", "messages", "stream"):
        if name in made:
            raise ConfigurationError(f"--params may not have {name!r}: it has an option of its own")
    if schema is not None:
        named = {"name": "answer", "schema": _schema(schema)}
        made["response_format"] = {"type": "json_schema", "json_schema": named}
    if fallbacks:
        made["fallbacks"] = list(fallbacks)
    if use is not None:
        made["langfuse_prompt"] = use.as_param()
    return made


def _schema(given: str) -> dict[str, Any]:
    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigurationError(f"--schema: {given} cannot be read: {reason}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"--schema is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigurationError('--schema takes a JSON schema such as {"type": "object", ...}')
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigurationError(f"--var takes name=value, not {text}")
    return name, value
