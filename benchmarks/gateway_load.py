"""Calls a gateway so many times, so many at once, and says in JSON what came of it and what it cost to ask.

    python benchmarks/gateway_load.py URL MODEL COUNT AT_ONCE [HEADER...]

`MODEL` `idle` opens connections instead, says so, and holds them until standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop

_LONGEST = 90.0
_END = b"0\r\n\r\n"


class _Asker(asyncio.Protocol):
    """One connection, used again and again."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._waiter: asyncio.Future[bool] | None = None
        self._received = bytearray()
        self._whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    async def ask(self, request: bytes) -> bool:
        """Whether the answer was whole and good."""
        self._received.clear()
        self._whole = 0
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiter

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._whole and b"\r\n\r\n" in self._received:
            head, _, _ = bytes(self._received).partition(b"\r\n\r\n")
            _, _, rest = head.lower().partition(b"content-length:")
            length = int(rest.partition(b"\r\n")[0] or -1)
            self._whole = -1 if length < 0 else len(head) + 4 + length
        if self._whole < 0:
            if self._received.endswith(_END):
                self._told(b"[DONE]" in self._received)
        elif self._whole and len(self._received) >= self._whole:
            self._told(True)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._told(False)

    def _told(self, good: bool) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(good and b" 200 " in self._received[:15])


async def _connection(url: str) -> _Asker:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, asker = await loop.create_connection(_Asker, parts.hostname, parts.port)
    return asker


def _request(url: str, model: str, headers: list[str]) -> bytes:
    parts = urlsplit(url)
    messages = [{"role": "user", "content": "Say something short about the sea."}]
    told = {"model": model, "messages": messages, **({} if model == "plain" else {"stream": True})}
    body = json.dumps(told).encode()
    lines = [
        f"POST {parts.path}/chat/completions HTTP/1.1",
        f"host: {parts.netloc}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _load(url: str, model: str, count: int, at_once: int, headers: list[str]) -> None:
    request = _request(url, model, headers)
    left, good = count, 0
    askers = await asyncio.gather(*[_connection(url) for _ in range(min(at_once, count))])

    async def work(asker: _Asker) -> None:
        nonlocal left, good
        while left:
            left -= 1
            is_good = await asker.ask(request)
            good += is_good

    began, cpu = time.monotonic(), time.process_time()
    await asyncio.wait_for(asyncio.gather(*map(work, askers)), _LONGEST)
    print(
        json.dumps(
            {
                "good": good,
                "errors": count - good,
                "seconds": time.monotonic() - began,
                "cpu": time.process_time() - cpu,
            }
        )
    )


async def _idle(url: str, count: int) -> None:
    askers = []
    for _ in range(0, count, 500):
        askers += await asyncio.gather(*[_connection(url) for _ in range(min(500, count))])
    print(json.dumps({"open": len(askers)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"open": sum(not asker.transport.is_closing() for asker in askers)}))


def main(url: str, model: str, count: str, at_once: str, *headers: str) -> None:
    """See above."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    if model == "idle":
        uvloop.run(_idle(url, int(count)))
    else:
        uvloop.run(_load(url, model, int(count), int(at_once), list(headers)))


if __name__ == "__main__":
    main(*sys.argv[1:])
