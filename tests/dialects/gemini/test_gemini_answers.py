"""Gemini's answers in OpenAI's form: what published ones do not show."""

from __future__ import annotations

import base64
import json

import pytest
from gemini_calls import ASKED, GEMINI, call_of, streamed, whole

from genai_integrations.errors import (
    AuthenticationError,
    ContentFilteredError,
    InvalidReplyError,
    ServerError,
)
from genai_integrations.transports.reading import Reader


def answer(*parts, finish="STOP", usage=None, **candidate):
    """A whole answer, or the last event of a stream."""
    made = {"content": {"role": "model", "parts": list(parts)}, **candidate}
    if finish:
        made["finishReason"] = finish
    told = {"usageMetadata": usage} if usage else {}
    return {"candidates": [made], **told, "modelVersion": "gemini-x", "responseId": "r1"}


def sse(*events):
    return b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)


def message_of(body):
    return whole(json.dumps(body).encode())["choices"][0]["message"]


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        *[(word, "content_filter") for word in (
            "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "ESCALATION",
            "MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
        )],
    ],
)  # fmt: skip
def test_reasons_of_an_end(finish, told):
    """OpenAI's words, Google's beside them; a filter that left nothing is an error."""
    body = answer({"text": "a"}, finish=finish)
    (choice,) = whole(json.dumps(body).encode())["choices"]
    *_, last = streamed(sse(body))[0]

    assert (choice["finish_reason"], choice["native_finish_reason"]) == (told, finish)
    assert last["choices"][0]["finish_reason"] == told
    if told == "content_filter":
        empty = answer(finish=finish)
        for read in (lambda: whole(json.dumps(empty).encode()), lambda: streamed(sse(empty))):
            with pytest.raises(ContentFilteredError, match=f"stopped the answer .{finish}."):
                read()


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("MALFORMED_FUNCTION_CALL", InvalidReplyError),
        ("UNEXPECTED_TOOL_CALL", InvalidReplyError),
        ("TOO_MANY_TOOL_CALLS", InvalidReplyError),
        ("MISSING_THOUGHT_SIGNATURE", InvalidReplyError),
        ("MALFORMED_RESPONSE", InvalidReplyError),
        ("OTHER", InvalidReplyError),
        ("IMAGE_OTHER", InvalidReplyError),
        ("NO_IMAGE", InvalidReplyError),
        ("FINISH_REASON_UNSPECIFIED", InvalidReplyError),
        ("PUP_LIMITED_DISABLED", AuthenticationError),
    ],
)
def test_ends_that_are_failures(finish, kind):
    """Another target is asked: an answer that ended so is none."""
    body = answer({"text": "a"}, finish=finish)

    with pytest.raises(kind, match=finish):
        whole(json.dumps(body).encode())
    with pytest.raises(kind, match=finish):
        streamed(sse(body))


@pytest.mark.parametrize("usage", [None, {"promptTokenCount": 3, "thoughtsTokenCount": 9, "totalTokenCount": 12}])  # fmt: skip
def test_stopping_without_a_word_is_a_failure(usage):
    """Gemini does that now and then; thoughts that led to nothing are no answer either."""
    for body in (answer(usage=usage), answer({"text": ""}, usage=usage)):
        with pytest.raises(InvalidReplyError, match="nothing"):
            whole(json.dumps(body).encode())
        with pytest.raises(InvalidReplyError, match="nothing"):
            streamed(sse(body))


def test_an_empty_answer_that_was_generated_is_one():
    """A stop sequence may come first."""
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4}

    assert message_of(answer(usage=usage)) == {"role": "assistant", "content": None}
    chunks, ended = streamed(sse(answer(usage=usage)))
    assert ended
    assert [row["finish_reason"] for row in chunks[0]["choices"]] == ["stop"]


def test_several_answers():
    """Each candidate has its own index, whole and streamed, and the stream is whole when all have ended."""
    both = answer({"text": "a"}, index=0)
    both["candidates"] += answer({"text": "b"}, index=1)["candidates"]
    events = [answer({"text": "a"}, finish=None, index=0), answer({"text": "b"}, index=1)]
    reply = whole(json.dumps(both).encode())
    chunks, ended = streamed(sse(*events))

    assert [row["message"]["content"] for row in reply["choices"]] == ["a", "b"]
    assert not ended
    assert streamed(sse(*events, answer(index=0)))[1]
    assert [(row["index"], row["delta"]["content"]) for chunk in chunks for row in chunk["choices"]] == [(0, "a"), (1, "b")]  # fmt: skip


