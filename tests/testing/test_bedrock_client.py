"""AWS's own client reads what the scripted Bedrock sends."""

from __future__ import annotations

import json
from contextlib import closing

import boto3
import pytest
from bedrock_wire import CLAUDE, KEY_ID, SECRET, USER, WEATHER
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from genai_integrations.testing.faults import Fault

pytestmark = pytest.mark.usefixtures("aws_keys")


@pytest.fixture
def client(provider):
    """AWS's own client."""
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=provider.url,
        region_name="us-east-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def test_the_real_client_reads_an_answer(client):
    """Its parser finds every part, and the request id."""
    answer = client.converse(modelId=CLAUDE, messages=USER)

    assert answer["output"]["message"]["content"] == [{"text": "provider says: hello there"}]
    assert answer["usage"]["totalTokens"] == 6
    assert answer["ResponseMetadata"]["RequestId"]


def test_the_real_client_reads_a_stream(client, provider):
    """Text, reasoning and tool calls are events that its model of the service knows."""
    provider.replies["*"] = {
        "reasoning_content": "let me think",
        "content": "So:",
        "tool_calls": [{"name": "weather", "arguments": {"city": "서울"}}],
    }
    answer = client.converse_stream(modelId=CLAUDE, messages=USER, toolConfig={"tools": [WEATHER]})
    events = list(answer["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in events
              if "contentBlockDelta" in event]  # fmt: skip
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]

    assert "".join(thought.get("text", "") for thought in thoughts) == "let me think"
    assert "signature" in thoughts[-1]
    assert json.loads("".join(d["toolUse"]["input"] for d in deltas if "toolUse" in d)) == {
        "city": "서울"
    }
    assert all(len(event) == 1 for event in events)
    assert "usage" in events[-1]["metadata"]


def test_the_real_client_raises_errors_by_name(client, provider):
    """Before a stream and in the middle of one."""
    provider.faults["*"] = Fault.rate_limited()
    with pytest.raises(client.exceptions.ThrottlingException, match="Too many requests"):
        client.converse(modelId=CLAUDE, messages=USER)

    provider.faults["*"] = Fault.error_event(1)
    answer = client.converse_stream(modelId=CLAUDE, messages=USER)
    words = r"internalServerException.*unexpected error"
    with closing(answer["stream"]) as events, pytest.raises(EventStreamError, match=words):
        list(events)


def test_the_real_client_is_denied_with_a_wrong_secret(client, provider):
    """The error has the code that AWS documents."""
    provider.api_keys = [f"{KEY_ID}:other"]
    with pytest.raises(ClientError) as caught:
        client.converse(modelId=CLAUDE, messages=USER)

    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_the_real_client_embeds(client):
    """InvokeModel's body and content type come through."""
    answer = client.invoke_model(
        modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "a"})
    )

    assert answer["contentType"] == "application/json"
    assert len(json.loads(answer["body"].read())["embedding"]) == 1024
