"""The first call to Bedrock of a fresh process loads no translator and no SDK."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from bedrock_data import CLAUDE, KEY_ID, PAIR, SECRET

from genai_integrations.testing.provider import ScriptedProvider

PROGRAM = """
import json, sys, time
from genai_integrations import Connection, GenAIClient
import genai_integrations.client
began = time.process_time()
connection = Connection.of("aws", "bedrock", {secret!r}, {url!r}, region="us-east-1")
client = GenAIClient(connections=[connection])
hello = [{{"role": "user", "content": "Hello!"}}]
reply = client.completion("aws/{model}", hello)
text = "".join(
    chunk.choices[0].delta.content or ""
    for chunk in client.completion("aws/{model}", hello, stream=True) if chunk.choices
)
heavy = {{"litellm", "boto3", "botocore", "httpx", "anthropic", "openai"}} & set(sys.modules)
print(json.dumps([reply.choices[0].message.content, text, sorted(heavy), time.process_time() - began]))
"""


@pytest.mark.parametrize("secret", [PAIR, json.dumps({"apiKey": "bedrock-key"})])
def test_nothing_heavy_is_loaded(secret):
    """Neither for a pair of keys nor for a bearer token: what signs and what splits the stream is our own."""
    with ScriptedProvider("aws") as server:
        server.api_keys = {f"{KEY_ID}:{SECRET}", "bedrock-key"}
        program = PROGRAM.format(secret=secret, url=server.url, model=CLAUDE)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # fmt: skip
    answer, streamed, heavy, _ = json.loads(done.stdout)

    assert answer == streamed == "aws says: Hello!"
    assert heavy == []
