"""What the tests of the Bedrock dialect share: a provider, signed requests, decoded streams."""

from __future__ import annotations

import json
from urllib.parse import quote

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-lite-v1:0"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PAIR = f"{KEY_ID}:{SECRET}"
TEMPORARY, SESSION = "ASIAIOSFODNN7EXAMPLE", "IQoJb3JpZ2luX2VjE/+=="
TOKEN = "bedrock-api-key-YmVkcm9jaw=="
USER = [{"role": "user", "content": [{"text": "hello there"}]}]
WEATHER = {
    "toolSpec": {
        "name": "weather",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            }
        },
    }
}
NOW = {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}}


def path_of(model=CLAUDE, what="converse"):
    """The path of an operation, as clients encode it."""
    return f"/model/{quote(model, safe='')}/{what}"


def post(provider, body, path=None, headers=None, method="POST"):
    """The whole response to one request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with urllib3.PoolManager(retries=False) as pool:
        url = provider.url + (path or path_of())
        return pool.request(method, url, body=content, headers=headers or {})


def signed(provider, body, path=None, *, key=KEY_ID, secret=SECRET, token=None, service="bedrock"):
    """Headers with a signature, as AWS's own library makes it."""
    request = AWSRequest(
        "POST",
        provider.url + (path or path_of()),
        {"content-type": "application/json"},
        json.dumps(body).encode(),
    )
    SigV4Auth(Credentials(key, secret, token), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def converse(provider, messages=USER, model=CLAUDE, **fields):
    """The decoded answer of Converse."""
    reply = post(provider, {"messages": messages, **fields}, path_of(model))
    assert reply.status == 200, reply.data
    return reply.json()


def stream(provider, messages=USER, model=CLAUDE, **fields):
    """The events of ConverseStream, as botocore's own buffer reads them."""
    body = {"messages": messages, **fields}
    reply = post(provider, body, path_of(model, "converse-stream"))
    assert reply.status == 200, reply.data
    return events_of(reply.data)


def events_of(data):
    """Kind and payload of every message of a stream."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    found = []
    for message in buffer:
        kind = message.headers.get(":event-type") or message.headers[":exception-type"]
        payload = json.loads(message.payload)
        payload.pop("p", None)
        found.append((kind, payload))
    return found


def refused(provider, body, path=None):
    """The status, name and words of an error."""
    reply = post(provider, body, path)
    name = reply.headers["x-amzn-errortype"].partition(":")[0]
    return reply.status, name, reply.json()["message"]


def content_of(answer):
    """The content blocks of an answer."""
    message = answer["output"]["message"]
    assert message["role"] == "assistant"
    return message["content"]
