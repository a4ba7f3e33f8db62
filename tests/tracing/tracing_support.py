"""Spans as Langfuse's server reads them, and the ways in which a client is asked."""

from __future__ import annotations

import asyncio
import json

HELLO = [{"role": "user", "content": "Hello!"}]
PREFIX = "langfuse.observation."


class Observation:
    """One exported span."""

    def __init__(self, span):
        self.span = span
        self.attributes = span["attributes"]
        self.name = span["name"]
        self.scope = span["scope"]
        self.id, self.parent = span["span_id"], span["parent_span_id"]
        self.trace = span["trace_id"]
        self.start, self.end = span["start"], span["end"]
        self.code = span["status"]["code"]

    def __repr__(self):
        return f"{self.name} {self.type} {self.attributes}"

    @property
    def type(self):
        return self["type"]

    @property
    def is_call(self):
        """Whether Langfuse counts it as a call of a model: by its own attribute, else by OpenInference's."""
        kind = self.type or self.attributes.get("openinference.span.kind", "").lower()
        return kind in {"generation", "embedding", "llm"}

    @property
    def metadata(self):
        start = f"{PREFIX}metadata."
        rows = self.attributes.items()
        return {key[len(start) :]: json.loads(text) for key, text in rows if key.startswith(start)}

    def json(self, name):
        """An attribute of Langfuse's that is JSON."""
        return json.loads(self[name])

    def __getitem__(self, name):
        return self.attributes.get(PREFIX + name)


def calls(observations):
    """Those that count as calls of a model."""
    return [row for row in observations if row.is_call]


def by_name(observations):
    """Each under its name."""
    return {row.name: row for row in observations}


def ask(client, way, model="gpt-4o", messages=HELLO, **params):
    """Ask in one of the four ways; of a stream the chunks are returned."""
    if way == "plain":
        return client.completion(model, messages, **params)
    if way == "stream":
        return list(client.completion(model, messages, True, **params))

    async def asked():
        if way == "async":
            return await client.acompletion(model, messages, **params)
        return [chunk async for chunk in await client.acompletion(model, messages, True, **params)]

    return asyncio.run(asked())


WAYS = ("plain", "stream", "async", "async stream")
