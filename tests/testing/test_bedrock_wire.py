"""The scripted provider speaks Bedrock's Converse and ConverseStream at the wire."""

from __future__ import annotations

import base64
import json

import pytest
import urllib3
from bedrock_wire import (
    CLAUDE,
    NOVA,
    NOW,
    USER,
    WEATHER,
    bedrock,
    content_of,
    converse,
    path_of,
    post,
    stream,
)
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from genai_integrations.testing.bedrock_frames import event_frame, exception_frame, frame

RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
CALL = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "x"}}}
LOOP = [
    *USER,
    {"role": "assistant", "content": [CALL]},
    {"role": "user", "content": [RESULT]},
]
TOOLS = {"tools": [WEATHER, NOW]}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
TOKEN_PATH = ["/usage/output_tokens_details"]


@pytest.fixture
def provider():
    """A scripted Bedrock that accepts any key and serves any model."""
    with bedrock() as server:
        yield server


def test_frames_are_what_botocore_reads():
    """Lengths, both checksums, headers and payload of a message survive botocore's own buffer."""
    buffer = EventStreamBuffer()
    buffer.add_data(event_frame("one", {"text": "안녕"}) + exception_frame("two", "no"))
    first, second = buffer

    assert first.headers == {
        ":event-type": "one",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert json.loads(first.payload) == {"text": "안녕"}
    assert second.headers[":message-type"] == "exception"
    assert second.headers[":exception-type"] == "two"
    assert json.loads(second.payload) == {"message": "no"}


@pytest.mark.parametrize("place", [1, 9, 20, -1])
def test_a_frame_that_was_touched_is_refused(place):
    """A changed byte anywhere fails one of the checksums."""
    data = bytearray(frame({"a": "b"}, b"payload and more"))
    data[place] ^= 1
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(data))

    with pytest.raises(ChecksumMismatch):
        next(buffer)


def test_a_text(provider):
    """The answer names the provider and what the user said last, with usage and a request id."""
    reply = post(provider, {"messages": USER}, path_of())
    answer = reply.json()

    assert content_of(answer) == [{"text": "bedrock says: hello there"}]
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {
        "inputTokens": 2,
        "outputTokens": 4,
        "totalTokens": 6,
        "cacheReadInputTokens": 0,
        "cacheWriteInputTokens": 0,
    }
    assert isinstance(answer["metrics"]["latencyMs"], int)
    assert reply.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    "model",
    [CLAUDE, NOVA, "apac.amazon.nova-pro-v1:0",
     "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc"],
)  # fmt: skip
def test_models_are_read_from_the_path(provider, model):
    """Inference profiles of a region and whole ARNs are decoded, and a prefix of the path does not matter."""
    provider.replies[model] = "mine"

    assert content_of(converse(provider, model=model)) == [{"text": "mine"}]
    reply = post(provider, {"messages": USER}, "/proxy/aws" + path_of(model))
    assert content_of(reply.json()) == [{"text": "mine"}]
    assert {request.model for request in provider.requests} == {model}


def test_a_stream(provider):
    """Events come in Bedrock's order; text has no opening event; usage comes last."""
    kinds, payloads = zip(*stream(provider), strict=True)

    assert kinds == (
        "messageStart",
        *["contentBlockDelta"] * 4,
        "contentBlockStop",
        "messageStop",
        "metadata",
    )
    assert payloads[0] == {"role": "assistant"}
    texts = [payload["delta"]["text"] for payload in payloads[1:5]]
    assert "".join(texts) == "bedrock says: hello there"
    assert payloads[-2] == {"stopReason": "end_turn"}
    assert payloads[-1]["usage"]["totalTokens"] == 6
    assert payloads[-1]["metrics"]["latencyMs"] >= 0


def test_a_stream_says_what_it_is(provider):
    """The content type is AWS's, and the padding that hides lengths is there."""
    with urllib3.PoolManager(retries=False) as pool:
        url = provider.url + path_of(what="converse-stream")
        reply = pool.request("POST", url, body=json.dumps({"messages": USER}).encode())
    buffer = EventStreamBuffer()
    buffer.add_data(reply.data)

    assert reply.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert len({len(json.loads(message.payload)["p"]) for message in buffer}) > 1


def test_system_and_several_turns(provider):
    """A system prompt and earlier turns are counted, and the last user is answered."""
    messages = [
        {"role": "user", "content": [{"text": "one"}]},
        {"role": "assistant", "content": [{"text": "two"}]},
        {"role": "user", "content": [{"text": "three"}, {"text": "four"}]},
    ]
    answer = converse(provider, messages, system=[{"text": "be brief"}])

    assert content_of(answer) == [{"text": "bedrock says: three four"}]
    assert answer["usage"]["inputTokens"] == 6


