"""Names are looked up within a time, and every address of one is looked at."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import APIConnectionError, CredentialError, RequestTimeoutError
from genai_integrations.transports.http import names

REAL = socket.getaddrinfo
QUESTION = [{"role": "user", "content": "hi"}]


@pytest.fixture
def resolver(monkeypatch):
    """Names of tests, and where they lead."""
    known = {}

    def look_up(host, port, *args, **kwargs):
        if host not in known:
            return REAL(host, port, *args, **kwargs)
        found = known[host]() if callable(known[host]) else known[host]
        return [row for address in found for row in REAL(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_a_look_up_that_hangs_is_left(resolver):
    """The operating system has no time-out for it; we have."""
    stop = threading.Event()
    resolver["slow.test"] = lambda: stop.wait(30) and ["127.0.0.1"]

    with pytest.raises(TimeoutError):
        names.addresses_of("slow.test", 80, time.monotonic() + 0.05)
    stop.set()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_does_not_wait_for_a_look_up(is_async, resolver):
    """Whoever asks is told that time is up, and neither a loop's end nor anything else waits for the look-up."""
    stop = threading.Event()
    resolver["slow.test"] = lambda: ["127.0.0.1"] if stop.wait(60) else []
    there = [Connection.of("a", "openai", "sk-example", "http://slow.test:9/v1")]
    args = {"num_retries": 0, "timeout": 0.3}

    client = GenAIClient(connections=there, router_args=args, tracing=False)
    ask = {
        False: lambda: client.completion("a/m", QUESTION),
        True: lambda: asyncio.run(client.acompletion("a/m", QUESTION)),
    }[is_async]
    with client, pytest.raises(RequestTimeoutError):
        ask()
    stop.set()


def test_no_address_is_tried_of_a_name_with_a_bad_one(resolver, attempt, connect, provider):
    """In threads and in event loops alike: which of them would answer is chance."""
    resolver["both.test"] = ["127.0.0.1", "169.254.169.254"]
    port = provider.url.rpartition(":")[2]

    with pytest.raises(CredentialError, match=r"169\.254\.169\.254"):
        attempt(connect(f"http://both.test:{port}/v1"))
    assert provider.requests == []


def test_a_name_that_can_be_none(attempt, connect):
    """A label of a host may have 63 characters."""
    with pytest.raises(APIConnectionError, match="cannot connect"):
        attempt(connect(f"http://{'a' * 64}.test/v1"))


def test_a_name_that_ends_with_a_dot(resolver, attempt, connect, provider):
    """It is looked up, and certified, without."""
    resolver["whole.example"] = ("127.0.0.1",)

    assert attempt(connect(f"{provider.url.replace('127.0.0.1', 'whole.example.')}/v1"))


def test_who_refuses_is_named(attempt, connect, provider):
    """Host and port are in the message, and in nothing that is recorded."""
    url = provider.refused_url()

    with pytest.raises(APIConnectionError) as caught:
        attempt(connect(f"{url}/v1"))
    place = url.removeprefix("http://")
    assert place in str(caught.value)
    assert place not in caught.value.recorded()
    assert "Connection refused" in caught.value.recorded()
