"""The head of an answer and its body in one write."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.gateway.heads import HeadFirst


class Transport:
    """Takes note of what is written."""

    def __init__(self):
        self.told = []

    def write(self, data):
        self.told.append(data)

    def close(self):
        self.told.append("closed")

    def get_write_buffer_size(self):
        return 5

    def is_closing(self):
        return "closed" in self.told


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
async def heads(transport):
    return HeadFirst(transport, asyncio.get_running_loop())


async def test_head_and_body(transport, heads):
    """One write for both, and one for each part behind them."""
    heads.expect_head()
    heads.write(b"head ")
    assert heads.get_write_buffer_size() == 10
    heads.write(b"body")
    heads.write(b" more")

    assert transport.told == [b"head body", b" more"]


async def test_a_head_alone(transport, heads):
    """It goes out in the next turn of the loop."""
    heads.expect_head()
    heads.write(b"head")
    await asyncio.sleep(0)

    assert transport.told == [b"head"]


async def test_the_end_of_a_connection(transport, heads):
    """Nothing is kept back by a connection that is closed; all else is the transport's own."""
    heads.expect_head()
    heads.write(b"head")
    heads.close()
    await asyncio.sleep(0)

    assert transport.told == [b"head", "closed"]
    assert heads.is_closing()
