"""A program whose batch goes to a provider's own: `python native_program.py PROVIDER JOURNAL ROWS`."""

from __future__ import annotations

import os
import sys

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS

kind, url, model, journal, rows = sys.argv[1:]
lab = Connection("lab", PROVIDERS[kind], Secret(os.environ["LAB_SECRET"]), url, region="us-east-1")
client = GenAIClient(connections=[lab], router_args={"num_retries": 0}, tracing=False)
requests = (
    {"model": model, "messages": [{"role": "user", "content": f"q{n}"}]} for n in range(int(rows))
)
for item in client.batch(requests, journal=journal, deadline="24h"):
    sys.stdout.write(f"{item.index} {item.reply.choices[0].message.content} {item.cost}\n")
