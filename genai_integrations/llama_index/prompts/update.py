"""Put prompts into a LlamaIndex module, by keys that it has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptMixin

from genai_integrations.errors import ConfigurationError


def update_prompts(module: PromptMixin, prompts: Mapping[str, BasePromptTemplate]) -> None:
    """`module.update_prompts`, but a misspelt key is an error instead of being ignored.

    Args:
        module: A query engine, synthesizer, extractor and so on.
        prompts: The new prompt for each key, such as `response_synthesizer:text_qa_template`.

    Raises:
        ConfigurationError: The module has no such key; nothing is changed then.
    """
    known = module.get_prompts()
    for key in prompts:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"it has {', '.join(map(repr, known)) or 'none'}"
            )
            raise ConfigurationError(f"{type(module).__name__} has no prompt {key!r}: {hint}")
    for key, prompt in prompts.items():
        *path, name = key.split(":")
        owner = module
        for step in path:  # LlamaIndex's own goes one step down, and no further
            owner = owner._get_prompt_modules()[step]  # noqa: SLF001  a method that every module has
        owner.update_prompts({name: prompt})
