"""Bedrock's own count of a conversation's tokens."""

from __future__ import annotations

import pytest
from bedrock_data import call
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.bedrock.tokens import counted_tokens, counting_body

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello!"}]


def test_what_is_counted_is_what_would_be_sent():
    """Messages, instructions and tools; limits cost nothing. AWS's model of the service knows every field."""
    tool = {"type": "function", "function": {"name": "now"}}
    body = counting_body(call(MESSAGES, tools=[tool], max_tokens=5, top_k=3))
    model = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    shape = model.operation_model("CountTokens").input_shape
    spec = {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}

    assert body == {
        "input": {
            "converse": {
                "messages": [{"role": "user", "content": [{"text": "Hello!"}]}],
                "system": [{"text": "Be kind."}],
                "toolConfig": {"tools": [{"toolSpec": spec}]},
                "additionalModelRequestFields": {"top_k": 3},
            }
        }
    }
    assert not ParamValidator().validate({"modelId": "a", **body}, shape).has_errors()


def test_the_count():
    """Is the answer's number; without one, it is no answer."""
    assert counted_tokens({"inputTokens": 12}) == 12
    for answer in ({}, None, {"inputTokens": "12"}):
        with pytest.raises(InvalidReplyError):
            counted_tokens(answer)
