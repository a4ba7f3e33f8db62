"""Names that users make up fill nothing: 20,000 of them leave memory within 5 MB."""

from __future__ import annotations

import contextlib
import gc
import logging
import tracemalloc

import pytest

from genai_integrations import Connection, GenAIClient, GenAIError
from genai_integrations.errors import PromptNotFoundError, ServerError
from genai_integrations.models import catalog
from genai_integrations.prompts.cache import Key, PromptCache
from genai_integrations.prompts.template import Prompt
from genai_integrations.transports.protocol import Transport

pytestmark = pytest.mark.slow

NAMES = 20_000
AWS = '{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "example"}'
FALLBACK = Prompt.fallback("greeting", "Hello!")


class Failing(Transport):
    """A transport that nobody answers."""

    def is_ready(self, call):
        return True

    def send(self, call, patience):
        raise ServerError("it is away", status=503)


def no_prompt(key):
    raise PromptNotFoundError("there is none")


@pytest.fixture
def doors():
    """What takes a name, by what it may fill."""
    rows = [
        Connection.of("seoul", "openai", "sk", "http://127.0.0.1:9/v1"),
        Connection.of("bed", "bedrock", AWS, region="eu-west-1"),
    ]
    client = GenAIClient(
        connections=rows, router_args={"num_retries": 0}, transport=Failing(), tracing=False
    )
    prompts = PromptCache(no_prompt, 60)
    found = PromptCache(lambda key: FALLBACK, 60)
    question = [{"role": "user", "content": "hi"}]
    return {
        "names": client.resolve,
        "hosted ids": lambda name: client.resolve(f"bed/claude-{name}"),
        "failed calls": lambda name: client.completion(f"seoul/{name}", question),
        "prices": lambda name: catalog.model_info("openai", name),
        "unknown prompts": lambda name: prompts.get(Key(name, None, "production")),
        "fallbacks of prompts": lambda name: prompts.get(Key(name, None, "x"), FALLBACK),
        "pinned prompts": lambda name: found.get(Key(name, 1, None)),
    }


@pytest.mark.parametrize(
    "door",
    [
        "names",
        "hosted ids",
        "failed calls",
        "prices",
        "unknown prompts",
        "fallbacks of prompts",
        "pinned prompts",
    ],
)
def test_made_up_names(door, doors, caplog):
    """However many come, only the last ones are remembered."""
    caplog.set_level(logging.CRITICAL)
    go = doors[door]
    ask(go, "warm", 10)
    gc.collect()
    tracemalloc.start()
    try:
        ask(go, "made-up", NAMES)
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert grown < 5_000_000


def ask(go, stem, number):
    for at in range(number):
        with contextlib.suppress(GenAIError):
            go(f"{stem}-{at}")
