"""A program that runs a batch with a journal until it is killed: `python batch_program.py PROVIDER JOURNAL ROWS`."""

from __future__ import annotations

import sys

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS

url, journal, rows = sys.argv[1:]
lab = Connection("lab", PROVIDERS["openai"], Secret("sk-lab"), base_url=f"{url}/v1")
client = GenAIClient(connections=[lab], router_args={"num_retries": 0}, tracing=False)
requests = (
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"q{n}"}]}
    for n in range(int(rows))
)
for item in client.batch(requests, journal=journal, max_concurrency=4):
    sys.stdout.write(f"{item.index} {item.reply.choices[0].message.content}\n")
    sys.stdout.flush()
