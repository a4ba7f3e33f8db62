"""The scripted provider answers as Google AI Studio does, seen at the wire."""

from __future__ import annotations

import json

import pytest
from gemini_wire import HELLO, KEY, generate, parts_of, path, post, raw_stream, said, stream
from wire import ask, call, connect

WEATHER = {
    "name": "weather",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "city": {"type": "STRING"},
            "days": {"type": "INTEGER"},
            "unit": {"type": "STRING", "enum": ["C", "F"]},
        },
        "required": ["city", "days", "unit"],
    },
}
TOOLS = [{"functionDeclarations": [WEATHER, {"name": "clock"}]}]
ANY = {"functionCallingConfig": {"mode": "ANY"}}


def test_the_default_answer_quotes_what_the_user_said_last(provider):
    """A reply has one candidate that ends with STOP, the usage, the model and an id."""
    contents = [*HELLO, {"role": "model", "parts": [{"text": "yes"}]},
                {"parts": [{"text": "and"}, {"text": "now"}]}]  # fmt: skip
    system = {"parts": [{"text": "be brief"}]}
    reply = generate(provider, contents=contents, systemInstruction=system)

    assert said(reply) == "provider says: and now"
    assert reply["candidates"][0]["finishReason"] == "STOP"
    assert reply["candidates"][0]["content"]["role"] == "model"
    assert reply["usageMetadata"]["promptTokenCount"] == 7
    assert reply["usageMetadata"]["candidatesTokenCount"] == 4
    assert reply["usageMetadata"]["totalTokenCount"] == 11
    assert reply["modelVersion"] == "gemini-2.5-flash"
    assert reply["responseId"]


def test_names_may_be_written_with_underscores(provider):
    """Protobuf's JSON knows both spellings, and takes one value for a list."""
    body = {
        "contents": {"parts": {"text": "hi"}},
        "generation_config": {"max_output_tokens": 1, "stop_sequences": "x", "seed": None},
    }

    assert post(provider, body)[2]["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_a_stream_adds_up_to_the_answer(provider):
    """Words come one by one; the last chunk is empty, says why it ends and counts everything."""
    *chunks, last = stream(provider)

    assert said(*chunks) == "provider says: hello there"
    assert len(chunks) == 4
    assert not any("finishReason" in chunk["candidates"][0] for chunk in chunks)
    assert all("candidatesTokenCount" not in chunk["usageMetadata"] for chunk in chunks)
    assert parts_of(last) == [{"text": ""}]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["totalTokenCount"] == 6
    assert len({chunk["responseId"] for chunk in [*chunks, last]}) == 1


def test_without_alt_sse_a_stream_is_a_json_array(provider):
    """The chunks are the items of one array, and an error is an array of itself."""
    kind, content = raw_stream(provider, query="")

    assert kind == "application/json; charset=UTF-8"
    assert said(*json.loads(content)) == "provider says: hello there"
    _, content = raw_stream(provider, "fault-500", query="")
    assert json.loads(content)[0]["error"]["status"] == "INTERNAL"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("안녕 😀", "안녕 😀"),
        (["o", "ne t", "wo"], "one two"),
        ({"content": "message"}, "message"),
        ({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}, "whole"),
        ({"candidates": [{"content": {"parts": [{"text": "its own"}]}}]}, "its own"),
        (lambda body: body["contents"][0]["parts"][0]["text"].upper(), "HELLO THERE"),
    ],
)
def test_scripted_replies_take_every_form(provider, reply, text):
    """Texts, pieces, messages, replies of either API and functions: whole and streamed they say the same."""
    provider.replies["*"] = reply

    assert said(generate(provider)) == text
    assert said(*stream(provider)) == text


def test_pieces_are_streamed_as_they_were_scripted(provider):
    """Each piece is a chunk, also where words end elsewhere."""
    provider.replies["*"] = ["Hel", "lo  wor", "ld"]

    texts = [said(chunk) for chunk in stream(provider)]
    assert texts == ["Hel", "lo  wor", "ld", ""]


def test_a_required_tool_is_called_with_arguments_from_its_schema(provider):
    """Arguments are an object; the finish reason is STOP; older models give no id."""
    (part,) = parts_of(generate(provider, tools=TOOLS, toolConfig=ANY))

    args = {"city": "text", "days": 1, "unit": "C"}
    assert part == {"functionCall": {"name": "weather", "args": args}}


