"""An answer that does not fit a caller's JSON schema, at a target that enforces none."""

from __future__ import annotations

import pytest

from genai_integrations.errors import GenAIError
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "Hi"}]
NOBODY_FITS = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"type": "object", "minProperties": 50}},
}


@pytest.mark.parametrize("stream", [False, True])
def test_it_keeps_nobody_else_from_the_target(make_client, seoul, stream):
    """A schema may be one that no answer fits. The target works, and it is the caller's own error."""
    refusal = "response_format of type json_schema is not supported with this model"
    seoul.faults["*"] = Fault.bad_request(refusal, times=1)
    client = make_client(seoul, num_retries=0)

    with pytest.raises(GenAIError, match="does not fit its JSON schema"):
        list(client.completion("gpt-4o", HELLO, stream, response_format=NOBODY_FITS))
    assert client.cooldowns() == {}
    assert client.completion("gpt-4o", HELLO).route.served == "seoul/gpt-4o"


def test_a_schema_that_cannot_be_enforced_is_one_callers_matter(make_client, seoul):
    """The next one is sent as strict as it is."""
    client = make_client(seoul)
    open_one = {"type": "object", "properties": {}, "required": []}
    closed = {**open_one, "additionalProperties": False}
    reasons = []
    for schema in (open_one, closed):
        named = {"name": "x", "strict": True, "schema": schema}
        wanted = {"type": "json_schema", "json_schema": named}
        route = client.completion("gpt-4o", HELLO, response_format=wanted).route
        reasons.append([row.reason for row in route.attempts])

    assert reasons == [["first", "not strict"], ["first"]]
    assert seoul.requests[-1].body["response_format"] == wanted