def test_calls_are_numbered_over_the_whole_stream():
    """Gemini sends each of them whole, in events of their own; ids are its own where it gives them."""
    call = {"functionCall": {"id": "x1", "name": "f", "args": {"a": "서울"}}}
    other = {"functionCall": {"name": "g"}, "thoughtSignature": "AAAA"}
    chunks, ended = streamed(sse(answer(call, finish=None), answer(other, {"text": "!"})))
    calls = [row for chunk in chunks for choice in chunk["choices"] for row in choice["delta"].get("tool_calls") or ()]  # fmt: skip

    assert ended
    assert [row["index"] for row in calls] == [0, 1]
    assert calls[0]["id"] == "x1"
    assert calls[0]["function"] == {"name": "f", "arguments": '{"a":"서울"}'}
    assert calls[1]["id"].endswith("__thought__AAAA")
    assert calls[1]["provider_specific_fields"] == {"thought_signature": "AAAA"}
    assert calls[1]["function"]["arguments"] == "{}"
    ends = [row for chunk in chunks for row in chunk["choices"] if row.get("finish_reason")]
    assert [(row["finish_reason"], row["native_finish_reason"]) for row in ends] == [("tool_calls", "STOP")]  # fmt: skip


def test_sound_and_pictures():
    """Data under OpenAI's names, pictures with the signature that Gemini wants back."""
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "BBBB"}, "thoughtSignature": "CCCC"}
    message = message_of(answer(sound, sound, picture))

    assert message["audio"] == {
        "data": "AAAAAAAA", "format": "audio/L16;codec=pcm;rate=24000", "transcript": "",
    }  # fmt: skip
    assert message["images"] == [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,BBBB"},
            "provider_specific_fields": {"thought_signature": "CCCC"},
        }
    ]
    assert message["content"] is None


def test_sound_in_pieces():
    """Each piece has a padding of its own, which would end the sound if the texts were joined as they came."""
    pieces = [b"a", b"bcde", b"f" * 6, b"gh"]

    def event(piece, finish=None):
        data = base64.b64encode(piece).decode()
        return answer({"inlineData": {"mimeType": "audio/L16", "data": data}}, finish=finish)

    chunks, ended = streamed(sse(*map(event, pieces[:-1]), event(pieces[-1], "STOP")))
    told = [row["delta"]["audio"]["data"] for chunk in chunks for row in chunk["choices"] if "audio" in row["delta"]]  # fmt: skip
    whole_parts = [event(piece)["candidates"][0]["content"]["parts"][0] for piece in pieces]

    assert ended
    assert base64.b64decode("".join(told), validate=True) == b"".join(pieces)
    assert base64.b64decode(message_of(answer(*whole_parts))["audio"]["data"], validate=True) == b"".join(pieces)  # fmt: skip


def test_log_probabilities():
    """The chosen token with those that came close, in OpenAI's form."""
    told = {
        "chosenCandidates": [{"token": "é", "tokenId": 1, "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "e", "logProbability": -0.7}]}],
    }
    body = answer({"text": "é"}, logprobsResult=told)
    expected = {
        "content": [
            {
                "token": "é",
                "logprob": -0.5,
                "bytes": [195, 169],
                "top_logprobs": [{"token": "e", "logprob": -0.7, "bytes": [101]}],
            }
        ]
    }

    assert whole(json.dumps(body).encode())["choices"][0]["logprobs"] == expected
    assert streamed(sse(body))[0][0]["choices"][0]["logprobs"] == expected


def test_sources_are_counted_in_characters():
    """Google counts bytes: in Korean a third of them are characters."""
    grounding = {
        "webSearchQueries": ["q"],
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"retrievedContext": {"uri": "gs://b"}},
            {"maps": {"title": "without an address"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 6, "text": "서울"}, "groundingChunkIndices": [0, 1, 2, 9]},
            {"segment": {"startIndex": 7, "endIndex": 13}, "groundingChunkIndices": [0]},
        ],
    }
    body = answer({"text": "서울 맑음"}, groundingMetadata=grounding)
    expected = [
        ("https://a.example", "A", 0, 2), ("gs://b", "", 0, 2), ("https://a.example", "A", 3, 5),
    ]  # fmt: skip
    chunks, _ = streamed(sse(answer({"text": "서울"}, finish=None), body | answer({"text": " 맑음"}, groundingMetadata=grounding)))  # fmt: skip

    for message in (message_of(body), chunks[-1]["choices"][0]["delta"]):
        cited = [row["url_citation"] for row in message["annotations"]]
        assert [(row["url"], row["title"], row["start_index"], row["end_index"]) for row in cited] == expected  # fmt: skip
        assert message["provider_specific_fields"]["grounding_metadata"] == grounding