@pytest.mark.parametrize("streaming", [False, True])
def test_a_forced_tool(provider, streaming):
    """`any` calls the first tool, `tool` the named one, with the plainest arguments that the schema allows."""
    for choice, name, given in (
        ({"any": {}}, "weather", {"city": "text"}),
        ({"tool": {"name": "now"}}, "now", {}),
    ):
        config = {**TOOLS, "toolChoice": choice}
        if streaming:
            calls, stop = read_calls(stream(provider, toolConfig=config))
        else:
            answer = converse(provider, toolConfig=config)
            calls, stop = content_of(answer), answer["stopReason"]
        (block,) = calls

        assert block["toolUse"]["name"] == name
        assert block["toolUse"]["input"] == given
        assert stop == "tool_use"


def read_calls(events):
    """The tool calls of a stream and its stop reason, as clients put them together."""
    blocks, stop = {}, None
    for kind, payload in events:
        if kind == "contentBlockStart":
            call = payload["start"]["toolUse"]
            blocks[payload["contentBlockIndex"]] = {"toolUse": {**call, "input": ""}}
        elif kind == "contentBlockDelta" and "toolUse" in payload["delta"]:
            call = blocks[payload["contentBlockIndex"]]["toolUse"]
            call["input"] += payload["delta"]["toolUse"]["input"]
        elif kind == "messageStop":
            stop = payload["stopReason"]
    for block in blocks.values():
        block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return list(blocks.values()), stop


def test_no_tool_is_called_unasked(provider):
    """With `auto`, and without a choice, the default answer stays text."""
    for more in ({}, {"toolChoice": {"auto": {}}}):
        answer = converse(provider, toolConfig={**TOOLS, **more})

        assert content_of(answer) == [{"text": "bedrock says: hello there"}]


def test_parallel_calls_arrive_in_fragments(provider):
    """A scripted message with text and several calls streams each in a block of its own, arguments in parts."""
    provider.replies["*"] = {
        "content": "Let me see",
        "tool_calls": [
            {"name": "weather", "arguments": {"city": "서울특별시"}},
            {"id": "t9", "function": {"name": "weather", "arguments": '{"city": "Busan"}'}},
            {"name": "now"},
        ],
    }
    events = stream(provider, toolConfig=TOOLS)
    calls, stop = read_calls(events)
    parts = [p for k, p in events if k == "contentBlockDelta" and p["contentBlockIndex"] == 1]
    whole = content_of(converse(provider, toolConfig=TOOLS))

    assert stop == "tool_use"
    assert [call["toolUse"]["input"] for call in calls] == [
        {"city": "서울특별시"},
        {"city": "Busan"},
        {},
    ]
    assert calls[1]["toolUse"]["toolUseId"] == "t9"
    assert len(parts) > 2
    assert parts[0]["delta"]["toolUse"]["input"] == ""
    assert whole[0] == {"text": "Let me see"}
    assert [block["toolUse"]["name"] for block in whole[1:]] == ["weather", "weather", "now"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"text": "sunny"}], "sunny"),
        ([{"text": "sunny"}, {"text": "and warm"}], "sunny and warm"),
        ([{"json": {"sky": "blue"}}], '{"sky": "blue"}'),
        (
            [{"text": "see"}, {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}],
            "see ",
        ),
    ],
)
def test_tool_results(provider, content, text):
    """Texts, JSON and images of a result are read; an error is one too."""
    for status in ({}, {"status": "error"}, {"status": "success"}):
        result = {"toolResult": {**RESULT["toolResult"], "content": content, **status}}
        messages = [*LOOP[:2], {"role": "user", "content": [result]}]
        answer = converse(provider, messages, toolConfig=TOOLS)

        assert content_of(answer) == [{"text": f"bedrock says: the tool answered {text}"}]


