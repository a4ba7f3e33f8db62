"""Tokens counted by OpenAI itself."""

from __future__ import annotations

import pytest
from openai.types.responses.input_token_count_params import InputTokenCountParams
from responses_support import HELLO, call_of

from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.openai.responses.tokens import counted_tokens, counting_body


def test_what_is_counted_is_what_would_be_sent():
    """Of it all that the endpoint takes, and nothing else."""
    tools = [{"type": "function", "function": {"name": "add"}}]
    body = counting_body(call_of(max_tokens=50, temperature=0.5, tools=tools, verbosity="low"))

    assert body == {
        "model": "gpt-4.1",
        "input": HELLO,
        "tools": [
            {
                "type": "function",
                "name": "add",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
        ],
        "text": {"verbosity": "low"},
    }
    assert body.keys() <= InputTokenCountParams.__annotations__.keys()


def test_the_number():
    """It is all that the answer has."""
    assert counted_tokens({"object": "response.input_tokens", "input_tokens": 123}) == 123


@pytest.mark.parametrize("answer", [None, [], {}, {"input_tokens": "123"}])
def test_no_number(answer):
    """That is no answer."""
    with pytest.raises(InvalidReplyError):
        counted_tokens(answer)
