"""A Langfuse prompt in the syntax of LlamaIndex's own templates.

Variables whose names that syntax does not have get an alias, which `template_var_mappings` hides.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate, RichPromptTemplate

from genai_integrations.errors import PromptError
from genai_integrations.llama_index.prompts.messages import role_of
from genai_integrations.prompts.template import ChatMessage as Row
from genai_integrations.prompts.template import Placeholder, Prompt, Text, Variable

_RICH_ROLES = ("system", "user", "assistant")
_RICH_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_BRACED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
"""What LlamaIndex finds between braces, in texts and in messages."""

_MARK_OF_CHATS = "endchat"
"""Where this is in the source, LlamaIndex takes it for a chat."""

_PLAIN = re.compile(r"[^{}\r\n]*[^{}\s][^{}\r\n]*")
"""Text that Jinja gives back as it is, wherever it stands."""

_TAKEN = ("true", "false", "none", "loop", "self", "super", "caller", "canary_word")
"""Names that Jinja, or the library between, has for itself."""


def prompt_template(prompt: Prompt, **fields: Any) -> PromptTemplate:
    """A text prompt as a `PromptTemplate`, with the fields of the template that it comes from."""
    if not isinstance(prompt.body, Text):
        raise PromptError(f"prompt {prompt.name!r} is a chat prompt: use to_chat_prompt_template()")
    aliases = _aliases([prompt.body], _collides)
    made = PromptTemplate(_braced(prompt.body, aliases), **_given(fields, aliases))
    made.template_vars = [aliases.get(name, name) for name in prompt.variables]
    return made


def braced_text(prompt: Prompt, names: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """A text prompt in the syntax of a `PromptTemplate`, for those who read a template's text and fill it in themselves.

    Args:
        prompt: The prompt.
        names: LlamaIndex's name of a variable, by the prompt's. There are no aliases, for nobody would resolve them.
        values: What to fill in at once, by the prompt's names.

    Raises:
        PromptError: It is a chat prompt.
    """
    if not isinstance(prompt.body, Text):
        raise PromptError(
            f"prompt {prompt.name!r} is a chat prompt, and LlamaIndex wants a text here, as in chat engines that put "
            "their context before a history: use a text prompt"
        )
    return "".join(
        part
        if isinstance(part, str)
        else Text((part,)).render(values)
        if part.name in values
        else f"{{{names.get(part.name, part.name)}}}"
        for part in prompt.body.parts
    )


def chat_prompt_template(prompt: Prompt, **fields: Any) -> ChatPromptTemplate:
    """A prompt as a `ChatPromptTemplate`."""
    rows = _rows(prompt)
    aliases = _aliases([row.content for row in rows], _collides)
    messages = [
        ChatMessage(role=role_of(prompt, row.role), content=_braced(row.content, aliases))
        for row in rows
    ]
    made = ChatPromptTemplate(messages, **_given(fields, aliases))
    made.template_vars = [aliases.get(name, name) for name in prompt.variables]
    return made


def rich_prompt_template(prompt: Prompt, **fields: Any) -> RichPromptTemplate:
    """A prompt as a `RichPromptTemplate`, in Jinja."""
    rows = _rows(prompt)
    aliases = _aliases([row.content for row in rows], _is_odd)
    names = [aliases.get(name, name) for name in prompt.variables]
    if isinstance(prompt.body, Text):
        source = _jinja(prompt.body, aliases)
    else:
        source = "".join(_chat_block(prompt, row, aliases) for row in rows)
    return RichPromptTemplate(source, template_vars=names, **_given(fields, aliases))


def _rows(prompt: Prompt) -> list[Row]:
    if isinstance(prompt.body, Text):
        return [Row("user", prompt.body)]
    rows: list[Row] = []
    for row in prompt.body:
        if isinstance(row, Placeholder):
            raise PromptError(
                f"prompt {prompt.name!r} has the placeholder {row.name!r}, which LlamaIndex's own templates "
                "do not have: use the template of langfuse_prompt() itself"
            )
        rows.append(row)
    return rows


def _given(fields: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """The fields; LlamaIndex maps a name once, so a name that is mapped already goes right to the alias."""
    known = {name: aliases.get(to, to) for name, to in fields["template_var_mappings"].items()}
    mappings = {**aliases, **known}
    return {**fields.pop("kwargs"), **fields, "template_var_mappings": mappings}


def _aliases(texts: Iterable[Text], needs_one: Callable[[str, str], bool]) -> dict[str, str]:
    """A name that is nowhere else for each variable that needs one."""
    parts = [part for text in texts for part in text.parts]
    literals = "\0".join(part for part in parts if isinstance(part, str))
    names = list(dict.fromkeys(part.name for part in parts if isinstance(part, Variable)))
    aliases: dict[str, str] = {}
    for name in names:
        if needs_one(name, literals):
            alias = f"variable_{len(aliases)}"
            while alias in names or alias in literals:
                alias += "_"
            aliases[name] = alias
    return aliases


def _collides(name: str, literals: str) -> bool:
    """Whether a `PromptTemplate` would fill literal text in, or not find the variable."""
    return not _BRACED_NAME.fullmatch(name) or f"{{{name}}}" in literals


def _is_odd(name: str, _literals: str) -> bool:
    is_name = _RICH_NAME.fullmatch(name) and not keyword.iskeyword(name)
    return not is_name or name in _TAKEN or _MARK_OF_CHATS in name


def _braced(text: Text, aliases: Mapping[str, str]) -> str:
    return "".join(
        part if isinstance(part, str) else f"{{{aliases.get(part.name, part.name)}}}"
        for part in text.parts
    )


def _jinja(text: Text, aliases: Mapping[str, str]) -> str:
    pieces: list[str] = []
    for part in text.parts:
        if isinstance(part, Variable):
            pieces.append(f"{{{{ {aliases.get(part.name, part.name)} }}}}")
        elif _PLAIN.fullmatch(part) and _MARK_OF_CHATS not in part:
            pieces.append(part)
        else:
            # As a string constant: around raw blocks, Jinja is set to eat white space here.
            constant = json.dumps(part, ensure_ascii=False).replace(_MARK_OF_CHATS, "endch\\u0061t")
            pieces.append(f"{{{{ {constant} }}}}")
    return "".join(pieces)


def _chat_block(prompt: Prompt, row: Row, aliases: Mapping[str, str]) -> str:
    if row.role not in _RICH_ROLES:
        raise PromptError(
            f"prompt {prompt.name!r} has the role {row.role!r}, which RichPromptTemplate does not have: "
            f"use {', '.join(_RICH_ROLES)}"
        )
    return f'{{% chat role="{row.role}" %}}{_jinja(row.content, aliases)}{{% endchat %}}\n'
