"""Messages of an answer in the next request, files by address, and headers of a connection."""

from __future__ import annotations

import pytest

from genai_integrations import Connection
from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.reply import Message
from genai_integrations.calls.request import chat_request
from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.credentials import open_headers
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.openai.shaping import shaped

CALL = {"id": "k1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SAID = {"role": "assistant", "content": None, "tool_calls": [CALL]}


class Theirs:
    """A message as the SDKs of OpenAI and LiteLLM have it."""

    def __init__(self, **fields):
        self._fields = fields

    def model_dump(self, *, exclude_unset=False):
        return self._fields if exclude_unset else {**self._fields, "refusal": None}


def sent(*messages):
    return chat_request("gpt-4o", list(messages), {}, RouterArgs(), stream=False).body["messages"]


@pytest.mark.parametrize(
    "message",
    [
        Message(SAID),
        Message(SAID).model_dump(),
        dict(Message(SAID)),
        Theirs(**SAID),
        {"role": "assistant", "content": None, "tool_calls": Message(SAID).tool_calls},
        {"role": "assistant", "content": None, "tool_calls": [Theirs(**CALL)]},
    ],
)
def test_a_message_of_an_answer_is_a_message(message):
    """`messages.append(reply.choices[0].message)`, as in the pages of OpenAI and LiteLLM."""
    assert sent({"role": "user", "content": "go"}, message)[1] == SAID


def test_plain_messages_are_not_copied():
    """The usual case costs nothing."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "go"}]}, SAID]

    assert chat_request("m", messages, {}, RouterArgs(), stream=False).body["messages"] is messages


@pytest.mark.parametrize("message", ["text", 5, None, object(), {"content": "x"}, {"role": 5}])
def test_what_is_no_message_is_refused(message):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"messages\[1\] must be a dict"):
        sent({"role": "user", "content": "go"}, message)


ADDRESS = "https://example.com/doc.pdf?sig=secret"
FILE = {"type": "file", "file": {"file_id": ADDRESS}}


def file_part(provider, part=FILE):
    connection = Connection.of(provider, provider, "k", "https://gate.example/v1")
    content = [{"type": "text", "text": "sum up"}, part]
    body = {"messages": [{"role": "user", "content": content}]}
    call = WireCall(connection, "m", "chat/completions", body)
    return shaped(call)["messages"][0]["content"][1]


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("openrouter", {"type": "file", "file": {"filename": "file.pdf", "file_data": ADDRESS}}),
        ("mistral", {"type": "document_url", "document_url": ADDRESS}),
        ("litellm_proxy", FILE),
    ],
)
def test_a_file_by_its_address(provider, part):
    """Each provider looks for the address elsewhere."""
    assert file_part(provider) == part


@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_openai_takes_no_address(provider):
    """The error says what to do, and does not tell an address that may be signed."""
    with pytest.raises(ConfigurationError, match="fetch it and pass its data") as caught:
        file_part(provider)

    assert "sig=" not in str(caught.value)


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
def test_a_file_by_its_id_stays(provider):
    """An uploaded one has an id that is no address."""
    part = {"type": "file", "file": {"file_id": "file-123"}}

    assert file_part(provider, part) == part


def test_a_connection_has_headers():
    """A gateway's own; they are as secret as the key."""
    connection = Connection.of("gate", "openai", "k", extra_headers={"x-team": "s3cret"})

    assert open_headers(connection)["x-team"].reveal() == "s3cret"
    assert "s3cret" not in repr(connection)
