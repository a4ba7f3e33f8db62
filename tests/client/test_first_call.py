"""What the first call of a process has to load is no provider's time."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys

from genai_integrations import Connection, GenAIClient


class Modules:
    is_ready = True

    def prepare(self): ...
    def call_began(self, request): return self
    def attempt_began(self, attempt): self.before = set(sys.modules)
    def attempt_ended(self, attempt): print(sorted(set(sys.modules) - self.before))
    def first_content(self, route): ...
    def call_ended(self, route, wire, error): ...


connection = Connection.of("home", "openai", "sk-example", sys.argv[1], custom_models=["gpt-4o"])
client = GenAIClient(connections=[connection], observers=[Modules()])
assert client.check("home").ok
"""


def test_nothing_is_imported_while_a_provider_is_waited_for(provider):
    """So `genai check` tells the provider's own time. Of calls, test_latencies.py says the same."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"{provider.url}/v1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
