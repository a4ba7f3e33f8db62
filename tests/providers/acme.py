"""A provider that nobody else has: its server, and the dialect that its users write."""

from __future__ import annotations

import json

from genai_integrations.testing.server import LoopbackServer
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at
from genai_integrations.transports.http.sse import SSEDecoder


class AcmeServer(LoopbackServer):
    """Takes `{"engine", "prompt", "live"}` and says the prompt again, as `{"text", "count"}` or in events."""

    async def respond(self, request, exchange):
        """Refuse what has no key, with a body of its own."""
        if request.headers.get("x-acme-key") != "ak-1":
            await exchange.send(401, b'{"problem": "who are you?"}', {})
            return
        words = request.body["prompt"].split()
        if not request.body["live"]:
            answer = {"text": " ".join(words), "count": len(words)}
            await exchange.send(200, json.dumps(answer).encode(), {})
            return
        await exchange.begin(200, {"content-type": "text/event-stream"})
        for event in ({"piece": f"{word} "} for word in words):
            await exchange.write(f"data: {json.dumps(event)}\n\n".encode())
        await exchange.write(b'data: {"count": %d}\n\n' % len(words))
        await exchange.end()


class AcmeDialect:
    """Speaks to it."""

    headers = None

    def endpoint(self, connection, model, operation, *, streamed, pins):
        url, key = f"{base_url(connection, model)}/say", api_key(connection)
        return endpoint_at(connection, url, pins, key=key, headers={"x-acme-key": key})

    def body(self, call):
        return {
            "engine": call.model,
            "prompt": call.body["messages"][-1]["content"],
            "live": bool(call.body.get("stream")),
        }

    def reply(self, answer, call):
        message = {"role": "assistant", "content": answer["text"]}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"choices": [choice], "usage": _usage(answer)}

    def splitter(self):
        return SSEDecoder()

    def events(self, call):
        return AcmeEvents()


class AcmeEvents:
    """The events of one stream."""

    ended = False

    def take(self, event):
        if "piece" in event:
            yield {"choices": [{"index": 0, "delta": {"content": event["piece"]}}]}
        else:
            self.ended = True
            yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            yield {"choices": [], "usage": _usage(event)}

    def finish(self):
        return ()


def _usage(answer):
    count = answer["count"]
    return {"prompt_tokens": count, "completion_tokens": count, "total_tokens": 2 * count}
