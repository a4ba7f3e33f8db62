"""Tokens are counted offline, with OpenAI's vocabularies and the providers' published rules."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import subprocess
import sys

import pytest

from genai_integrations.models import vocabularies
from genai_integrations.models.media_tokens import picture_size
from genai_integrations.models.tokens import (
    request_tokens,
    rough_tokens,
    text_tokens,
)

HELLO = [{"role": "user", "content": "Hello!"}]
KOREAN = "파이썬은 배우기 쉬운 프로그래밍 언어입니다."


@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        # What OpenAI's cookbook prints in "How to count tokens with tiktoken".
        ("gpt-4", "tiktoken is great!", 6),
        ("gpt-4o", "antidisestablishmentarianism", 6),
        ("gpt-4", "antidisestablishmentarianism", 6),
        ("gpt-4o", "2 + 2 = 4", 7),
        ("gpt-4o", "お誕生日おめでとう", 8),
        ("gpt-4", "お誕生日おめでとう", 9),
        ("gpt-4o", "Hello world", 2),
        ("text-embedding-3-small", "Hello world", 2),
        ("openai/gpt-4o-mini", "Hello world", 2),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "Hello world", 2),
        ("o3", "<|endoftext|>", 7),
        ("gpt-4o", "", 0),
    ],
)
def test_texts_for_openai_are_counted_exactly(model, text, tokens):
    """Each family has its vocabulary; special tokens in a text are text."""
    assert text_tokens(text, model) == tokens


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-sonnet-4-5", 120),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 120),
        ("claude-opus-4-7", 145),
        ("gemini-2.5-pro", 105),
        ("meta-llama/llama-3.3-70b-instruct", 100),
        ("my-own-model", 111),
    ],
)
def test_others_are_counted_by_a_stated_factor(model, tokens):
    """A hundred of OpenAI's tokens are more of those whose vocabulary is not published."""
    assert text_tokens("word " * 99 + "word", model) == tokens


def test_a_request_is_counted_as_openai_bills_it():
    """The cookbook's own example, whose figure for gpt-4o and gpt-4 is what the API billed."""
    messages = [
        {
            "role": "system",
            "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        },
        {
            "role": "system",
            "name": "example_user",
            "content": "New synergies will help drive top-line growth.",
        },
        {
            "role": "system",
            "name": "example_assistant",
            "content": "Things working well together will increase revenue.",
        },
        {
            "role": "system",
            "name": "example_user",
            "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        },
        {
            "role": "system",
            "name": "example_assistant",
            "content": "Let's talk later when we're less busy about how to do better.",
        },
        {
            "role": "user",
            "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
        },
    ]

    assert request_tokens({"messages": messages}, "gpt-4o") == 124
    assert request_tokens({"messages": messages}, "gpt-4-0613") == 129


def test_tools_are_counted_as_openai_bills_them():
    """The cookbook's example of a tool, whose figures are the API's."""
    tool = {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {
                        "type": "string",
                        "description": "The city and state, e.g. San Francisco, CA",
                    },
                    "unit": {
                        "type": "string",
                        "description": "The unit of temperature to return",
                        "enum": ["celsius", "fahrenheit"],
                    },
                },
                "required": ["location"],
            },
        },
    }
    messages = [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions about the weather.",
        },
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ]

    assert request_tokens({"messages": messages, "tools": [tool]}, "gpt-4o") == 101


def _png(width, height):
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return "data:image/png;base64," + base64.b64encode(head).decode()


@pytest.mark.parametrize(
    ("model", "url", "detail", "tokens"),
    [
        # OpenAI's worked examples ("Images and vision", "Calculating costs").
        ("gpt-4o", _png(1024, 1024), "high", 765),
        ("gpt-4o", _png(2048, 4096), "high", 1105),
        ("gpt-4o", _png(4096, 8192), "low", 85),
        ("gpt-4.1-mini", _png(1024, 1024), "high", 1659),
        # Anthropic's table ("Vision").
        ("claude-sonnet-4-5", _png(200, 200), None, 54),
        ("claude-sonnet-4-5", _png(1000, 1000), None, 1334),
        # Google's ("Image understanding"): 960 by 540 makes 6 tiles.
        ("gemini-2.5-flash", _png(960, 540), None, 1548),
        ("gemini-2.5-flash", _png(384, 200), None, 258),
        # An address is never fetched, and a header that is none says nothing.
        ("gpt-4o", "https://e.org/a.png", None, 765),
        ("gpt-4o", "data:image/png;base64,!", None, 765),
    ],
)
@pytest.mark.usefixtures("offline")
def test_pictures_are_counted_by_the_published_rules(model, url, detail, tokens):
    """By their size, which the picture's own header tells."""
    part = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
    with_it = {"messages": [{"role": "user", "content": [part]}]}
    without = {"messages": [{"role": "user", "content": []}]}

    assert request_tokens(with_it, model) - request_tokens(without, model) == tokens


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"GIF89a" + struct.pack("<HH", 30, 20), (30, 20)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30), (30, 20)),
        (b"RIFF0000WEBPVP8X" + bytes(8) + b"\x1d\x00\x00\x13\x00\x00", (30, 20)),
        (b"RIFF0000WEBPVP8L" + bytes(5) + struct.pack("<I", 29 | 19 << 14), (30, 20)),
        (b"RIFF0000WEBPVP8 " + bytes(10) + struct.pack("<HH", 30, 20), (30, 20)),
        (b"\x89PNG\r\n\x1a\n", (1024, 1024)),
        (b"\xff\xd8\xff\xe0\x00\x04ab", (1024, 1024)),
        (b"", (1024, 1024)),
    ],
)
def test_sizes_of_pictures(data, size):
    """Every usual format tells its size; one that is cut short does not."""
    assert picture_size(data) == size