def test_grounding_that_is_told_twice_counts_once():
    """Some models tell it with every event, each time more of it."""
    first = answer({"text": "a"}, finish=None, groundingMetadata={"webSearchQueries": ["q"]})
    last = answer({"text": "b"}, groundingMetadata={"webSearchQueries": ["q", "r"]})
    chunks, _ = streamed(sse(first, last))
    told = [row["delta"].get("provider_specific_fields") for chunk in chunks for row in chunk["choices"]]  # fmt: skip

    assert [row for row in told if row] == [{"grounding_metadata": {"webSearchQueries": ["q", "r"]}}]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "grounding", "usage"),
    [
        ({"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}, None,
         {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}),
        ({"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 4, "totalTokenCount": 11}, None,
         {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "completion_tokens_details": {"reasoning_tokens": 4}}),
        ({"promptTokenCount": 5, "candidatesTokenCount": 6, "thoughtsTokenCount": 4, "totalTokenCount": 11}, None,
         {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "completion_tokens_details": {"reasoning_tokens": 4}}),
        ({"promptTokenCount": 5, "candidatesTokenCount": 2, "toolUsePromptTokenCount": 3, "totalTokenCount": 10}, None,
         {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10, "prompt_tokens_details": {"tool_use_tokens": 3}}),
        ({"promptTokenCount": 5, "candidatesTokenCount": 2, "toolUsePromptTokenCount": 3, "totalTokenCount": 10}, {"webSearchQueries": ["q"]},
         {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": {"tool_use_tokens": 3}}),
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "cachedContentTokenCount": 4, "totalTokenCount": 11,
          "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 2}],
          "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 2}]}, None,
         {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11,
          "prompt_tokens_details": {"text_tokens": 3, "image_tokens": 4, "audio_tokens": 2, "cached_tokens": 4},
          "completion_tokens_details": {"image_tokens": 2}}),
    ],
)  # fmt: skip
def test_usage(told, grounding, usage):
    """Thoughts are part of the completion, results of Google's tools of the prompt, but for those of a search."""
    beside = {"groundingMetadata": grounding} if grounding else {}
    body = answer({"text": "a"}, usage=told, **beside)

    assert whole(json.dumps(body).encode())["usage"] == usage
    chunks, _ = streamed(sse(answer({"text": "-"}, finish=None, usage={"promptTokenCount": 1}), body))  # fmt: skip
    assert [chunk.get("usage") for chunk in chunks] == [None] * (len(chunks) - 1) + [usage]
    assert chunks[-1]["choices"] == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'[{"a": 1}]', InvalidReplyError),
        (b'{"candidates": []}', InvalidReplyError),
        (b"{}", InvalidReplyError),
        (b'{"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}', ServerError),
    ],
)
def test_what_is_no_answer(body, kind):
    """A good status does not make it one."""
    with pytest.raises(kind):
        whole(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'data: {"a": 1}\n\n', InvalidReplyError),
        (b'data: {"candidates": [3]}\n\n', InvalidReplyError),
        (b'data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\n\n{\n  "error": {\n    "code": 503,\n    "message": "x"}}\n', ServerError),
        (b'{\n  "error": {\n    "code": 503,\n    "message": "x"}}\n', ServerError),
    ],
)  # fmt: skip
def test_what_is_no_stream(body, kind):
    """Google breaks a stream off with an error that is no event."""
    with pytest.raises(kind):
        streamed(body)


def test_a_whole_answer_though_a_stream_was_asked_for():
    """A server in between may collect it."""
    reader = Reader(GEMINI, ASKED, ())
    body = json.dumps(answer({"text": "a"})).encode()
    chunks = [*reader.feed(body), *reader.finish()]

    assert reader.ended
    assert chunks[0]["choices"][0]["delta"]["content"] == "a"


def test_the_shape_of_chunks():
    """The role comes first, the id is one, plain text is a delta of nothing else."""
    events = [answer({"text": text}, finish=None) for text in ("a", "b", "")]
    chunks, ended = streamed(sse(*events, answer({"text": "c"})))

    assert ended
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": "a"}, {"content": "b"}, {"content": "c"}, {},
    ]  # fmt: skip
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in chunks} == {
        ("r1", "chat.completion.chunk", "gemini-x")
    }


def test_arguments_that_come_value_by_value():
    """Nested, of every type, and a call that is under way when the answer ends."""

    def event(call, finish=None):
        return answer({"functionCall": call}, finish=finish)

    def put(path, **value):
        return {"partialArgs": [{"jsonPath": path, **value}], "willContinue": True}

    chunks, ended = streamed(sse(
        event({"name": "cook", "id": "c1", "willContinue": True}),
        event(put("$.steps[0].what", stringValue="bo", willContinue=True)),
        event(put("$.steps[0].what", stringValue="il")),
        event(put("$.steps[1]['how long']", numberValue=5)),
        event(put("$.hot", boolValue=True)),
        event(put("$.lid", nullValue="NULL_VALUE")),
        event({"willContinue": True}),
        event({}),
        event({"name": "eat", "willContinue": True}),
        event(put("$.what", stringValue="it"), finish="STOP"),
    ))  # fmt: skip
    calls = [row for chunk in chunks for choice in chunk["choices"] for row in choice["delta"].get("tool_calls") or ()]  # fmt: skip

    assert ended
    assert [(row["function"]["name"], json.loads(row["function"]["arguments"])) for row in calls] == [
        ("cook", {"steps": [{"what": "boil"}, {"how long": 5}], "hot": True, "lid": None}),
        ("eat", {"what": "it"}),
    ]  # fmt: skip
    assert calls[0]["id"] == "c1"


def test_what_was_asked_is_the_model_where_none_is_told():
    """Some gateways leave it out."""
    body = json.dumps({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]})  # fmt: skip
    reply = whole(body.encode(), call_of({"messages": []}, "gemini-2.5-pro"))

    assert reply["model"] == "gemini-2.5-pro"
    assert reply["id"].startswith("chatcmpl-")