def test_a_named_tool_without_parameters_is_called(provider):
    """The first of the allowed functions is called, with empty arguments."""
    only = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}}
    (part,) = parts_of(generate(provider, tools=TOOLS, toolConfig=only))

    assert part == {"functionCall": {"name": "clock", "args": {}}}


def test_parallel_calls_stream_whole_one_to_a_chunk(provider):
    """Gemini streams a call in one piece; a Gemini 3 gives ids and signs the first."""
    provider.replies["*"] = {
        "content": "so",
        "tool_calls": [{"name": "a", "arguments": '{"x": 1}'}, {"name": "b", "id": "mine"}],
    }
    text, first, second, last = stream(provider, "gemini-3-pro-preview")

    assert parts_of(text) == [{"text": "so"}]
    (part,) = parts_of(first)
    assert part["functionCall"]["args"] == {"x": 1}
    assert part["functionCall"]["id"]
    assert part["thoughtSignature"]
    assert parts_of(second) == [{"functionCall": {"id": "mine", "name": "b", "args": {}}}]
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_a_call_that_is_no_object_ends_the_answer(provider):
    """Broken arguments never leave the server: the candidate is malformed and empty."""
    provider.replies["*"] = {"tool_calls": [{"name": "a", "arguments": "{broken"}]}
    reply = generate(provider)

    assert reply["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert parts_of(reply) == []


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"content": "12:00"}, "12:00"),
        ({"error": "no clock"}, "no clock"),
        ({"hour": 12}, '{"hour": 12}'),
    ],
)
def test_a_tool_result_is_answered_with_text_that_quotes_it(provider, response, text):
    """Results under the usual names are quoted as text, others as JSON."""
    contents = [*HELLO, {"role": "model", "parts": [{"functionCall": {"name": "clock"}}]},
                {"parts": [{"functionResponse": {"name": "clock", "response": response}}]}]  # fmt: skip
    reply = generate(provider, contents=contents, tools=TOOLS, toolConfig=ANY)

    assert said(reply) == f"provider says: the tool answered {text}"


@pytest.mark.parametrize("name", ["responseSchema", "responseJsonSchema"])
def test_structured_output_follows_its_schema(provider, name):
    """Both ways to give a schema are answered by an object of it."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    config = {"responseMimeType": "application/json", name: schema}

    assert said(generate(provider, generationConfig=config)) == '{"ok": true}'
    plain = {"responseMimeType": "application/json"}
    answer = json.loads(said(generate(provider, generationConfig=plain)))
    assert answer == {"answer": "provider says: hello there"}


@pytest.mark.parametrize(
    ("config", "text", "finish"),
    [
        ({"stopSequences": [" there"]}, "provider says: hello", "STOP"),
        ({"maxOutputTokens": 2}, "provider says:", "MAX_TOKENS"),
        ({"maxOutputTokens": 4}, "provider says: hello there", "STOP"),
    ],
)
def test_answers_are_cut_where_the_request_says(provider, config, text, finish):
    """Stops and limits cut the answer, whole and streamed."""
    reply = generate(provider, generationConfig=config)
    chunks = stream(provider, generationConfig=config)

    assert said(reply) == said(*chunks) == text
    assert reply["candidates"][0]["finishReason"] == finish
    assert chunks[-1]["candidates"][0]["finishReason"] == finish


def test_several_candidates_are_numbered(provider):
    """`candidateCount` candidates come with their indexes, whole and streamed."""
    config = {"candidateCount": 2}
    reply = generate(provider, generationConfig=config)
    last = stream(provider, generationConfig=config)[-1]

    assert [row["index"] for row in reply["candidates"]] == [0, 1]
    assert reply["usageMetadata"]["candidatesTokenCount"] == 8
    assert [row["index"] for row in last["candidates"]] == [0, 1]


def test_thoughts_are_shown_only_to_who_asks_but_always_counted(provider):
    """Thoughts come first as parts of their own, and are no part of the candidates' count."""
    provider.replies["*"] = {"reasoning_content": "I think so", "content": "yes"}
    asked = {"thinkingConfig": {"includeThoughts": True}}
    thought, answer = parts_of(generate(provider, generationConfig=asked))
    hidden = generate(provider)

    assert thought == {"text": "I think so", "thought": True}
    assert answer == {"text": "yes"}
    assert parts_of(hidden) == [{"text": "yes"}]
    assert hidden["usageMetadata"]["thoughtsTokenCount"] == 3
    assert hidden["usageMetadata"]["candidatesTokenCount"] == 1
    assert hidden["usageMetadata"]["totalTokenCount"] == 6


