"""What the tests of the command line share: connections to look at, and a way to run `genai`."""

from __future__ import annotations

import os

import pytest
from terminals import Terminal
from typer.testing import CliRunner

from genai_integrations import BrokenConnection, Connection, GenAIClient, Secret, client, use_client
from genai_integrations.cli import app
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import DecryptionError


class Store:
    """A store with a row that does not get as far as a connection."""

    def __init__(self, *entries):
        self.entries = entries

    def load(self, names):
        """As `ConnectionStore.load`."""
        return [row for row in self.entries if names is None or row.name in names]


@pytest.fixture
def genai(monkeypatch):
    """Run a command; each run makes its client anew, as a process does."""

    def run(*arguments, environ=None):
        with monkeypatch.context() as patch:
            patch.setattr(client, "_default", [])
            result = CliRunner().invoke(app.app, arguments, env=environ, prog_name="genai")
            for made in client._default:
                made.close()
        return result

    return run


@pytest.fixture
def connect(provider):
    """Make a connection to the scripted provider."""

    def connect(name, secret="sk-canary", *, base_url=provider.url + "/v1", **fields):
        kind = PROVIDERS[fields.pop("provider", "openai")]
        secret = secret if isinstance(secret, Secret) else Secret(secret)
        return Connection(name, kind, secret, base_url, **fields)

    return connect


@pytest.fixture
def environ(provider):
    """The variables of a program: one OpenAI connection that leads to the scripted provider."""
    own = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": f"{provider.url}/v1"}
    own["GENAI_CHAT_LOG"] = "off"
    return {**os.environ, **own, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def terminal(environ):
    """Start the program in a terminal; it is stopped at the end."""
    started = []

    def start(*arguments, **variables):
        started.append(Terminal(arguments, {**environ, **variables}))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def undecipherable():
    """A secret that cannot be decrypted."""

    def reveal():
        raise DecryptionError("secret_key of connection 'tokyo' cannot be decrypted: check the key")

    return Secret.lazy(reveal)


@pytest.fixture
def using():
    """Have the commands of a test use these connections."""
    entered = []

    def use(*entries, **arguments):
        made = GenAIClient(connections=Store(*entries), **arguments)
        block = use_client(made)
        block.__enter__()
        entered.append((block, made))

    yield use
    for block, made in reversed(entered):
        block.__exit__(None, None, None)
        made.close()


@pytest.fixture
def mixed(using, connect, undecipherable):
    """One connection that works, one whose key cannot be decrypted, one that is not even a connection."""
    using(
        connect("seoul", custom_models=("gpt-4o", "gpt-4o-mini"), with_default_models=False),
        connect("tokyo", undecipherable),
        BrokenConnection("oslo", DecryptionError("the row is damaged")),
    )
