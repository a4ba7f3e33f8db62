"""The scripted provider answers as OpenAI's API does."""

from __future__ import annotations

import json
import threading

import pytest
from wire import USER, ask, call, chat, chunks, connect, text_of

from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.openai.published import schemas

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["C", "F"]},
                "note": {"type": "string"},
            },
            "required": ["city", "days", "unit"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def message_of(body):
    """The message of the only choice."""
    (choice,) = body["choices"]
    return choice["message"]


def test_the_default_answer_says_who_answered_and_to_what(provider):
    """The answer names the provider and quotes the last thing the user said."""
    provider.name = "seoul"
    body = chat(
        provider,
        messages=[{"role": "user", "content": "first"},
                  {"role": "assistant", "content": "yes"},
                  {"role": "user", "content": [{"type": "text", "text": "second"}]}],
    )  # fmt: skip

    assert body["object"] == "chat.completion"
    assert body["model"] == "gpt-4o"
    assert message_of(body)["content"] == "seoul says: second"
    assert message_of(body)["role"] == "assistant"
    assert body["choices"][0]["finish_reason"] == "stop"


def test_a_whole_stream_adds_up_to_the_answer(provider):
    """The role comes first, then words, then the reason for the end, without usage unless asked for."""
    parts = chunks(provider)

    assert parts[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert text_of(parts) == "provider says: hello there"
    assert len(parts) == 1 + 4 + 1
    assert [part["choices"][0]["finish_reason"] for part in parts] == [None] * 5 + ["stop"]
    assert not any("usage" in part for part in parts)
    assert len({part["id"] for part in parts}) == 1


def test_usage_ends_a_stream_that_asked_for_it(provider):
    """With `include_usage` the last chunk has no choices and the counts; the others say null."""
    *parts, last = chunks(provider, stream_options={"include_usage": True})

    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 2
    assert last["usage"]["completion_tokens"] == 4
    assert last["usage"]["total_tokens"] == 6
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert all(part["usage"] is None for part in parts)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("안녕 😀", "안녕 😀"),
        (["one ", "two"], "one two"),
        ({"content": "partial"}, "partial"),
        (lambda body: f"{len(body['messages'])} message", "1 message"),
        (lambda body: ["a", "b"], "ab"),
    ],
)
def test_scripted_replies_take_every_form(provider, reply, text):
    """A text, pieces, a message or a function: whole and as a stream they say the same."""
    provider.replies["gpt-4o"] = reply

    assert message_of(chat(provider))["content"] == text
    assert text_of(chunks(provider)) == text


def test_pieces_are_streamed_as_they_were_scripted(provider):
    """A list of texts becomes that many content chunks, also where words end elsewhere."""
    provider.replies["*"] = ["Hel", "lo  wor", "ld"]
    contents = [part["choices"][0]["delta"].get("content") for part in chunks(provider)]

    assert contents == ["", "Hel", "lo  wor", "ld", None]


def test_a_whole_reply_is_sent_as_it_is(provider):
    """A reply with choices wins over what would have been made, and is streamed from its messages."""
    choice = {"index": 0, "message": {"content": "x y"}, "finish_reason": "length"}
    usage = {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}}
    provider.replies["gpt-4o"] = {"id": "mine", "choices": [choice], "usage": usage}

    body = chat(provider)
    parts = chunks(provider, stream_options={"include_usage": True})

    assert (body["id"], body["choices"], body["usage"]) == ("mine", [choice], usage)
    assert text_of(parts) == "x y"
    assert parts[-2]["choices"][0]["finish_reason"] == "length"
    assert parts[-1]["usage"] == usage


def test_a_reply_function_that_raises_is_a_500_that_says_so(provider):
    """A mistake in a test's own function shows in the error."""
    provider.replies["gpt-4o"] = lambda body: body["absent"]
    status, _, body = call(provider, {"model": "gpt-4o", "messages": USER})

    assert status == 500
    assert "KeyError('absent')" in body["error"]["message"]


def test_required_tools_are_called_with_arguments_from_their_schema(provider):
    """`required` calls the first tool; the arguments are the required properties."""
    body = chat(provider, tools=[WEATHER, CLOCK], tool_choice="required")
    (call_,) = message_of(body)["tool_calls"]

    assert message_of(body)["content"] is None
    assert call_["function"]["name"] == "weather"
    assert json.loads(call_["function"]["arguments"]) == {"city": "text", "days": 1, "unit": "C"}
    assert body["choices"][0]["finish_reason"] == "tool_calls"


def test_a_named_tool_is_called_and_ends_with_stop(provider):
    """A named function is called even without parameters; the real API's finish reason is then `stop`."""
    choice = {"type": "function", "function": {"name": "clock"}}
    body = chat(provider, tools=[WEATHER, CLOCK], tool_choice=choice)
    (call_,) = message_of(body)["tool_calls"]

    assert call_["function"] == {"name": "clock", "arguments": "{}"}
    assert body["choices"][0]["finish_reason"] == "stop"


