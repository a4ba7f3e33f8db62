"""Replies: what people, editors and programs made for OpenAI's objects find on them."""

from __future__ import annotations

import json
import typing

import pytest
import typing_extensions
from IPython.core.completer import IPCompleter, provisionalcompleter

from genai_integrations.calls.parsing import enforced
from genai_integrations.calls.reply import Chunk, ParsedReply, Reply, WireObject
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.errors import ConfigurationError, InvalidReplyError

CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
WIRE = {
    "id": "chatcmpl-1",
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "서울", "refusal": None},
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "system_fingerprint": None,
    "citations": ["https://example.org"],
}


def reply(**message):
    """A reply with this message."""
    choice = {**WIRE["choices"][0], "message": {"role": "assistant", **message}}
    return Reply({**WIRE, "choices": [choice]}, Route("gpt-4o"))


def test_tab_shows_openais_fields_and_what_the_provider_added():
    """`dir`, and with it IPython's Tab, has fields that are not there as well; nothing private."""
    found = Reply(WIRE, Route("gpt-4o"))
    assert {"text", "tool_calls", "parsed", "choices", "usage", "route", "citations"} <= set(
        dir(found)
    )
    assert {"content", "refusal", "tool_calls"} <= set(dir(found.choices[0].message))
    assert "data" not in dir(found)
    embedded = Reply({"data": []}, Route("e"))
    assert "data" in dir(embedded)
    assert "choices" not in dir(embedded)
    completer = IPCompleter(namespace={"reply": found}, use_jedi=False)
    with provisionalcompleter():
        assert {row.text for row in completer.completions("reply.te", 8)} == {".text"}


def test_every_field_has_a_type_that_is_one():
    """What an editor reads is what is there: each annotation can be resolved, and lists hold the class they name."""
    for kind in (*WireObject.__subclasses__(), Reply):
        typing.get_type_hints(kind)
    assert type(Reply(WIRE, Route("gpt-4o")).choices[0].message).__name__ == "Message"
    assert type(reply(tool_calls=[CALL]).choices[0].message.tool_calls[0].function).__name__ == (
        "Function"
    )
    assert type(Reply({"data": [{"embedding": [0.5]}]}, Route("e")).data[0]).__name__ == "Embedding"


def test_the_short_ways():
    """Text, or why it refuses; the calls; never None."""
    assert reply(content="Hello").text == "Hello"
    assert reply(content=None, refusal="I can't.").text == "I can't."
    called = reply(content=None, tool_calls=[CALL])
    assert called.text == ""
    assert called.tool_calls[0].function.arguments == '{"a": 1}'
    assert reply(content="Hello").tool_calls == []
    assert Reply({"data": [{"embedding": [0.5]}]}, Route("e")).text == ""
    assert Chunk({"choices": [{"delta": {"content": "He"}}]}).text == "He"
    assert Chunk({"choices": [], "usage": {}}).text == ""
    second = {"index": 1, "delta": {"content": "Ho"}}
    assert Chunk({"choices": [second]}).text == ""
    assert Chunk({"choices": [second, {"index": 0, "delta": {"content": "He"}}]}).text == "He"


def test_the_providers_id_is_the_last_attempts():
    """Under OpenAI's name, too."""
    route = Route("gpt-4o", [Attempt("a/m", "a", "openai", "m", "first", request_id="req_1")])
    assert Reply(WIRE, route)._request_id == Reply(WIRE, route).request_id == "req_1"
    assert Reply(WIRE, Route("gpt-4o")).request_id is None


def test_dumps_are_openais():
    """Its arguments do what they do there, and a dump shares nothing with the reply."""
    found = Reply(WIRE, Route("gpt-4o"))
    assert found.model_dump() == found.to_dict() == found.model_dump(exclude_unset=True) == WIRE
    without = found.model_dump(exclude_none=True)
    assert "system_fingerprint" not in without
    assert without["choices"][0]["message"] == {"role": "assistant", "content": "서울"}
    assert found.model_dump(mode="json", include={"id", "model"}) == {
        "id": "chatcmpl-1",
        "model": "gpt-4o",
    }
    assert found.model_dump(exclude={"choices"}).keys() == WIRE.keys() - {"choices"}
    assert found.model_dump_json(include=["id"]) == '{"id":"chatcmpl-1"}'
    assert found.model_dump_json(indent=2, include=["id"]) == '{\n  "id": "chatcmpl-1"\n}'
    assert json.loads(found.to_json(exclude_none=True)) == without
    found.model_dump()["choices"].clear()
    assert found.text == "서울"
    with pytest.raises(ConfigurationError, match="mode must be 'python' or 'json'"):
        found.model_dump(mode="xml")


def test_parsed_without_a_class_is_what_the_json_says():
    """A schema as a dict gives plain values, out of a fence too."""
    assert reply(content='{"a": [1]}').parsed == {"a": [1]}
    assert reply(content='Here:\n```json\n{"a": 1}\n```').parsed == {"a": 1}


@pytest.mark.parametrize(
    ("message", "finish", "said"),
    [
        ({"content": None, "refusal": "No."}, "stop", "the model refused: No."),
        ({"content": '{"name": "Se'}, "length", "cut off by its token limit"),
        ({"content": ""}, "content_filter", "no text to read .*content_filter"),
        ({"content": "Seoul"}, "stop", "the answer does not fit City"),
        ({"content": '{"name": 3}'}, "stop", "the answer does not fit City: .*name"),
    ],
)
def test_an_answer_that_is_no_object_says_why(message, finish, said):
    """In one line, as an error of ours."""

    class City(typing_extensions.TypedDict):
        name: str

    _, parse = enforced(City)
    choice = {"message": message, "finish_reason": finish}
    with pytest.raises(InvalidReplyError, match=said) as caught:
        _ = ParsedReply({"choices": [choice]}, Route("gpt-4o"), parse).parsed
    assert "\n" not in str(caught.value)


def test_a_class_that_has_no_schema_is_refused():
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="response_format=int cannot be asked for"):
        enforced(int)
    with pytest.raises(ConfigurationError, match="response_format=object cannot be asked for"):
        enforced(object)