def test_thoughts_use_up_the_limit(provider):
    """A limit that the thoughts reach leaves a content without parts."""
    provider.replies["*"] = {"reasoning_content": "I think so", "content": "yes"}
    reply = generate(provider, generationConfig={"maxOutputTokens": 2})

    assert reply["candidates"][0]["content"] == {"role": "model"}
    assert reply["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_usage_can_be_scripted_in_openais_words(provider):
    """What was cached is a part of the prompt; what was thought is none of the candidates' count."""
    provider.replies["*"] = {
        "content": "x",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 80},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    }
    assert generate(provider)["usageMetadata"] == {
        "promptTokenCount": 100,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 130,
        "cachedContentTokenCount": 80,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 80}],
    }


def test_scripted_counts_replace_the_counted_ones(provider):
    """In either API's words; the others, and the total, are still counted."""
    for usage, total in (
        ({"promptTokenCount": 9}, 10),
        ({"prompt_tokens": 9}, 10),
        ({"completion_tokens": 9}, 11),
    ):
        provider.replies["*"] = {"content": "x", "usage": usage}
        assert stream(provider)[-1]["usageMetadata"]["totalTokenCount"] == total


def test_pictures_sound_and_documents_are_counted_by_kind(provider):
    """Media come inline or by address."""
    parts = [
        {"text": "look"},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.com/a.pdf"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
    ]
    usage = generate(provider, contents=[{"parts": parts}])["usageMetadata"]

    counts = {row["modality"]: row["tokenCount"] for row in usage["promptTokensDetails"]}
    assert counts == {"TEXT": 1, "IMAGE": 258, "DOCUMENT": 258, "AUDIO": 258}


def test_embeddings_come_one_by_one_or_in_batches(provider):
    """Both give the same vector for the same text, as long as asked for."""
    content = {"parts": [{"text": "hello there"}]}
    model = "gemini-embedding-001"
    body = {"content": content, "outputDimensionality": 8}
    _, _, one = post(provider, body, "embedContent", model)
    row = {"model": f"models/{model}", **body}
    _, _, many = post(provider, {"requests": [row, row]}, "batchEmbedContents", model)

    assert len(one["embedding"]["values"]) == 8
    assert many["embeddings"] == [one["embedding"]] * 2
    del row["outputDimensionality"]
    _, _, many = post(provider, {"requests": [row]}, "batchEmbedContents", model)
    assert len(many["embeddings"][0]["values"]) == 3072


def test_models_can_be_listed_and_limited(provider):
    """Others than the given ones are not found."""
    provider.models = ["only"]

    listed = call(provider, b"", "/v1beta/models", KEY, "GET")[2]
    assert [row["name"] for row in listed["models"]] == ["models/only"]
    assert call(provider, b"", "/v1beta/models/only", KEY, "GET")[2]["displayName"] == "only"
    status, _, body = post(provider, {"contents": HELLO})
    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")
    assert "ListModels" in body["error"]["message"]


def test_addresses_are_found_under_any_prefix_and_version(provider):
    """The model is decoded from the path; without a version there is only a page."""
    name = "my%20model"
    for prefix in ("/v1beta", "/v1", "/v1alpha", "/proxy/x/v1beta"):
        assert call(provider, {"contents": HELLO}, path(model=name, prefix=prefix), KEY)[0] == 200
    assert provider.requests[0].model == "my model"

    with connect(provider) as connection:
        reply = ask(connection, {"contents": HELLO}, path(prefix=""), KEY)
        assert (reply.status, reply.read()[:9]) == (404, b"<!DOCTYPE")
    assert post(provider, {"contents": HELLO}, "frobnicate")[0] == 404
    status, _, _ = call(provider, {"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert status == 200
