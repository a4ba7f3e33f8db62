"""A prompt follows its model: where another family of models answers than was asked, its own version of the prompt is used.

The version is found by a label: `production.claude` is what `production` is for Claude. What a call knows of its prompt
travels as the link that its record has anyway, so a framework hands over nothing but that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from genai_integrations.errors import GenAIError
from genai_integrations.models.catalog import bare
from genai_integrations.models.families import family_of
from genai_integrations.prompts.langfuse_prompts import LangfusePrompts
from genai_integrations.prompts.template import Prompt
from genai_integrations.runtime import given

_log = logging.getLogger("genai_integrations")

Messages = Sequence[Mapping[str, Any]]
"""In OpenAI's shape."""


LABELS = ("{}.{}", "{}@{}")
"""How the label of a family's version is made of the plain label and the family's name; the first that exists counts.

Langfuse 4 takes small letters, digits, `_`, `-` and `.` in a label, and so refuses to make the second form.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A prompt that was looked up by its label, and how its messages are made.

    Attributes:
        prompts: Has its other versions.
        prompt: The version with the plain label.
        label: That label.
        render: Makes messages of a version of it.
    """

    prompts: LangfusePrompts
    prompt: Prompt
    label: str
    render: Callable[[Prompt], Messages]

    def labels_for(self, asked: str, model: str) -> Sequence[str]:
        """Labels of the version for a model; none if the plain one is right, or the model's family is not known.

        Args:
            asked: The name that the caller asked for.
            model: The provider's id of the model that is asked.
        """
        family = family_of(bare(model))
        if family is None or family is family_of(bare(asked)):
            return ()
        return [form.format(self.label, family.name) for form in LABELS]

    def messages_with(self, prompt: Prompt, messages: Messages) -> Messages | None:
        """The messages with those of another version in place of this one's.

        None if they are not there as they were made, or the values do not fit the other version: then nothing is to be
        changed.
        """
        try:
            made, instead = list(self.render(self.prompt)), list(self.render(prompt))
        except GenAIError as error:
            _log.warning("version %s of %r is not used: %s", prompt.version, prompt.name, error)
            return None
        rows = list(messages)
        for start in range(len(rows) - len(made) + 1):
            if rows[start : start + len(made)] == made:
                return [*rows[:start], *instead, *rows[start + len(made) :]]
        return None


class PromptLink(dict[str, Any]):
    """What a call's record is linked to its prompt by, name and version, and beside it what the prompt can follow by.

    Copies and pickles of it are plain links: what it knows belongs to this process.

    Attributes:
        followed: The prompt.
    """

    __slots__ = ("followed",)
    followed: Followed

    @classmethod
    def of(cls, followed: Followed) -> Self:
        """The link of a prompt that Langfuse has."""
        made = cls(followed.prompt.link or {})
        made.followed = followed
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same: nobody changes it."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def link_of(
    prompts: LangfusePrompts,
    prompt: Prompt,
    label: str | None,
    version: int | None,
    render: Callable[[Prompt], Messages],
) -> dict[str, Any] | None:
    """What the messages of a prompt are marked with; None for a fallback, which Langfuse does not know.

    Args:
        prompts: Where it is from.
        prompt: What was found.
        label: The label that was asked for; None for `production`.
        version: The version that was asked for, which follows nobody.
        render: Makes messages of a version of it.
    """
    if prompt.link is None or version is not None:
        return prompt.link
    return PromptLink.of(Followed(prompts, prompt, label or "production", render))


@dataclass(frozen=True, slots=True)
class Named:
    """A prompt that a call names, with its variables.

    Attributes:
        name: Its name.
        variables: A value for each variable.
        label: The label; None for `production`.
        version: The version.
    """

    name: str
    variables: Mapping[str, Any]
    label: str | None = None
    version: int | None = None

    @classmethod
    def in_call(cls, params: Mapping[str, Any]) -> Named | None:
        """The one that a call names; None if its `langfuse_prompt` has no variables, and is the record's alone.

        Raises:
            ConfigurationError: It has something else too.
        """
        told = params.get("langfuse_prompt")
        if not isinstance(told, Mapping) or "variables" not in told:
            return None
        like = '{"name": "qa", "variables": {"city": "Seoul"}}'
        if told.keys() - cls.__match_args__:
            raise given.wrong("langfuse_prompt", told, f"like {like}, with a label or a version")
        variables = given.mapping("variables", told["variables"] or {}, '{"city": "Seoul"}')
        name = given.text("a prompt's name", told.get("name"), "support/greeting")
        return cls(name, variables, told.get("label"), told.get("version"))

    def get(self, prompts: LangfusePrompts) -> Prompt:
        """Look it up."""
        return prompts.get(self.name, version=self.version, label=self.label)

    async def aget(self, prompts: LangfusePrompts) -> Prompt:
        """As `get`, without blocking the event loop."""
        return await prompts.aget(self.name, version=self.version, label=self.label)

    def begin(
        self,
        prompts: LangfusePrompts,
        prompt: Prompt,
        messages: Messages,
        params: Mapping[str, Any],
    ) -> tuple[Messages, dict[str, Any]]:
        """The call's messages behind the prompt's, and its parameters with the link.

        Raises:
            PromptVariableError: A variable is missing, or the prompt does not have it.
        """
        first = self._messages(prompt, allow_extra=False)
        link = link_of(prompts, prompt, self.label, self.version, self._messages)
        return [*first, *messages], {**params, "langfuse_prompt": link}

    def _messages(self, prompt: Prompt, *, allow_extra: bool = True) -> Messages:
        found = prompt.render(self.variables, allow_extra=allow_extra)
        return [{"role": "user", "content": found}] if isinstance(found, str) else found