def test_tool_calls_stream_in_fragments(provider):
    """The call opens with its id and name and no arguments, which follow in more than one fragment."""
    parts = chunks(provider, tools=[WEATHER], tool_choice="required")
    deltas = [part["choices"][0]["delta"] for part in parts]
    opening, *fragments = [row for delta in deltas for row in delta.get("tool_calls", ())]

    assert deltas[0]["content"] is None
    assert opening["function"] == {"name": "weather", "arguments": ""}
    assert opening["id"].startswith("call_")
    assert len(fragments) > 2
    assert all(row.keys() == {"index", "function"} for row in fragments)
    arguments = "".join(row["function"]["arguments"] for row in fragments)
    assert json.loads(arguments)["city"] == "text"
    assert parts[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_tool_calls_can_be_scripted_in_short(provider):
    """Name and arguments suffice; several calls keep their places in a stream."""
    provider.replies["gpt-4o"] = {
        "tool_calls": [
            {"name": "a", "arguments": {"x": "é"}},
            {"name": "b", "id": "mine", "arguments": "{broken"},
        ]
    }
    first, second = message_of(chat(provider))["tool_calls"]
    rows = [row for part in chunks(provider) for choice in part["choices"]
            for row in choice["delta"].get("tool_calls", ())]  # fmt: skip

    assert first["function"] == {"name": "a", "arguments": '{"x": "é"}'}
    assert (second["id"], second["function"]["arguments"]) == ("mine", "{broken")
    assert [row["index"] for row in rows if "id" in row] == [0, 1]


def test_a_tool_result_is_answered_with_text_that_quotes_it(provider):
    """After a tool message there is an answer, even while the tool is still required."""
    call_ = message_of(chat(provider, tools=[CLOCK], tool_choice="required"))["tool_calls"][0]
    messages = [
        *USER,
        {"role": "assistant", "content": None, "tool_calls": [call_]},
        {"role": "tool", "tool_call_id": call_["id"], "content": "12:00"},
    ]
    body = chat(provider, messages=messages, tools=[CLOCK], tool_choice="required")

    assert message_of(body)["content"] == "provider says: the tool answered 12:00"


def test_structured_output_follows_its_schema(provider):
    """A JSON schema is answered by an object of it, and a JSON object by one with an answer."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}

    assert message_of(chat(provider, response_format=wanted))["content"] == '{"ok": true}'
    answer = message_of(chat(provider, response_format={"type": "json_object"}))["content"]
    assert json.loads(answer) == {"answer": "provider says: hello there"}


@pytest.mark.parametrize(
    ("parameters", "text", "finish"),
    [
        ({"stop": " there"}, "provider says: hello", "stop"),
        ({"stop": ["absent", ":"]}, "provider says", "stop"),
        ({"max_tokens": 2}, "provider says:", "length"),
        ({"max_completion_tokens": 1}, "provider", "length"),
        ({"max_tokens": 4}, "provider says: hello there", "stop"),
    ],
)
def test_answers_are_cut_where_the_request_says(provider, parameters, text, finish):
    """Stop texts and limits cut the answer, whole and streamed, with the right reason."""
    body = chat(provider, **parameters)
    parts = chunks(provider, **parameters)

    assert message_of(body)["content"] == text_of(parts) == text
    assert body["choices"][0]["finish_reason"] == finish
    assert parts[-1]["choices"][0]["finish_reason"] == finish


def test_pieces_that_are_cut_are_streamed_as_words(provider):
    """A limit applies to scripted pieces too."""
    provider.replies["*"] = ["o", "ne two three"]

    assert text_of(chunks(provider, max_tokens=2)) == "one two"


def test_several_choices_are_numbered(provider):
    """`n` choices come with their indexes, whole and streamed, and are counted in the usage."""
    body = chat(provider, n=3, temperature=0.5)
    parts = chunks(provider, n=2)

    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert body["usage"]["completion_tokens"] == 12
    finished = [c["index"] for p in parts for c in p["choices"] if c["finish_reason"]]
    assert finished == [0, 1]


def test_reasoning_comes_before_the_answer_and_is_counted(provider):
    """Scripted reasoning streams first and is part of the usage."""
    provider.replies["gpt-4o"] = {"reasoning_content": "I think so", "content": "yes"}
    deltas = [part["choices"][0]["delta"] for part in chunks(provider)]
    usage = chat(provider)["usage"]

    assert [delta.get("reasoning_content") for delta in deltas[1:4]] == ["I", " think", " so"]
    assert deltas[4] == {"content": "yes"}
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 3
    assert usage["completion_tokens"] == 4


def test_azure_is_addressed_by_deployment(provider):
    """The deployment in the path is the model; the key is in `api-key`; the reply has the filter's results."""
    provider.api_keys = {"azure-key"}
    path = "/any/prefix/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2025-01-01"
    body = {"messages": USER}
    status, _, reply = call(provider, body, path, {"api-key": "azure-key"})

    assert status == 200
    assert reply["model"] == "my gpt/4"
    assert "prompt_filter_results" in reply
    assert provider.requests[0].model == "my gpt/4"
    assert provider.requests[0].query == {"api-version": "2025-01-01"}

    status, _, reply = call(provider, body, path, {"api-key": "wrong"})
    assert (status, reply["error"]["code"]) == (401, "401")
    status, _, reply = call(provider, body, path.partition("?")[0], {"api-key": "azure-key"})
    assert (status, reply["error"]["message"]) == (404, "Resource not found")


def test_an_azure_stream_opens_without_choices(provider):
    """Azure's first chunk has no choices, only what its filter says of the prompt."""
    path = "/openai/deployments/gpt/chat/completions?api-version=1"
    with_stream = {"messages": USER, "stream": True}
    with connect(provider) as connection:
        first = ask(connection, with_stream, path).readline()

    chunk = json.loads(first.removeprefix(b"data: "))
    assert chunk["choices"] == []
    assert "prompt_filter_results" in chunk


def test_wrong_keys_are_refused_in_openais_shape(provider):
    """A wrong key gets 401 with its code and hardly any of the key; a missing one says so; a right one works."""
    provider.api_keys = {"sk-right-0123456789"}
    body = {"model": "gpt-4o", "messages": USER}

    status, _, reply = call(provider, body, headers={"authorization": "Bearer sk-wrong-0123456789"})
    assert status == 401
    assert reply["error"] == {
        "message": "Incorrect API key provided: sk-********6789.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    assert call(provider, body)[2]["error"]["message"] == "You didn't provide an API key."
    right = {"authorization": "Bearer sk-right-0123456789"}
    assert call(provider, body, headers=right)[0] == 200


def test_models_can_be_limited(provider):
    """With `models` given, others are not found, and the list shows the given ones."""
    provider.models = ["only"]

    status, _, reply = call(provider, {"model": "gpt-4o", "messages": USER})
    assert (status, reply["error"]["code"]) == (404, "model_not_found")
    assert message_of(chat(provider, "only"))["content"]
    _, _, listed = call(provider, b"", "/v1/models", method="GET")
    assert [row["id"] for row in listed["data"]] == ["only"]


def test_every_request_is_recorded_as_it_came(provider):
    """Method, raw path, query, headers, body and model are kept, and every answer has its own id."""
    path = "/a%20b/v1/chat/completions?x=%2F&y="
    _, first, _ = call(provider, {"model": "m", "messages": USER}, path, {"X-Team": "AI"})
    _, second, _ = call(provider, b"", "/v1/models", method="GET")

    seen = provider.requests[0]
    assert (seen.method, seen.path, seen.model) == ("POST", "/a%20b/v1/chat/completions", "m")
    assert seen.query == {"x": "/", "y": ""}
    assert seen.headers["x-team"] == "AI"
    assert seen.body["messages"] == USER
    assert json.loads(seen.content) == seen.body
    assert provider.requests[1].body is None
    assert first["x-request-id"] != second["x-request-id"]


def test_many_threads_get_their_own_answers(provider):
    """Calls from several threads at once are all answered, each with its own text."""
    answers = {}

    def work(number):
        for turn in range(5):
            text = f"{number}-{turn}"
            body = chat(provider, messages=[{"role": "user", "content": text}])
            answers[text] = message_of(body)["content"]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {text: f"provider says: {text}" for text in answers}
    assert len(answers) == len(provider.requests) == 30


def test_large_and_odd_texts_pass(provider):
    """A message of megabytes and lone surrogates go both ways."""
    large = "x" * 3_000_000
    assert message_of(chat(provider, messages=[{"role": "user", "content": large}]))[
        "content"
    ].endswith(large)
    assert message_of(chat(provider, messages=[{"role": "user", "content": "\ud83d\x00"}]))


def test_the_openai_sdk_understands_it():
    """The vendor's own client reads its completions and streams."""
    openai = pytest.importorskip("openai")
    with ScriptedProvider() as provider:
        client = openai.OpenAI(api_key="k", base_url=f"{provider.url}/v1", max_retries=0)
        with client:
            reply = client.chat.completions.create(model="m", messages=USER)
            parts = list(client.chat.completions.create(model="m", messages=USER, stream=True))
            vectors = client.embeddings.create(model="e", input=["a", "b"], dimensions=8)
            with pytest.raises(openai.RateLimitError):
                client.chat.completions.create(model="fault-429", messages=USER)

    assert reply.choices[0].message.content == "provider says: hello there"
    assert parts[-1].choices[0].finish_reason == "stop"
    assert [len(row.embedding) for row in vectors.data] == [8, 8]


def test_nothing_is_read_while_somebody_waits():
    """A first answer takes no longer than the next ones: its time is told as a provider's latency."""
    schemas.cache_clear()
    with ScriptedProvider():
        assert schemas.cache_info().currsize == 1
