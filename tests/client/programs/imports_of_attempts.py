"""Run in a process of its own: the modules that come while an attempt's clock runs, as JSON.

Arguments: `sync` or `async`, then for each provider its name, the model and the address.
"""

from __future__ import annotations

import asyncio
import json
import sys

from genai_integrations import Connection, GenAIClient, Secret, register_provider
from genai_integrations.connections.providers import PROVIDERS

QUESTION = [{"role": "user", "content": "hello"}]
AWS = '{"accessKeyId": "AKIAEXAMPLEEXAMPLE00", "secretAccessKey": "example"}'


class Watch:
    """Notes what an attempt imports."""

    is_ready = True

    def __init__(self):
        self.found = {}
        self.before = set()

    def prepare(self): ...

    def call_began(self, request):
        return self

    def attempt_began(self, attempt):
        self.before = set(sys.modules)

    def first_content(self, route):
        self.note(route.attempts[-1])

    def attempt_ended(self, attempt):
        if attempt.first_content_ms is None:
            self.note(attempt)

    def call_ended(self, route, wire, error): ...

    def note(self, attempt):
        new = sorted(set(sys.modules) - self.before)
        self.found.setdefault(attempt.target, []).append([attempt.outcome, new])


def connection(provider, url):
    if provider not in PROVIDERS:
        row = register_provider(provider, url, dialect="litellm")
    else:
        row = PROVIDERS[provider]
    more = {"region": "us-east-1"} if provider == "bedrock" else {}
    return Connection(
        provider, row, Secret(AWS if more else f"sk-{provider}"), base_url=url, **more
    )


async def ask(client, name):
    await client.acompletion(name, QUESTION)
    async for _ in await client.acompletion(name, QUESTION, stream=True):
        pass


def main():
    mode, *rest = sys.argv[1:]
    rows = [rest[at : at + 3] for at in range(0, len(rest), 3)]
    watch = Watch()
    client = GenAIClient(
        connections=[connection(name, url) for name, _, url in rows],
        observers=[watch],
        router_args={"num_retries": 0},
    )
    for name, model, _ in rows:
        if mode == "async":
            asyncio.run(ask(client, f"{name}/{model}"))
        else:
            client.completion(f"{name}/{model}", QUESTION)
            list(client.completion(f"{name}/{model}", QUESTION, stream=True))
    sys.stdout.write(json.dumps(watch.found))


main()
