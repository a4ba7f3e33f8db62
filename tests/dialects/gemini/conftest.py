"""What the tests of Gemini's dialect share: bodies, and the scripted server's own reading of them."""

from __future__ import annotations

import copy

import pytest
from gemini_calls import GEMINI, call_of

from genai_integrations.testing.providers.gemini.checks import check_generate
from genai_integrations.testing.providers.gemini.shapes import read


@pytest.fixture
def sent():
    """What is sent for messages and parameters; it passes the checks of the provider's own schema."""

    def sent(messages, model="gemini-2.5-flash", *, drop=True, checked=True, **params):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        body = {"messages": messages, **params}
        before = copy.deepcopy(body)
        made = GEMINI.body(call_of(body, model, drop=drop))
        assert body == before, "what was given is not changed"
        if checked:
            check_generate(read(copy.deepcopy(made), "Generate"), model)
        return made

    return sent
