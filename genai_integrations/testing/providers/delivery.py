"""How an answer goes out over the wire, well or with a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.hostile import Good, hostile_answer
from genai_integrations.testing.providers.dialect import Answer
from genai_integrations.testing.server import Exchange, Received

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
_JSON = {"content-type": "application/json"}


async def deliver(
    answer: Answer, fault: Fault | None, request: Received, exchange: Exchange
) -> None:
    """Send the answer, spoilt as the fault says; an `error` is already the answer itself."""
    spoil = _SPOILERS.get(fault.kind) if fault is not None else None
    if fault is None or spoil is None:
        await _send(answer, exchange)
    else:
        await spoil(_Delivery(answer, fault, request, exchange))


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One answer on its way; each method named for a kind of fault spoils it in that way."""

    answer: Answer
    fault: Fault
    request: Received
    exchange: Exchange

    async def html(self) -> None:
        await self._replace(body=_PAGE, headers={"content-type": "text/html; charset=utf-8"})

    async def empty(self) -> None:
        await self._replace()

    async def wrong_json(self) -> None:
        await self._replace(body=b'{"status": "ok", "uptime": 12345}')

    async def redirect(self) -> None:
        target = self.fault.url or f"/elsewhere{self.request.path}"
        await self._replace(307, headers={"location": target})

    async def hang(self) -> None:
        await self.exchange.hang()

    async def no_answer(self) -> None:
        self.exchange.hang_up(reset=self.fault.reset)

    async def stale(self) -> None:
        self.exchange.hold_back()
        await _send(self.answer, self.exchange)
        self.exchange.close_after()

    async def stall(self) -> None:
        if self.answer.pieces is not None:
            await self._write_some()
        await self.exchange.hang()

    async def drip(self) -> None:
        if self.answer.pieces is None:
            await self._wait()
            await _send(self.answer, self.exchange)
            return
        await self.exchange.begin(self.answer.status, self.answer.headers)
        passed = 0
        for piece in self.answer.pieces:
            if piece.content and passed >= self.fault.after:
                await self._wait()
            passed += piece.content
            await self.exchange.write(piece.data)
        await self.exchange.end()

    async def error_event(self) -> None:
        if self.answer.pieces is None:
            await self._replace(500, self.answer.error_event)
            return
        await self._write_some()
        await self.exchange.write(self.answer.error_event)
        await self.exchange.end()

    async def cut(self) -> None:
        if self.answer.pieces is None:
            body = self.answer.body
            await self.exchange.begin(self.answer.status, self.answer.headers, length=len(body))
            await self.exchange.write(body[: len(body) // 2])
        else:
            await self._write_some()
        self.exchange.hang_up()

    async def truncated(self) -> None:
        if self.answer.pieces is None:
            half = self.answer.body[: len(self.answer.body) // 2]
            await self.exchange.send(self.answer.status, half, self.answer.headers)
            return
        await self._write_some()
        await self.exchange.end()

    async def hostile(self) -> None:
        sent = self.request.headers
        key = sent.get("x-api-key") or sent.get("api-key") or sent.get("x-goog-api-key")
        key = key or sent.get("authorization", "").removeprefix("Bearer ")
        pieces = self.answer.pieces
        body = self.answer.body if pieces is None else b"".join(each.data for each in pieces)
        good = Good(key.encode(), body, is_stream=pieces is not None)
        self.exchange.send_raw(hostile_answer(self.fault.way, good))

    async def _wait(self) -> None:
        assert self.fault.event is not None
        await self.exchange.wait_for(self.fault.event, clear=self.fault.step)

    async def _write_some(self) -> None:
        """The head of the stream and its first content pieces."""
        count = self.fault.after
        await self.exchange.begin(self.answer.status, self.answer.headers)
        for piece in [each for each in self.answer.pieces or () if not each.closing]:
            if piece.content and count == 0:
                return
            count -= piece.content
            await self.exchange.write(piece.data)

    async def _replace(
        self, status: int = 200, body: bytes = b"", headers: Mapping[str, str] = _JSON
    ) -> None:
        """Something else instead of the answer, under the same request id."""
        kept = {k: v for k, v in self.answer.headers.items() if k != "content-type"}
        await self.exchange.send(status, body, {**kept, **headers})


_SPOILERS: dict[str, Callable[[_Delivery], Awaitable[None]]] = {
    "html": _Delivery.html,
    "empty": _Delivery.empty,
    "wrong_json": _Delivery.wrong_json,
    "redirect": _Delivery.redirect,
    "hang": _Delivery.hang,
    "stall": _Delivery.stall,
    "drip": _Delivery.drip,
    "error_event": _Delivery.error_event,
    "cut": _Delivery.cut,
    "truncated": _Delivery.truncated,
    "no_answer": _Delivery.no_answer,
    "stale": _Delivery.stale,
    "hostile": _Delivery.hostile,
}


async def _send(answer: Answer, exchange: Exchange) -> None:
    if answer.pieces is None:
        await exchange.send(answer.status, answer.body, answer.headers)
        return
    await exchange.begin(answer.status, answer.headers)
    for piece in answer.pieces:
        await exchange.write(piece.data)
    await exchange.end()
