"""The prompts that are compared, and what each makes of an item."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from genai_integrations.client import GenAIClient
from genai_integrations.errors import ConfigurationError, PromptVariableError
from genai_integrations.experiments.items import Item, is_messages
from genai_integrations.prompts.template import ChatMessage, Message, Prompt, Text

PromptLike = str | Prompt | Sequence[Mapping[str, object]]
"""A text with `{{variables}}`, a Langfuse prompt as `name@version` or `name@label`, a `Prompt`, or messages."""

_REFERENCE = re.compile(r"(?P<name>[^\n{}]+)@(?P<which>[\w.-]+)")


@dataclass(frozen=True, slots=True)
class Variant:
    """One prompt among those that are compared.

    Attributes:
        label: How the results call it; None where the input itself is the message.
        prompt: The prompt; None where the input itself is the message.
    """

    label: str | None = None
    prompt: Prompt | None = None

    def messages(self, item: Item) -> list[Message]:
        """The conversation to send for an item.

        Raises:
            ConfigurationError: The item has variables and there is no prompt, or the prompt none for it.
            PromptVariableError: The item lacks a variable of the prompt.
        """
        if self.prompt is None:
            return _as_messages(item)
        if self.prompt.variables:
            return _rendered(self.prompt, _values(self.prompt, item))
        if isinstance(self.prompt.body, Text):
            raise ConfigurationError(f"prompt {self.label!r} has no {{{{variable}}}} for the input")
        return [*_rendered(self.prompt, {}), *_as_messages(item)]


def variants_of(
    prompts: PromptLike | Iterable[PromptLike] | Mapping[str, PromptLike] | None,
    client: GenAIClient,
) -> tuple[Variant, ...]:
    """One variant for each prompt; one without a prompt if there is none.

    Raises:
        ConfigurationError: Something given is no prompt, or two have the same label.
        PromptError: A prompt cannot be fetched from Langfuse.
    """
    if prompts is None:
        return (Variant(),)
    if isinstance(prompts, Mapping):
        variants = [_variant(row, client, str(label)) for label, row in prompts.items()]
    else:
        alone = isinstance(prompts, str | Prompt) or is_messages(prompts)
        rows = [prompts] if alone else cast("Iterable[PromptLike]", prompts)
        variants = [_variant(row, client, _label(row, at)) for at, row in enumerate(rows, 1)]
    if not variants:
        raise ConfigurationError("prompts are empty: leave them out to send the inputs themselves")
    if len({row.label for row in variants}) < len(variants):
        raise ConfigurationError("two prompts have the same label: give a dict of label and prompt")
    return tuple(variants)


def is_from_langfuse(prompt: Prompt | None) -> bool:
    """Whether a trace can link it: prompts that were given in code have no version."""
    return prompt is not None and prompt.version > 0


def _variant(given: object, client: GenAIClient, label: str) -> Variant:
    if isinstance(given, Prompt):
        return Variant(label, given)
    if isinstance(given, str):
        return Variant(label, _from_text(given, client, label))
    if is_messages(given) and all(isinstance(row.get("content"), str) for row in given):
        texts = [(str(row["role"]), str(row["content"])) for row in given]
        body = tuple(ChatMessage(role, Text.parse(content)) for role, content in texts)
        return Variant(label, Prompt(label, 0, (), {}, body))
    raise ConfigurationError(
        f"prompt {label!r} is of type {type(given).__name__}: give a text with {{{{variables}}}}, 'name@version', "
        "a Prompt, or messages with texts"
    )


def _from_text(text: str, client: GenAIClient, label: str) -> Prompt:
    parsed = Text.parse(text)
    if parsed.variables:
        return Prompt(label, 0, (), {}, parsed)
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise ConfigurationError(
            f"the prompt {text[:40]!r} has no {{{{variable}}}} for the input, and is not a Langfuse prompt "
            "such as 'name@production' or 'name@3'"
        )
    name, which = match["name"], match["which"]
    if which.isdecimal():
        return client.prompt(name, version=int(which))
    return client.prompt(name, label=which)


def _label(given: object, at: int) -> str:
    if isinstance(given, Prompt):
        return f"{given.name}@{given.version}"
    if isinstance(given, str) and _REFERENCE.fullmatch(given) and not Text.parse(given).variables:
        return given
    return f"prompt {at}"


def _values(prompt: Prompt, item: Item) -> dict[str, object]:
    """The item's values for the prompt; a text is the variable `input`, or the only one there is."""
    if isinstance(item.input, Mapping):
        # Prompts that are compared need not all use every variable.
        return {name: item.input[name] for name in prompt.variables if name in item.input}
    names = prompt.variables
    if len(names) > 1 and "input" not in names:
        raise PromptVariableError(
            f"prompt {prompt.name!r} needs {', '.join(names)}, and input {item.id!r} is a single value: "
            "give a dict of variables"
        )
    return {"input" if "input" in names else names[0]: item.input}


def _rendered(prompt: Prompt, values: Mapping[str, object]) -> list[Message]:
    made = prompt.render(values)
    return [{"role": "user", "content": made}] if isinstance(made, str) else made


def _as_messages(item: Item) -> list[Message]:
    if isinstance(item.input, str):
        return [{"role": "user", "content": item.input}]
    if isinstance(item.input, Mapping):
        raise ConfigurationError(
            f"input {item.id!r} has the variables {', '.join(map(repr, item.input))}: "
            "give prompts that use them"
        )
    return [dict(message) for message in item.input]