@pytest.mark.parametrize(
    ("model", "part", "tokens"),
    [
        # Ten seconds of 16 bit mono at 8 kHz.
        ("gpt-4o-audio-preview", "wav", 101),
        ("gemini-2.5-flash", "wav", 321),
        ("claude-sonnet-4-5", "pdf", 4500),
        ("gemini-2.5-flash", "pdf", 516),
    ],
)
def test_sound_and_documents_are_counted(model, part, tokens):
    """Sound by its length, documents by their pages."""
    head = b"RIFF" + bytes(4) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    wav = base64.b64encode(head + b"data" + bytes(4) + bytes(160_000)).decode()
    pdf = "data:application/pdf;base64," + base64.b64encode(b"/Type /Pages /Type/Page /Type /Page ").decode()  # fmt: skip
    parts = {
        "wav": {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}},
        "pdf": {"type": "file", "file": {"file_data": pdf}},
    }
    with_it = {"messages": [{"role": "user", "content": [parts[part]]}]}
    without = {"messages": [{"role": "user", "content": []}]}

    assert request_tokens(with_it, model) - request_tokens(without, model) == tokens


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ("Hello world", 2),
        (["Hello world", "Hello"], 3),
        ([1, 2, 3], 3),
        ([[1, 2], [3]], 3),
        (None, 0),
    ],
)
def test_texts_to_embed_are_counted(texts, tokens):
    """A text, several, and tokens instead of texts."""
    assert request_tokens({"input": texts}, "text-embedding-3-small") == tokens


@pytest.mark.parametrize(
    "text",
    [
        "The provider begins with the first word, and continues until it has said everything. ",
        KOREAN,
        json.dumps({"id": 17, "tags": ["a", "b"], "price": 12.5, "flag": True}),
        "def sent(self, target, *, timeout=3):\n    return self._left(timeout)\n",
        "1234567890 0987654321 ",
    ],
)
def test_the_rough_guess_is_within_its_stated_error(text):
    """Half more or half less than what is counted."""
    body = {"messages": [{"role": "user", "content": text * 20}]}
    counted = request_tokens(body, "gpt-4o")

    assert 0.5 * counted <= rough_tokens(body) <= 1.5 * counted


def test_the_rough_guess_sees_all_of_a_request():
    """Parts, calls, tools and pictures; a picture's bytes are no text."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    call = {"id": "1", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}

    assert rough_tokens({"messages": HELLO}) == 8
    assert rough_tokens({"messages": [{"role": "user", "content": [picture]}]}) == 771
    assert rough_tokens({"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}) > 20  # fmt: skip
    assert rough_tokens({"messages": HELLO, "tools": [{"function": {"name": "weather"}}]}) > 15
    assert rough_tokens({"input": ["12345678", "1234"]}) == 3


def test_without_the_vocabulary_four_bytes_are_a_token(monkeypatch):
    """LiteLLM's wheel may come without its files one day."""
    monkeypatch.setattr(vocabularies._encodings, "made", {"o200k_base": None})

    assert text_tokens("Hello world", "gpt-4o") == 3


def test_counting_leaves_the_environment_alone():
    """Neither LiteLLM nor the network is needed, and no variable is set; the first count loads what it takes."""
    code = (
        "import os, socket, sys; before = dict(os.environ)\n"
        "from genai_integrations.models import tokens\n"
        "socket.socket = None\n"
        "assert 'tiktoken' not in sys.modules and not tokens.is_loaded('gpt-4o')\n"
        "assert tokens.text_tokens('Hello world', 'gpt-4o') == 2\n"
        "assert tokens.is_loaded('gpt-4o') and not tokens.is_loaded('gpt-4')\n"
        "assert 'litellm' not in sys.modules and dict(os.environ) == before\n"
    )
    environment = {**os.environ, "TIKTOKEN_CACHE_DIR": "/nowhere"}

    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_vocabulary_is_read_beside_an_event_loop():
    """The loop goes on while a thread reads it."""
    turns = []

    async def main():
        fresh = vocabularies._Encodings()
        loading = asyncio.ensure_future(fresh.loading("cl100k_base").aload())
        while not loading.done():
            turns.append(1)
            await asyncio.sleep(0.001)
        await loading
        return fresh.made

    made = asyncio.run(main())

    assert made["cl100k_base"].encode("Hello world") == [9906, 1917]
    assert len(turns) > 1
