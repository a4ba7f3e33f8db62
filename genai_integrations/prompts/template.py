"""A prompt's text, parsed into literal and variable parts by Langfuse's own rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.errors import PromptVariableError

Message = dict[str, Any]
"""A chat message in OpenAI's shape."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`{{ name }}` in a text; `source` is how it is written there."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place in a chat prompt where a list of messages goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed text."""

    parts: tuple[str | Variable, ...]

    @classmethod
    def parse(cls, text: str) -> Text:
        """Split at `{{ ... }}`, as the Langfuse SDK's `TemplateParser` does.

        What cannot be a name, because it is empty or starts with a brace, is literal text: the SDK leaves
        such a variable as it stands, since nobody gives a value for it.
        """
        parts: list[str | Variable] = []
        at = 0
        while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start)) >= 0:
            name = text[start + 2 : end].strip()
            source = text[start : end + 2]
            is_name = bool(name) and not name.startswith("{")
            parts += [text[at:start], Variable(name, source) if is_name else source]
            at = end + 2
        parts.append(text[at:])
        return cls(tuple(part for part in parts if part))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, each once, in order."""
        return tuple(dict.fromkeys(row.name for row in self.parts if isinstance(row, Variable)))

    def render(self, values: Mapping[str, Any]) -> str:
        """Insert values as they are: None as nothing, others by `str`. Inserted text is not looked at again."""
        return "".join(
            part if isinstance(part, str) else _text(values[part.name]) for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat prompt."""

    role: str
    content: Text


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a prompt.

    Attributes:
        name: Its name.
        version: Its version; 0 for a fallback given in code.
        labels: Its labels at the time it was fetched.
        config: Its config.
        body: A text, or the messages and placeholders of a chat prompt.
    """

    name: str
    version: int
    labels: tuple[str, ...]
    config: Mapping[str, Any]
    body: Text | tuple[ChatMessage | Placeholder, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of variables and placeholders, each once, in order."""
        if isinstance(self.body, Text):
            return self.body.variables
        names: list[str] = []
        for row in self.body:
            names += [row.name] if isinstance(row, Placeholder) else row.content.variables
        return tuple(dict.fromkeys(names))

    def render(self, values: Mapping[str, Any] | None = None) -> str | list[Message]:
        """Fill in every variable.

        Returns:
            A text for a text prompt, a list of messages for a chat prompt.

        Raises:
            PromptVariableError: A variable is missing or one is given that the prompt does not have.
        """
        values = values or {}
        self._check(values)
        if isinstance(self.body, Text):
            return self.body.render(values)
        messages: list[Message] = []
        for row in self.body:
            if isinstance(row, Placeholder):
                messages += self._history(row.name, values[row.name])
            else:
                messages.append({"role": row.role, "content": row.content.render(values)})
        return messages

    def _history(self, name: str, value: Any) -> list[Message]:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if not is_list or not all(isinstance(item, Mapping) and "role" in item for item in value):
            raise PromptVariableError(
                f"prompt {self.name!r}: the placeholder {name!r} takes a list of messages with a role each"
            )
        return [dict(item) for item in value]

    def _check(self, values: Mapping[str, Any]) -> None:
        missing = [name for name in self.variables if name not in values]
        extra = [name for name in values if name not in self.variables]
        if missing:
            raise PromptVariableError(
                f"prompt {self.name!r} needs {_quoted(missing)}{_nearest(missing, extra)}"
            )
        if extra:
            has = _quoted(self.variables) if self.variables else "no variables"
            raise PromptVariableError(f"prompt {self.name!r} has no {_quoted(extra)}: it has {has}")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _nearest(missing: Sequence[str], given: Sequence[str]) -> str:
    if not given:
        return ": pass variables={...}"
    pairs = [
        f"{near[0]!r} for {name!r}"
        for name in missing
        if (near := difflib.get_close_matches(name, given, n=1))
    ]
    return f"; did you mean {', '.join(pairs)}?" if pairs else f"; given were {_quoted(given)}"
