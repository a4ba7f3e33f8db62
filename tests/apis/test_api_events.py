"""Streams in an API's own events."""

from __future__ import annotations

import asyncio
import json

from genai_integrations.apis.responses.events import ResponseWriter
from genai_integrations.apis.writing import awritten


class Arriving:
    """A stream whose chunks come in bursts."""

    def __init__(self, *bursts):
        self._bursts = iter(bursts)

    async def arrived(self):
        return next(self._bursts, [])


def chunk(**more):
    delta = {"role": "assistant", "content": "Hel"}
    return {"id": "r-1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def test_what_came_with_the_word_that_a_stream_begins_anew_is_written_before_its_end():
    """A reader sees all that was said until then, and then that it failed."""

    async def read():
        stream = Arriving([chunk(), chunk(restarted=True)])
        return b"".join([data async for data in awritten(stream, ResponseWriter({}))])

    data = [
        row[6:] for row in asyncio.run(read()).decode().splitlines() if row.startswith("data: ")
    ]
    events = list(map(json.loads, data))
    assert "Hel" in [event.get("delta") for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "response.failed"
