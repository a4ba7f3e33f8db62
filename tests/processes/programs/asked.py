"""What each program does: ask the scripted provider through a client of this process."""

from __future__ import annotations

import os

from genai_integrations import Connection, GenAIClient

client = GenAIClient(connections=[Connection.of("home", "openai", "sk", os.environ["PROVIDER"])])


def ask(text):
    """Ask, and tell which process did."""
    client.completion("gpt-4o", [{"role": "user", "content": text}])
    return os.getpid()


async def aask(text):
    """The same on an event loop."""
    await client.acompletion("gpt-4o", [{"role": "user", "content": text}])
    return os.getpid()
