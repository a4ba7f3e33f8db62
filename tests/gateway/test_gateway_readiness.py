"""Whether a gateway that serves nobody yet is ready: everybody may ask, so asking must cost next to nothing."""

from __future__ import annotations

import asyncio
import http.server
import threading

from genai_integrations.gateway.keys.langfuse import LangfuseKeys


async def test_langfuse_is_asked_once_for_all_who_ask():
    """Each question takes a thread that others need; who comes while it is asked hears what was known before."""
    asked, answer = [], threading.Event()

    class Langfuse(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer.wait(10)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Langfuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        keys = LangfuseKeys(f"http://127.0.0.1:{server.server_port}", lambda project: None)
        first = asyncio.create_task(keys.is_ready())
        await asyncio.sleep(0)
        others = [asyncio.create_task(keys.is_ready()) for _ in range(20)]
        await asyncio.wait(others, timeout=10)
        answer.set()
        found = await first, await keys.is_ready(), [await task for task in others]
        server.shutdown()
        thread.join()

    assert found == (True, True, [False] * 20)
    assert asked == ["/api/public/health"]
