"""A process forks: while spans wait, while one is sent, and while the SDK is being loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
]

START = """
import os, signal, sys, threading
from genai_integrations import Connection, GenAIClient
url, *pair = sys.argv[1:]
client = GenAIClient(*pair, connections=[Connection.of("home", "openai", "sk", url)])
def ask(text):
    client.completion("gpt-4o", [{"role": "user", "content": text}])
def child(work):
    number = os.fork()
    if not number:
        signal.alarm(150)  # ends a child that waits for ever
        work()
        os._exit(0)
    status = os.waitpid(number, 0)[1]
    assert status == 0, status
"""


def run(code, provider, langfuse, **variables):
    """Run a program to its end."""
    pair = (langfuse.public_key, langfuse.secret_key, langfuse.host)
    done = subprocess.run(
        [sys.executable, "-c", START + code, f"{provider.url}/v1", *pair],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def asked(langfuse):
    """What was asked in the calls that have arrived."""
    return sorted(row["attributes"]["langfuse.observation.input"] for row in langfuse.spans)


def told(*texts):
    """The same, as it should be."""
    return sorted(f'[{{"role":"user","content":"{text}"}}]' for text in texts)


def test_what_waits_is_the_parent_s(provider, langfuse):
    """A child flushes what it has asked, and nothing that its parent sends."""
    code = """
ask("waits")
child(lambda: (ask("child"), client.flush()))
"""
    run(code, provider, langfuse, LANGFUSE_FLUSH_INTERVAL="3600")

    assert asked(langfuse) == told("waits", "child")


def test_a_fork_during_an_export(provider, langfuse):
    """While one hangs: the child sends its own, and the parent what it has, when Langfuse answers again."""
    code = """
ask("parent")
sys.stdin.read(1)
child(lambda: ask("child") or client.flush())
"""
    pair = (langfuse.public_key, langfuse.secret_key, langfuse.host)
    langfuse.hanging = True
    with subprocess.Popen(
        [sys.executable, "-c", START + code, f"{provider.url}/v1", *pair],
        env={**os.environ, "LANGFUSE_FLUSH_INTERVAL": "0", "LANGFUSE_TIMEOUT": "1"},
        stdin=subprocess.PIPE,
    ) as program:
        langfuse.wait_for_requests(1)
        langfuse.hanging = False
        program.communicate(b"x", timeout=300)

    assert asked(langfuse) == told("child", "parent")


def test_many_children(provider, langfuse):
    """Each call of each process arrives once."""
    code = """
ask("before")
client.flush()
for number in range(3):
    child(lambda: [ask(f"child {number} {i}") for i in range(10)] and client.flush())
ask("after")
"""
    run(code, provider, langfuse)

    texts = [f"child {number} {i}" for number in range(3) for i in range(10)]
    assert asked(langfuse) == told("before", "after", *texts)


def test_a_child_that_ends_by_itself(provider, langfuse):
    """It sends what is left at its end, as its parent does."""
    code = """
ask("parent")
number = os.fork()
if not number:
    ask("child")
    sys.exit(0)
assert os.waitpid(number, 0)[1] == 0
"""
    run(code, provider, langfuse)

    assert asked(langfuse) == told("parent", "child")


LOADING = """
class Notice:
    begun = threading.Event()
    def find_spec(self, name, path=None, target=None):
        if name == "langfuse.api":
            self.begun.set()
sys.meta_path.insert(0, Notice())
threading.Thread(target=lambda: WORK, daemon=True).start()
assert Notice.begun.wait(150)
child(lambda: print(WORK is not None, flush=True))
"""


@pytest.mark.parametrize("work", ["client.langfuse", "client.get_prompt('greeting')"])
def test_a_fork_while_the_sdk_is_loaded(work, provider, langfuse):
    """The child has it, too: a package that is half loaded would be locked there for ever."""
    langfuse.create_prompt("greeting", "Hello!")
    lines = run(LOADING.replace("WORK", work), provider, langfuse)

    assert lines == ["True"]


def test_a_fork_while_the_client_is_made(provider, langfuse):
    """The lock of the thread that makes it is no lock of the child's."""
    code = """
import langfuse
begun, goes_on = threading.Event(), threading.Event()
class Slow(langfuse.Langfuse):
    def __init__(self, **options):
        begun.set()
        assert goes_on.wait(150)
        super().__init__(**options)
langfuse.Langfuse = Slow
threading.Thread(target=lambda: client.langfuse, daemon=True).start()
assert begun.wait(150)
threading.Timer(0.1, goes_on.set).start()
child(lambda: (goes_on.set(), print(client.langfuse is not None, flush=True)))
"""
    assert run(code, provider, langfuse) == ["True"]
