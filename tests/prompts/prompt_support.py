"""Helpers of the prompts' tests: prompts of every kind, waiting for what a thread does, a Langfuse that waits."""

from __future__ import annotations

import asyncio
import json
import threading
import time

from genai_integrations.prompts.template import Text
from genai_integrations.testing.langfuse import LangfuseStandIn

AWKWARD = {
    "nested JSON": '{"a": {"b": {"c": 1}}, "q": {{q}}}',
    "an empty object": '{"a": {}, "b": {{q}}}',
    "bare braces": "{} { } {{}} {{ }} {{q}}",
    "a literal name": "{name} { return y; } {a: 1} { 1, 2 } {{q}}",
    "LaTeX": r"\frac{1}{2} \textbf{{{q}}} {{q}}",
    "Jinja": "{% raw %} {% if x %} {# no #} {{q}} {% endraw %} endchat",
    "a dotted name": "{{user.name}} and {{q}}",
    "a hyphenated name": "{{user-name}} and {{q}}",
    "a spaced name": "{{first name}} and {{ q }}",
    "a Korean name": "{{이름}}님, {{q}}",
    "a reserved name": "{{stop}} {{class}} {{none}} {{_x}} {{model_name}} {{endchat}}",
    "a number": "{{0}} {{1a}}",
    "odd names": "{{a:b}} {{a!r}} {{a[0]}} {{#each}} {{a}b}}",
    "triple braces": "{{{q}}} {{{{q}}}} {{q}}}",
    "format's own signs": "%s %(q)s $q ${q} \\n {q} {{q}}",
    "white space": "\n  {{q}}\r\n\t{{q}} \n",
    "no variable": "Hello!",
    "nothing": "",
}
"""Texts that templates of another syntax get wrong."""


def values_for(prompt, history=()):
    """A plain value for each variable, and the messages for each placeholder."""
    return {
        name: list(history) if name in prompt.placeholders else f"<{name}>"
        for name in prompt.variables
    }


def recorded_bodies(golden_prompts):
    """Every prompt that the real server gave, each once."""
    bodies = [
        reply["body"]["prompt"]
        for row in golden_prompts["prompts"]
        for reply in row["replies"].values()
        if reply["status"] == 200
    ]
    return list({json.dumps(body, sort_keys=True): body for body in bodies}.values())


def compiled(prompt, values):
    """What the Langfuse SDK's `compile` makes of it: a text, or pairs of role and content."""
    from langfuse.model import TemplateParser

    def text(part):
        return TemplateParser.compile_template(part.source, values)

    if isinstance(prompt.body, Text):
        return text(prompt.body)
    rows = []
    for row in prompt.body:
        if hasattr(row, "role"):
            rows.append((row.role, text(row.content)))
        else:
            rows += [(item["role"], item["content"]) for item in values[row.name]]
    return rows


def until(condition):
    """Wait until a thread has done what makes it true."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.002)


class WaitingLangfuse(LangfuseStandIn):
    """A Langfuse that answers once `gate` is set."""

    def __init__(self, *args, **kwargs):
        self.gate = threading.Event()
        super().__init__(*args, **kwargs)

    async def respond(self, request, exchange):
        while not self.gate.is_set():  # noqa: ASYNC110  set by another thread
            await asyncio.sleep(0.002)
        await super().respond(request, exchange)


async def unblocked(server, work):
    """Await what needs an answer of a `WaitingLangfuse`, which comes only if the loop goes on meanwhile."""
    server.gate.clear()
    count = len(server.requests)
    task = asyncio.create_task(work)
    while len(server.requests) == count:  # noqa: ASYNC110  counted by another thread
        await asyncio.sleep(0.002)
    server.gate.set()
    return await task
