"""The messages that `%genai` sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genai_integrations.errors import ConfigurationError, PromptVariableError
from genai_integrations.prompts.template import ChatMessage, Message, Prompt, Text


def messages_of(
    text: str,
    prompt: Prompt | None = None,
    variables: Mapping[str, str] | None = None,
    system: str | None = None,
) -> list[Message]:
    """The messages for a cell's text.

    With a prompt, the text is the value of the one variable that is left open; where none is, it follows
    the prompt as a message of its own.

    Raises:
        ConfigurationError: There is nothing to ask, or there are variables but no prompt.
        PromptVariableError: A variable is missing, or the prompt does not have it.
    """
    text, values = text.strip(), dict(variables or {})
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    if prompt is None:
        if values:
            raise ConfigurationError("--var fills in a prompt's variables: name one with --prompt")
    else:
        left = [name for name in prompt.variables if name not in values]
        if text and len(left) == 1:
            values[left.pop()], text = text, ""
        if left:
            given = " ".join(f"--var {name}=..." for name in left)
            raise PromptVariableError(f"prompt {prompt.name!r} needs more: give {given}")
        rendered = prompt.render(values)
        messages += [_user(rendered)] if isinstance(rendered, str) else rendered
    if text:
        messages.append(_user(text))
    if not messages or not (text or prompt):
        raise ConfigurationError("there is nothing to ask: write the question into the cell")
    return messages


def as_prompt(name: str, value: object) -> Prompt:
    """A notebook's variable as a prompt: a text or messages with `{{variables}}`, or a `Prompt`.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(value, Prompt):
        return value
    if isinstance(value, str):
        return Prompt(name, 0, (), {}, Text.parse(value))
    if isinstance(value, Sequence) and all(map(_is_message, value)):
        body = tuple(ChatMessage(row["role"], Text.parse(row["content"])) for row in value)
        return Prompt(name, 0, (), {}, body)
    raise ConfigurationError(
        f"the variable {name!r} holds {type(value).__name__} and no prompt: a prompt is a text, "
        "a list of messages with a role and a text each, or what client.prompt() returns"
    )


def _is_message(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(value.get(key), str) for key in ("role", "content")
    )


def _user(text: str) -> Message:
    return {"role": "user", "content": text}
