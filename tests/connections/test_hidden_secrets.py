"""No secret shows where nobody asked for it."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import logging
import pickle
import socket

import pytest
from leaks import everything_of

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import (
    AwsKeyPair,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.connections.environment import EnvironmentStore
from genai_integrations.connections.langfuse.crypto import check_keys, decrypt
from genai_integrations.connections.langfuse.project import fetch_project_id
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.errors import CredentialError, GenAIError
from genai_integrations.runtime.masked import MASK
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.postgres.database import encrypt

CANARY = "c4na5ecre7"
CANARY_KEY = "c4a5ec" * 10 + "c4a5"
CANARY_BASIC = base64.b64encode(f"pk:{CANARY}".encode()).decode()
ENVIRON = {
    "OPENAI_API_KEY": CANARY,
    "AWS_ACCESS_KEY_ID": f"AKIA{CANARY}",
    "AWS_SECRET_ACCESS_KEY": CANARY,
    "AWS_SESSION_TOKEN": CANARY,
    "AWS_REGION": "us-east-1",
}
ACCOUNT = {
    "type": "service_account",
    "project_id": "p",
    "private_key": CANARY,
    "client_email": "e",
    "token_uri": "u",
}


def connection(secret=None, provider="openai", headers=None):
    extra = None if headers is None else Secret(headers)
    return Connection("seoul", PROVIDERS[provider], Secret(secret or CANARY), extra_headers=extra)


def langfuse_store(url=f"postgresql://reader:{CANARY}@127.0.0.1:9/db"):
    return LangfuseStore(url, [CANARY_KEY], project_id=lambda: "p")


def shown(value):
    """Every way in which an object may end up on a screen, in a log or in a file."""
    yield repr(value)
    yield str(value)
    yield f"{value}"
    yield f"{value:}"
    yield repr([value, {"key": value}])
    yield repr(copy.copy(value))
    yield repr(copy.deepcopy(value))
    yield json.dumps(value, default=repr)
    for serialise in (pickle.dumps, dataclasses.asdict, dataclasses.astuple, vars):
        try:
            yield repr(serialise(value))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            yield str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Secret(CANARY),
        lambda: Secret.lazy(lambda: CANARY),
        connection,
        lambda: connection(headers=json.dumps({"x-a": CANARY})),
        lambda: open_credential(connection()),
        lambda: open_credential(connection(json.dumps(ACCOUNT), "vertex")),
        lambda: open_headers(connection(headers=json.dumps({"x-a": CANARY}))),
        lambda: EnvironmentStore(ENVIRON).load(None),
        lambda: [open_credential(made) for made in EnvironmentStore(ENVIRON).load(None)],
        langfuse_store,
        lambda: ConnectionRegistry(EnvironmentStore(ENVIRON)).load(),
    ],
)
def test_objects_do_not_show_their_secrets(make):
    """Repr, format, copies, pickles and dictionaries of what holds a secret show a mask, or refuse."""
    for text in shown(make()):
        assert CANARY not in text
        assert CANARY_KEY not in text


def test_the_objects_under_test_hold_the_secret():
    """The test above means something: asked openly, the same objects give the text."""
    bedrock = open_credential(EnvironmentStore(ENVIRON).load(["bedrock"])[0])
    vertex = open_credential(connection(json.dumps(ACCOUNT), "vertex"))

    assert isinstance(bedrock, AwsKeyPair)
    assert isinstance(vertex, GoogleServiceAccount)
    assert CANARY in bedrock.session_token.reveal()
    assert CANARY in vertex.info.reveal()
    assert MASK in repr(bedrock)


def test_a_pickled_connection_arrives_without_its_secret():
    """A process that gets a connection by pickle is told to make its own client."""
    secret = pickle.loads(pickle.dumps(Secret(CANARY)))

    with pytest.raises(CredentialError, match="pickled"):
        secret.reveal()


def unreachable_langfuse():
    fetch_project_id("http://127.0.0.1:9", "pk", CANARY)


def stored(text, key=CANARY_KEY, column="secret_key"):
    """A row as the store would make it a connection."""
    from genai_integrations.connections.langfuse.store import _Row

    row = {"secret_key": encrypt("k", CANARY_KEY), "extra_headers": None} | {
        column: encrypt(text, key)
    }
    return langfuse_store()._connection(_Row("1", "seoul", "openai", **row, **REST))


REST = {"base_url": None, "custom_models": [], "with_default_models": True, "config": None}


@pytest.mark.parametrize(
    "fail",
    [
        lambda: decrypt(encrypt("x", "0" * 64), [CANARY_KEY], where="it"),
        lambda: decrypt(CANARY, [CANARY_KEY], where="it"),
        lambda: check_keys([CANARY_KEY, CANARY]),
        lambda: LangfuseStore(f"postgresql://u:{CANARY}@h/d", [CANARY], project_id=str),
        lambda: langfuse_store().load(None),
        lambda: langfuse_store(f"postgresql://u:{CANARY}@/d?host=/nowhere").load(None),
        lambda: langfuse_store(f"postgresql://u:a@{CANARY}@h/d").load(None),
        lambda: ConnectionRegistry(langfuse_store()).load(),
        unreachable_langfuse,
        lambda: open_credential(connection(f"{CANARY}\n{CANARY}")),
        lambda: open_credential(connection(f'{{"accessKeyId": "{CANARY}"}}', "bedrock")),
        lambda: open_credential(connection(f"{{{CANARY}", "vertex")),
        lambda: open_headers(connection(headers=f'{{"x-a": "{CANARY}\\n"')),
        lambda: open_headers(
            connection(headers=f'{{"x-b": "{CANARY}", "x-a": "{CANARY}\\u0000b"}}')
        ),
        lambda: open_credential(stored(CANARY, "0" * 64)),
        lambda: open_credential(stored(f"{CANARY}\n{CANARY}")),
        lambda: open_headers(stored(CANARY, column="extra_headers")),
    ],
)
def test_errors_show_no_secret_even_with_the_locals_of_every_frame(fail):
    """Neither message, nor cause, nor any frame's local of this package or another's gives a secret away."""
    with pytest.raises(GenAIError) as caught:
        fail()

    for text in everything_of(caught.value):
        assert CANARY not in text
        assert CANARY_KEY not in text
        assert CANARY_BASIC not in text


def test_a_refused_pair_shows_no_secret(answering_server):
    """The same for an answer that refuses the pair."""
    answering_server.status = 401
    with pytest.raises(CredentialError) as caught:
        fetch_project_id(answering_server.url, "pk", CANARY)

    for text in everything_of(caught.value):
        assert CANARY not in text
        assert CANARY_BASIC not in text


def test_logs_show_no_secret(caplog):
    """At the most talkative level, nothing of a failing load shows a secret."""
    with caplog.at_level(logging.DEBUG), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = langfuse_store(f"postgresql://u:{CANARY}@127.0.0.1:{taken.getsockname()[1]}/d")
        with pytest.raises(CredentialError):
            ConnectionRegistry(store).load()
        with pytest.raises(CredentialError):
            unreachable_langfuse()

    assert caplog.records
    assert CANARY not in caplog.text