def test_images_documents_and_audio_are_read(provider):
    """Blocks with bytes, or with an address in S3, are accepted beside text."""
    data = base64.b64encode(b"bytes").decode()
    content = [
        {"text": "look"},
        {"image": {"format": "png", "source": {"bytes": data}}},
        {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.jpg"}}}},
        {"document": {"format": "pdf", "name": "paper", "source": {"bytes": data}}},
        {"audio": {"format": "wav", "source": {"bytes": data}}},
    ]

    answer = converse(provider, [{"role": "user", "content": content}])

    assert content_of(answer) == [{"text": "bedrock says: look"}]


@pytest.mark.parametrize(
    ("limits", "text", "stop"),
    [
        ({"maxTokens": 2}, "bedrock says:", "max_tokens"),
        ({"stopSequences": [" there"]}, "bedrock says: hello", "stop_sequence"),
        ({"stopSequences": ["nothing"], "maxTokens": 9}, "bedrock says: hello there", "end_turn"),
    ],
)
def test_limits(provider, limits, text, stop):
    """The limit of tokens and stop sequences cut the text, also in a stream."""
    answer = converse(provider, inferenceConfig=limits)
    events = stream(provider, inferenceConfig=limits)

    assert (content_of(answer), answer["stopReason"]) == ([{"text": text}], stop)
    assert dict(events)["messageStop"] == {"stopReason": stop}


def test_the_stop_sequence_is_told_on_request(provider):
    """Claude's own field can be asked for."""
    answer = converse(
        provider,
        inferenceConfig={"stopSequences": ["hello"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )

    assert answer["additionalModelResponseFields"] == {"stop_sequence": "hello"}


def test_nothing_but_a_stop_sequence_is_no_content(provider):
    """A text that is cut to nothing leaves no block."""
    provider.replies["*"] = "stop it"
    answer = converse(provider, inferenceConfig={"stopSequences": ["stop"]})

    assert content_of(answer) == []
    provider.replies["*"] = ""
    assert content_of(converse(provider)) == []


def test_structured_output(provider):
    """A native JSON schema is answered with the plainest value that it allows."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": "a", "schema": json.dumps(schema)}},
    }
    answer = converse(provider, outputConfig={"textFormat": wanted})

    assert json.loads(content_of(answer)[0]["text"]) == {"n": 1}


def test_reasoning_is_signed(provider):
    """A Claude that may think does so first, and signs it; the signature comes last in a stream."""
    answer = converse(provider, additionalModelRequestFields=THINKING)
    events = stream(provider, additionalModelRequestFields=THINKING)
    thought, text = content_of(answer)
    block = thought["reasoningContent"]["reasoningText"]
    deltas = [p["delta"]["reasoningContent"] for k, p in events
              if k == "contentBlockDelta" and p["contentBlockIndex"] == 0]  # fmt: skip

    assert block["text"] == "bedrock thinks about: hello there"
    assert text == {"text": "bedrock says: hello there"}
    assert "".join(delta.get("text", "") for delta in deltas) == block["text"]
    assert deltas[-1] == {"signature": block["signature"]}


def test_other_models_reason_without_a_signature(provider):
    """Scripted reasoning of a model that is no Claude has no signature."""
    provider.replies["*"] = {"reasoning_content": "well", "content": "yes"}

    answer = converse(provider, model="us.deepseek.r1-v1:0")

    assert content_of(answer) == [
        {"reasoningContent": {"reasoningText": {"text": "well"}}},
        {"text": "yes"},
    ]


def test_redacted_reasoning(provider):
    """Parts of the reasoning can be scripted, encrypted ones among them."""
    provider.replies["*"] = {
        "thinking_blocks": [
            {"type": "thinking", "thinking": "a"},
            {"type": "redacted_thinking", "data": "eno="},
        ],
        "content": "yes",
    }
    events = stream(provider)

    assert content_of(converse(provider))[1] == {"reasoningContent": {"redactedContent": "eno="}}
    assert ("contentBlockDelta", {
        "contentBlockIndex": 1, "delta": {"reasoningContent": {"redactedContent": "eno="}},
    }) in events  # fmt: skip


def test_reasoning_tokens_are_told_on_request(provider):
    """Usage itself has no place for them: they come as a further field, where it is asked for."""
    ask = {"additionalModelRequestFields": THINKING}
    told = {"usage": {"output_tokens_details": {"thinking_tokens": 5}}}

    assert "additionalModelResponseFields" not in converse(provider, **ask)
    ask["additionalModelResponseFieldPaths"] = TOKEN_PATH
    assert converse(provider, **ask)["additionalModelResponseFields"] == told
    assert dict(stream(provider, **ask))["messageStop"]["additionalModelResponseFields"] == told


def test_a_prompt_is_cached_from_the_second_time_on(provider):
    """The part before a cache point is written once, then read; neither is part of the input's tokens."""
    system = [{"text": "one two three"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    first = converse(provider, system=system)["usage"]
    again = dict(stream(provider, system=system))["metadata"]["usage"]

    assert first["cacheWriteInputTokens"] == 3
    assert first["cacheDetails"] == [{"ttl": "1h", "inputTokens": 3}]
    assert (first["inputTokens"], first["totalTokens"]) == (2, 9)
    assert (again["cacheReadInputTokens"], again["cacheWriteInputTokens"]) == (3, 0)
    assert "cacheDetails" not in again
    assert converse(provider, system=system, model=NOVA)["usage"]["cacheReadInputTokens"] == 0


def test_a_longer_prefix_reads_the_shorter_one(provider):
    """What was cached before is read, and only what is new is written."""
    point = {"cachePoint": {"type": "default"}}
    system = [{"text": "one two three"}, point]
    converse(provider, system=system)

    messages = [{"role": "user", "content": [{"text": "a b"}, point, {"text": "c"}]}]
    usage = converse(provider, messages, system=system)["usage"]

    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (3, 2)
    assert usage["inputTokens"] == 1


def test_usage_can_be_scripted(provider):
    """In OpenAI's words or in Converse's own, with the total following."""
    provider.replies["*"] = {
        "content": "x",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    }
    answer = converse(provider, additionalModelResponseFieldPaths=TOKEN_PATH)
    fields = answer["additionalModelResponseFields"]["usage"]
    assert answer["usage"] == {
        "inputTokens": 50,
        "outputTokens": 7,
        "totalTokens": 107,
        "cacheReadInputTokens": 30,
        "cacheWriteInputTokens": 20,
    }
    assert fields == {"output_tokens_details": {"thinking_tokens": 4}}

    provider.replies["*"] = {"content": "x", "usage": {"inputTokens": 9}}
    assert converse(provider)["usage"]["totalTokens"] == 10


def test_scripted_replies(provider):
    """Pieces become the deltas of a stream; functions get the request; whole replies stay as they are."""
    provider.replies["*"] = ["one ", "two"]
    texts = [p["delta"]["text"] for k, p in stream(provider) if k == "contentBlockDelta"]
    assert texts == ["one ", "two"]

    provider.replies["*"] = lambda body: body["messages"][0]["content"][0]["text"].upper()
    assert content_of(converse(provider)) == [{"text": "HELLO THERE"}]

    provider.replies["*"] = {"content": [{"type": "text", "text": "in parts"}]}
    assert content_of(converse(provider)) == [{"text": "in parts"}]

    whole = {"message": {"role": "assistant", "content": [{"text": "odd"}]}}
    provider.replies["*"] = {"output": whole, "stopReason": "malformed_model_output"}
    answer = converse(provider)
    assert (answer["output"], answer["stopReason"]) == (whole, "malformed_model_output")


def test_a_completion_of_openais_is_translated(provider):
    """A whole reply in OpenAI's shape keeps its message, finish and usage."""
    provider.replies["*"] = {
        "choices": [{"message": {"content": "half"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    answer = converse(provider)

    assert content_of(answer) == [{"text": "half"}]
    assert answer["stopReason"] == "max_tokens"
    assert answer["usage"]["totalTokens"] == 4


def test_tiers_are_echoed(provider):
    """The service tier and latency that were asked for are named in the answer."""
    asked = {"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}}
    metadata = dict(stream(provider, **asked))["metadata"]

    assert {name: converse(provider, **asked)[name] for name in asked} == asked
    assert {name: metadata[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        ("amazon.titan-embed-text-v1", {"inputText": "a b"}, 1536),
        ("amazon.titan-embed-text-v2:0", {"inputText": "a b", "dimensions": 256}, 256),
        ("amazon.titan-embed-image-v1", {"inputImage": "iVBORw0KGgo="}, 1024),
    ],
)
def test_titan_embeddings(provider, model, body, size):
    """One text or image makes one vector, in the model's size."""
    reply = post(provider, body, path_of(model, "invoke"))
    answer = reply.json()
    tokens = len(body.get("inputText", "").split())

    assert len(answer["embedding"]) == size
    assert answer["inputTextTokenCount"] == tokens
    assert reply.headers["x-amzn-bedrock-input-token-count"] == str(tokens)


def test_titan_embeddings_by_type(provider):
    """The second Titan also gives bits, and only the kinds that were asked for."""
    path = path_of("amazon.titan-embed-text-v2:0", "invoke")
    plain = post(provider, {"inputText": "a"}, path).json()
    bits = post(provider, {"inputText": "a", "embeddingTypes": ["binary"]}, path).json()

    assert plain["embeddingsByType"] == {"float": plain["embedding"]}
    assert set(bits["embeddingsByType"]["binary"]) == {0, 1}
    assert "embedding" not in bits


def test_cohere_embeddings(provider):
    """Several texts make several vectors: a plain list, or by kind."""
    body = {"texts": ["a", "b"], "input_type": "search_document"}
    v3, v4 = (path_of(f"cohere.embed-{name}", "invoke") for name in ("english-v3", "v4:0"))
    plain = post(provider, body, v3).json()
    kinds = post(provider, {**body, "embedding_types": ["float"]}, v3).json()
    small = post(provider, {**body, "output_dimension": 256}, v4).json()

    assert [len(vector) for vector in plain["embeddings"]] == [1024, 1024]
    assert plain["response_type"] == "embeddings_floats"
    assert kinds["embeddings"] == {"float": plain["embeddings"]}
    assert kinds["response_type"] == "embeddings_by_type"
    assert [len(vector) for vector in small["embeddings"]["float"]] == [256, 256]
