"""What templates of text and of chat prompts share: variables, input, and the link for Langfuse's handler."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import AnyMessage
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.utils.pydantic import create_model_v2
from pydantic import BaseModel, Field

from genai_integrations.langchain.prompts.messages import MARK
from genai_integrations.prompts.template import Prompt

Given = dict[str, Any]


def mapping_of(given: Any, variables: Iterable[str], owner: str) -> Mapping[str, Any]:
    """The input as a mapping; where there is one variable, its value alone will do.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(given, Mapping):
        return given
    names = list(variables)
    if len(names) == 1:
        return {names[0]: given}
    raise TypeError(
        f"{owner} takes a dict with {', '.join(map(repr, names)) or 'any keys'}, "
        f"and got {type(given).__name__}"
    )


def for_handler(config: RunnableConfig | None, found: Iterable[Any]) -> RunnableConfig | None:
    """The config of a template's run, with the prompt where Langfuse's own callback handler looks for it."""
    prompt = linked(found)
    if prompt is None or "langfuse.langchain" not in sys.modules:
        return config
    config = ensure_config(config)
    return {**config, "metadata": {**config.get("metadata", {}), MARK: prompt}}


def linked(found: Iterable[Any]) -> Prompt | None:
    """The last of the prompts that Langfuse knows."""
    prompts = [row for row in found if isinstance(row, Prompt) and row.link]
    return prompts[-1] if prompts else None


def input_schema(template: BasePromptTemplate[Any], lists: Iterable[str] = ()) -> type[BaseModel]:
    """The model of a template's input; a name that is no field's name is an alias.

    Args:
        template: The template.
        lists: Names of placeholders, which take messages.
    """
    fields: dict[str, Any] = {}
    for number, name in enumerate(template.input_variables):
        kind = list[AnyMessage] if name in lists else str
        plain = name.isidentifier() and not name.startswith("_")
        key = name if plain else f"variable_{number}"
        fields[key] = (kind, ...) if plain else (kind, Field(alias=name))
    return create_model_v2("PromptInput", field_definitions=fields)
