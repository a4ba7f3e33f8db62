"""Run in a process of its own: the verdict on the latencies of two servers that answer alike.

Arguments: the addresses of the first and of the second server.
"""

from __future__ import annotations

import sys

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.experiments import compare

names = ("first", "second")
rows = [
    Connection(name, PROVIDERS["openai"], Secret(f"sk-{name}"), base_url=url)
    for name, url in zip(names, sys.argv[1:], strict=True)
]
client = GenAIClient(connections=rows)
done = compare(
    ["first/gpt-4o", "second/gpt-4o"],
    [f"question {n}" for n in range(8)],
    client=client,
    progress=False,
)
wins = done.wins("latency_ms")
sys.stdout.write(wins.verdict)
