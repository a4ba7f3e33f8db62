"""`genai outage`: a program runs while something is out."""

from __future__ import annotations

import subprocess
import sys

from genai_integrations import cli

PROGRAM = """
import sys
from genai_integrations import Connection, GenAIClient
rows = [Connection.of(name, "openai", "sk-1", sys.argv[1]) for name in ("seoul", "usa", "tokyo")]
client = GenAIClient(connections=rows)
route = client.completion("gpt-4o", [{"role": "user", "content": "Hi"}]).route
print(*(f"{row.connection} {row.outcome} {row.rehearsed}" for row in route.attempts), sep="; ")
sys.exit(7)
"""


def genai(environ, *arguments):
    """Run it as its own process, whose place the program takes."""
    command = [sys.executable, "-m", cli.__name__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_a_program_meets_the_outages(environ, provider):
    """Of two, one inside the other; its output and exit code are the program's own."""
    done = genai(
        environ, "outage", "seoul", "--status", "429", "--", sys.executable, "-m", cli.__name__,
        "outage", "usa", "--error", "refused", "--", sys.executable, "-c", PROGRAM, f"{provider.url}/v1",
    )  # fmt: skip

    assert done.stdout == (
        "seoul RateLimitError True; usa APIConnectionError True; tokyo ok False\n"
    )
    assert done.returncode == 7


def test_a_wrong_outage_runs_nothing(environ):
    """The complaint is one line, and the exit code 1."""
    done = genai(environ, "outage", "seoul", "--status", "200", "--", "never-run")

    assert done.returncode == 1
    assert done.stderr == (
        "ConfigurationError: status must be an HTTP status from 400 to 599, not 200\n"
    )


def test_a_program_that_is_not_there(environ):
    """Is named."""
    done = genai(environ, "outage", "seoul", "--", "no-such-program")

    assert done.returncode == 1
    assert done.stderr == (
        "ConfigurationError: no-such-program cannot be run: No such file or directory\n"
    )
