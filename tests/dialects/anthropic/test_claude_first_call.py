"""The first call of a fresh process to a Claude."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from genai_integrations.testing.provider import ScriptedProvider

PROGRAM = """
import asyncio, json, sys
from genai_integrations import Connection, GenAIClient
url, way = sys.argv[1:]
client = GenAIClient(connections=[Connection.of("c", "anthropic", "sk-ant-example", url)])
asked = {
    "model": "c/claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "response_format": {"type": "json_schema", "json_schema": {
        "name": "r", "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}},
}
if way == "sync":
    client.completion(**asked)
elif way == "stream":
    list(client.completion(**asked, stream=True))
else:
    asyncio.run(client.acompletion(**asked))
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(loaded & {"litellm", "anthropic", "openai", "boto3", "google", "httpx"})))
client.close()
"""


@pytest.mark.parametrize("way", ["sync", "stream", "async"])
def test_neither_litellm_nor_an_sdk_is_loaded(way):
    """A Claude is spoken to with what the client has."""
    with ScriptedProvider("claude") as server:
        command = [sys.executable, "-c", PROGRAM, server.url, way]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stderr == ""
    assert json.loads(done.stdout) == []
