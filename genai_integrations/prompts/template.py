"""A prompt's text, parsed into literal and variable parts by Langfuse's own rules."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from genai_integrations.errors import ConfigurationError, PromptError, PromptVariableError
from genai_integrations.prompts.model_settings import (
    DEFAULT_SETTINGS,
    ModelSettings,
    checked_settings,
)
from genai_integrations.runtime import given

M = TypeVar("M")

Message = dict[str, Any]
"""A chat message in OpenAI's shape; what stands in for a placeholder may hold anything."""


_NO_NAME = re.compile("[\"':,\n]|{{")
"""What no variable's name has. Source: Langfuse's own tests of its template parser have JSON between double braces."""


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

        What cannot be a name, because it is empty, starts with a brace or holds what JSON has and names have not, is
        literal text, such as an example in double braces: the SDK leaves it as it stands, since nobody gives a value
        for it.
        """
        parts: list[str | Variable] = []
        at = 0
        while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start)) >= 0:
            name = text[start + 2 : end].strip()
            source = text[start : end + 2]
            is_name = bool(name) and not name.startswith("{") and not _NO_NAME.search(name)
            parts += [text[at:start], Variable(name, source) if is_name else source]
            at = end + 2
        parts.append(text[at:])
        return cls(tuple(part for part in parts if part))

    @property
    def source(self) -> str:
        """The text as it was before it was parsed."""
        return "".join(row.source if isinstance(row, Variable) else row for row in self.parts)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, each once, in order."""
        return tuple(dict.fromkeys(row.name for row in self.parts if isinstance(row, Variable)))

    def render(self, values: Mapping[str, object]) -> str:
        """Insert values as they are: None as nothing, others by `str`. Inserted text is not looked at again."""
        return "".join(
            part if isinstance(part, str) else _text(values[part.name]) for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat prompt."""

    role: str
    content: Text


Body = Text | tuple[ChatMessage | Placeholder, ...]
"""A text, or the messages and placeholders of a chat prompt."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a prompt.

    Attributes:
        name: Its name.
        version: Its version; 0 for a fallback given in code.
        labels: Its labels at the time it was fetched.
        config: Its config.
        body: A text, or the messages and placeholders of a chat prompt.
        is_fallback: Whether it was given in code, because Langfuse had none to give.
    """

    name: str
    version: int
    labels: tuple[str, ...]
    config: Mapping[str, Any]
    body: Body
    is_fallback: bool = False

    @classmethod
    def fallback(cls, name: str, given: str | Sequence[Mapping[str, str]]) -> Prompt:
        """A prompt for when Langfuse has none to give.

        Args:
            name: The name of the prompt that it stands for.
            given: A text, or messages and placeholders as Langfuse has them.

        Raises:
            ConfigurationError: It is neither.
        """
        try:
            return cls(name, 0, (), {}, parsed_body(given), is_fallback=True)
        except (LookupError, TypeError, AttributeError):
            raise ConfigurationError(
                f"the fallback of prompt {name!r} must be a string, or a list of messages with role and content "
                "(or type and name for a placeholder)"
            ) from None

    @property
    def text(self) -> str:
        """The raw text of a text prompt, variables and all.

        Raises:
            PromptError: It is a chat prompt, which has `messages`.
        """
        if isinstance(self.body, Text):
            return self.body.source
        raise PromptError(f"prompt {self.name!r} is a chat prompt: it has messages, and no text")

    @property
    def messages(self) -> list[Message]:
        """The raw messages and placeholders of a chat prompt, as Langfuse has them.

        Raises:
            PromptError: It is a text prompt, which has `text`.
        """
        if isinstance(self.body, Text):
            raise PromptError(
                f"prompt {self.name!r} is a text prompt: it has text, and no messages"
            )
        return [
            {"type": "placeholder", "name": row.name}
            if isinstance(row, Placeholder)
            else {"role": row.role, "content": row.content.source}
            for row in self.body
        ]

    @property
    def link(self) -> dict[str, object] | None:
        """What a call's record is linked to the prompt by; None for a fallback, which Langfuse does not know."""
        return None if self.is_fallback else {"name": self.name, "version": self.version}

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the placeholders, each once, in order."""
        rows = () if isinstance(self.body, Text) else self.body
        return tuple(dict.fromkeys(row.name for row in rows if isinstance(row, Placeholder)))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of variables and placeholders, each once, in order."""
        if isinstance(self.body, Text):
            return self.body.variables
        names: list[str] = []
        for row in self.body:
            names += [row.name] if isinstance(row, Placeholder) else row.content.variables
        return tuple(dict.fromkeys(names))

    def model_settings(self, allow: Iterable[str] = DEFAULT_SETTINGS) -> ModelSettings:
        """What the config says of the model, as parameters of `GenAIClient.completion`.

        Args:
            allow: Which keys count; default the model and its sampling. `tools`, `tool_choice`,
                `parallel_tool_calls`, `response_format` and `json_schema` can be named too. Keys and addresses
                never count.

        Raises:
            ConfigurationError: A value cannot work, or `allow` names a key that there is not.
        """
        return checked_settings(f"prompt {self.name!r} version {self.version}", self.config, allow)

    def render(
        self, values: Mapping[str, object] | None = None, *, allow_extra: bool = False
    ) -> str | list[Message]:
        """Fill in every variable.

        Args:
            values: A value for each variable, and a list of messages for each placeholder.
            allow_extra: Whether values that belong to no variable are ignored.

        Returns:
            A text for a text prompt, a list of messages for a chat prompt.

        Raises:
            PromptVariableError: A variable is missing or one is given that the prompt does not have.
        """
        values = given.mapping("variables", values or {}, '{"name": "Kim"}')
        if isinstance(self.body, Text):
            self.check(values, allow_extra=allow_extra)
            return self.body.render(values)
        return self.fill(values, _message, self._history, allow_extra=allow_extra)

    def fill(
        self,
        values: Mapping[str, object],
        message: Callable[[str, str], M],
        history: Callable[[str, Any], Iterable[M]],
        *,
        allow_extra: bool = True,
    ) -> list[M]:
        """Fill in every variable, with messages of any kind; a text prompt is what the user says.

        Args:
            values: See `render`.
            message: Makes a message of a role and a text.
            history: Makes the messages of a placeholder, of its name and value.
            allow_extra: Whether values that belong to no variable are ignored.

        Raises:
            PromptVariableError: As `render` does.
        """
        self.check(values, allow_extra=allow_extra)
        if isinstance(self.body, Text):
            return [message("user", self.body.render(values))]
        messages: list[M] = []
        for row in self.body:
            if isinstance(row, Placeholder):
                messages += history(row.name, values[row.name])
            else:
                messages.append(message(row.role, row.content.render(values)))
        return messages

    def check(self, values: Mapping[str, object], *, allow_extra: bool = True) -> None:
        """Raise `PromptVariableError` if the values do not fit."""
        wanted = self.variables
        require(f"prompt {self.name!r}", wanted, values)
        extra = [name for name in values if name not in wanted]
        if extra and not allow_extra:
            has = _quoted(wanted) if wanted else "no variables"
            raise PromptVariableError(f"prompt {self.name!r} has no {_quoted(extra)}: it has {has}")

    def refused(self, placeholder: str) -> PromptVariableError:
        """The error for a placeholder's value that is no list of messages."""
        return PromptVariableError(
            f"prompt {self.name!r}: the placeholder {placeholder!r} takes a list of messages with a role each"
        )

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.prompts.views import prompt_bundle

        return prompt_bundle(self)

    def _history(self, name: str, value: object) -> list[Message]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.refused(name)
        given = [placed_message(item) for item in value]
        if not all(isinstance(item, Mapping) and "role" in item for item in given):
            raise self.refused(name)
        return [dict(item) for item in given]


def placed_message(given: Any) -> Any:
    """One message for a placeholder. That of an answer, ours or OpenAI's, becomes a dict; all else stays as it is."""
    if isinstance(given, Mapping):
        return given
    # Here, because the command line reads templates and sends nothing.
    from genai_integrations.calls.request import plain_message

    plain = plain_message(given)
    # Frameworks' messages can be dumped too, and are of another shape then.
    return plain if isinstance(plain, Mapping) and "content" in plain else given


def parsed_body(given: str | Sequence[Mapping[str, str]]) -> Body:
    """A prompt's content as Langfuse has it, parsed."""
    if isinstance(given, str):
        return Text.parse(given)
    return tuple(
        Placeholder(row["name"])
        if row.get("type") == "placeholder"
        else ChatMessage(row["role"], Text.parse(row["content"]))
        for row in given
    )


def require(owner: str, wanted: Sequence[str], values: Mapping[str, object]) -> None:
    """Raise `PromptVariableError` if a wanted value is missing; the nearest given names are told."""
    missing = [name for name in wanted if name not in values]
    if not missing:
        return
    others = [name for name in values if isinstance(name, str) and name not in wanted]
    near = [
        f"{found[0]!r} instead of {name!r}"
        for name in missing
        if (found := difflib.get_close_matches(name, others, n=1))
    ]
    hint = f"given: {_quoted(values)}" if values else "none were given"
    hint = f"given: {', '.join(near)}" if near else hint
    raise PromptVariableError(f"{owner} needs {_quoted(missing)}; {hint}")


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _text(value: object) -> str:
    return "" if value is None else str(value)


_MOST_SHOWN = 10
"""Names of variables that an error has room for."""


def _quoted(names: Iterable[object]) -> str:
    return ", ".join(map(given.shown, itertools.islice(names, _MOST_SHOWN)))
