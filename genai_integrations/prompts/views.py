"""Prompts in a notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from genai_integrations.display import Bundle, Html, bundle, escape, muted, table
from genai_integrations.prompts.template import Placeholder, Text, Variable

if TYPE_CHECKING:
    from genai_integrations.prompts.template import Prompt


def prompt_bundle(prompt: Prompt) -> Bundle:
    """The text with its variables standing out, and above it which version it is."""
    about = f"version {prompt.version}"
    about += f" · {', '.join(prompt.labels)}" if prompt.labels else ""
    config = json.dumps(dict(prompt.config), ensure_ascii=False, default=str)
    below = f"<div>{muted(f'config {config}')}</div>" if prompt.config else ""
    head = f"<div><b>{escape(prompt.name)}</b> {muted(about)}</div>"
    text = "\n".join(f"{role}: {plain}" if role else plain for role, plain, _ in _lines(prompt))
    return bundle(f"{prompt.name} ({about})\n{text}", f"{head}{_body(prompt)}{below}")


def _body(prompt: Prompt) -> Html:
    if isinstance(prompt.body, Text):
        return Html(f'<div class="genai-prose">{_html(prompt.body)}</div>')
    return table(("role", "content"), [(role, html) for role, _, html in _lines(prompt)])


def _lines(prompt: Prompt) -> list[tuple[str, str, Html]]:
    """Role, text and HTML of each message."""
    if isinstance(prompt.body, Text):
        return [("", prompt.body.source, _html(prompt.body))]
    return [
        ("messages", f"<{row.name}>", _variable(row.name))
        if isinstance(row, Placeholder)
        else (row.role, row.content.source, _html(row.content))
        for row in prompt.body
    ]


def _html(text: Text) -> Html:
    parts = [
        _variable(row.source) if isinstance(row, Variable) else escape(row) for row in text.parts
    ]
    return Html("".join(parts))


def _variable(source: str) -> Html:
    return Html(f'<code class="genai-variable">{escape(source)}</code>')
