"""A client of one provider, scripted, whose batches wait for nothing."""

from __future__ import annotations

import dataclasses
import json

import pytest

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.jobs import start

MODELS = {
    "openai": ("/v1", "gpt-4o-mini", 9.75e-07),
    "azure": ("/openai", "gpt-4o-mini", 9.75e-07),
    "mistral": ("/v1", "mistral-small-latest", 9.75e-07),
    "anthropic": ("", "claude-sonnet-4-5", 2.4e-05),
    "google-ai-studio": ("", "gemini-2.5-flash", 3.9e-06),
    "bedrock": ("", "anthropic.claude-3-5-haiku-20241022-v1:0", 6.4e-06),
}
"""Of each provider the end of its address, a model, and what a question and its answer cost at half price."""

UPLOADS = {"openai": 1, "mistral": 1, "azure": 2, "bedrock": 1}
"""Requests before that which makes a batch."""

KEY_ID, KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SECRETS = {"bedrock": json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": KEY})}

every_provider = pytest.mark.parametrize("kind", MODELS)


class Lab:
    """A client of one provider, and batches of it that wait for nothing."""

    def __init__(self, kind, provider, journal):
        base, self.model, self.cost = MODELS[kind]
        self.provider, self.journal = provider, journal
        self.url = f"{provider.url}{base}"
        secret = Secret(SECRETS.get(kind, "sk-lab"))
        self.connection = Connection(
            "lab", PROVIDERS[kind], secret, base_url=self.url, region="us-east-1"
        )
        self.client = self.made()

    def made(self, **given):
        """A client of it."""
        client = GenAIClient(
            **{"connections": [self.connection], "router_args": {"num_retries": 0}, **given}
        )
        client._router.batching.wait = lambda _: None
        return client

    def requests(self, *texts, **params):
        return [
            {"model": self.model, "messages": [{"role": "user", "content": text}], **params}
            for text in texts
        ]

    def batch(self, requests, *, clock=lambda: 0.0, **given):
        options = start.options_of(
            self.client,
            requests,
            **{
                "max_concurrency": 4,
                "ordered": True,
                "on_progress": None,
                "journal": self.journal,
                "max_usd": None,
                "deadline": "24h",
                **given,
            },
        )
        options = dataclasses.replace(options, first_look=0.0, clock=clock)
        return start.batch(self.client, requests, options, self.client._router)

    @property
    def live(self):
        """How many requests came on their own."""
        ends = ("/chat/completions", "/messages", ":generateContent", "/converse")
        return sum(row.path.endswith(ends) for row in self.provider.requests)


def texts(items):
    """The answers; None for a request that has none."""
    return [item.reply and item.reply.choices[0].message.content for item in items]


def said(*questions):
    """What the scripted provider answers."""
    return [f"provider says: {text}" for text in questions]
