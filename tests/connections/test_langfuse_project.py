"""Asking Langfuse whose key pair it is."""

from __future__ import annotations

import base64
import json
import socket

import pytest

from genai_integrations.connections.langfuse.project import fetch_project_id
from genai_integrations.errors import ConfigurationError, CredentialError, CredentialStoreError

PUBLIC, SECRET = "pk-lf-example", "sk-lf-CANARY"


def test_the_project_of_a_key_pair(answering_server, golden_connections):
    """What a real server answered gives its project's id; the pair goes in the usual header."""
    answering_server.body = json.dumps(golden_connections["GET /api/public/projects"]).encode()

    assert fetch_project_id(answering_server.url, PUBLIC, SECRET) == "lab-project"

    ((path, headers),) = answering_server.requests
    assert path == "/api/public/projects"
    assert (
        headers["authorization"]
        == "Basic " + base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
    )


def test_the_stand_in_answers_it(langfuse):
    """The stand-in of this package is asked in the same way."""
    assert fetch_project_id(langfuse.url, langfuse.public_key, langfuse.secret_key) == "lab-project"


def test_a_host_behind_a_proxy(answering_server, golden_connections, monkeypatch):
    """The environment's proxy is asked, with its own password, as the Langfuse SDK asks it."""
    answering_server.body = json.dumps(golden_connections["GET /api/public/projects"]).encode()
    monkeypatch.setenv("http_proxy", answering_server.url.replace("//", "//me:p%40ss@"))
    monkeypatch.delenv("no_proxy", raising=False)

    assert fetch_project_id("http://langfuse.invalid", PUBLIC, SECRET) == "lab-project"

    ((path, headers),) = answering_server.requests
    assert path == "http://langfuse.invalid/api/public/projects"
    assert headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_pair(answering_server, status):
    """A wrong secret is told from a store that is away, and names the pair by its public half only."""
    answering_server.status = status

    with pytest.raises(
        CredentialError, match=r"refuses the key pair pk-lf-example.*LANGFUSE_SECRET_KEY"
    ) as caught:
        fetch_project_id(answering_server.url, PUBLIC, SECRET)

    assert not isinstance(caught.value, CredentialStoreError)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<!doctype html><title>Sign in</title>"),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"id": 7}]}'),
        (200, b'{"data": [{"id": ""}]}'),
        (200, b"[]"),
        (200, b""),
        (404, b"{}"),
    ],
)
def test_a_host_that_is_not_langfuse(answering_server, status, body):
    """Other answers say that this is not Langfuse and name the variable to check."""
    answering_server.status, answering_server.body = status, body

    with pytest.raises(CredentialStoreError, match=r"does not answer like Langfuse.*LANGFUSE_HOST"):
        fetch_project_id(answering_server.url, PUBLIC, SECRET)


def test_a_redirect_is_not_followed(answering_server):
    """The key pair goes to the host that was named and nowhere else."""
    answering_server.status = 302
    answering_server.headers = {"location": f"{answering_server.url}/elsewhere"}

    with pytest.raises(CredentialStoreError, match="HTTP 302"):
        fetch_project_id(answering_server.url, PUBLIC, SECRET)

    assert len(answering_server.requests) == 1


def test_a_failing_langfuse(answering_server):
    """A server error is Langfuse's fault, and asked once only."""
    answering_server.status = 503

    with pytest.raises(CredentialStoreError, match=r"fails \(HTTP 503\)"):
        fetch_project_id(answering_server.url, PUBLIC, SECRET)

    assert len(answering_server.requests) == 1


def test_nobody_there():
    """A host that cannot be reached is named with its variable; nothing of the HTTP library hangs on the error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(
            CredentialStoreError,
            match=r"cannot reach Langfuse at .*the connection is refused.*LANGFUSE_HOST",
        ) as caught:
            fetch_project_id(host, PUBLIC, SECRET)

    assert host in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "host",
    [
        "cloud.langfuse.com",
        "ftp://langfuse.example",
        "",
        "https://",
        "http://[::1",
        "http://langfuse:99999",
        "http://langfuse.example/a b",
    ],
)
def test_a_host_that_is_no_address(host):
    """The secret is not sent to an address that leaves open how, or where."""
    with pytest.raises(ConfigurationError, match="must start with https://"):
        fetch_project_id(host, PUBLIC, SECRET)


def test_a_secret_of_any_characters_is_sent(answering_server):
    """A key with characters outside of Latin-1 is refused by Langfuse, not by our own encoding of it."""
    answering_server.status = 401

    with pytest.raises(CredentialError, match="refuses"):
        fetch_project_id(answering_server.url, PUBLIC, "비밀")
