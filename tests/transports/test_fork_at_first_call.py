"""A program that forks while another thread makes its first call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genai_integrations.testing.provider import ScriptedProvider

PROGRAM = """
import os, signal, sys, threading
from genai_integrations import Connection, GenAIClient
url, provider, model = sys.argv[1:]
client = GenAIClient(connections=[Connection.of("c", provider, "sk-example", url)])
begun, may_go_on = threading.Event(), threading.Event()

class Slow:
    "Finds nothing, and holds the import of the HTTP client up."
    def find_spec(self, name, path=None, target=None):
        if name == "urllib3":
            begun.set()
            may_go_on.wait(5)

sys.meta_path.insert(0, Slow())
ask = lambda: client.completion(f"c/{model}", [{"role": "user", "content": "hi"}])
thread = threading.Thread(target=ask)
thread.start()
begun.wait(10)
threading.Timer(0.2, may_go_on.set).start()
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(0 if ask().choices[0].message.content == "abroad says: hi" else 7)
_, status = os.waitpid(child, 0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(
    ("provider", "model", "path"),
    [("openai", "gpt-4o", "/v1"), ("anthropic", "claude-sonnet-4-5", "")],
)
def test_the_child_can_call_too(provider, model, path):
    """The fork waits for the import of the HTTP client: half made, it would hang in the child for ever."""
    with ScriptedProvider("abroad") as server:
        # Since Python 3.12 whoever forks beside threads is warned; that this one may is what is tested.
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM]
        done = subprocess.run(
            [*command, f"{server.url}{path}", provider, model],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert (done.stderr, done.returncode) == ("", 0)
