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
    content_of,
    converse,
    path_of,
    post,
    stream,
)
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from genai_integrations.testing.providers.bedrock.frames import event_frame, exception_frame, frame

RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
CALL = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "x"}}}
LOOP = [
    *USER,
    {"role": "assistant", "content": [CALL]},
    {"role": "user", "content": [RESULT]},
]
TOOLS = {"tools": [WEATHER, NOW]}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


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

    assert content_of(answer) == [{"text": "provider says: hello there"}]
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
    assert "".join(texts) == "provider says: hello there"
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

    assert content_of(answer) == [{"text": "provider says: three four"}]
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

        assert content_of(answer) == [{"text": "provider says: hello there"}]


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

        assert content_of(answer) == [{"text": f"provider says: the tool answered {text}"}]


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

    assert content_of(answer) == [{"text": "provider says: look"}]


@pytest.mark.parametrize(
    ("limits", "text", "stop"),
    [
        ({"maxTokens": 2}, "provider says:", "max_tokens"),
        ({"stopSequences": [" there"]}, "provider says: hello", "stop_sequence"),
        ({"stopSequences": ["nothing"], "maxTokens": 9}, "provider says: hello there", "end_turn"),
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
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
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

    assert block["text"] == "provider thinks about: hello there"
    assert text == {"text": "provider says: hello there"}
    assert "".join(delta.get("text", "") for delta in deltas) == block["text"]
    assert deltas[-1] == {"signature": block["signature"]}


def test_other_models_reason_without_a_signature(provider):
    """Scripted reasoning of a model that is no Claude has no signature."""
    provider.replies["*"] = {"reasoning_content": "well", "content": "yes"}

    model = "us.deepseek.r1-v1:0"
    answer, events = converse(provider, model=model), stream(provider, model=model)

    assert content_of(answer) == [
        {"reasoningContent": {"reasoningText": {"text": "well"}}},
        {"text": "yes"},
    ]
    deltas = [payload["delta"] for kind, payload in events if kind == "contentBlockDelta"]
    assert deltas == [{"reasoningContent": {"text": "well"}}, {"text": "yes"}]


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
