"""Google's access tokens: fetched by our own HTTP, shared, renewed in the background, told in our own errors."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
import weakref

import pytest

from genai_integrations import Connection
from genai_integrations.connections.credentials import GoogleDefault, open_credential
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    ConfigurationError,
    CredentialError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    UntrustedHostError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.vertex.tokens import service_account
from genai_integrations.transports.http.google_tokens import (
    GoogleSigner,
    _line,
    google_project,
    google_signer,
)
from genai_integrations.transports.http.vertex import vertex_endpoint


@pytest.fixture
def server():
    """Gives out tokens."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def account():
    """A service account's JSON key without an address."""
    return service_account("")[0]


@pytest.fixture
def key(account, server):
    """The same with the server's address, as a text."""
    return json.dumps({**account, "token_uri": f"{server.url}/token"})


@pytest.fixture
def connection(key):
    """A connection with that service account."""
    return Connection.of("seoul", "vertex", key, region="asia-northeast3")


def _endpoint(connection, model="gemini-2.5-flash"):
    return vertex_endpoint(connection, "google", model, "generateContent", OriginPins())


def test_a_token_is_fetched_once_for_all_models_and_sent(server, connection):
    """`prepare` fetches, off the attempt's clock; `sign` only adds what is there, and does not show it."""
    one, other = _endpoint(connection), _endpoint(connection, "claude-sonnet-4-5@20250929")
    assert one.signer is other.signer
    assert not one.signer.is_ready
    one.signer.prepare(None)

    signed = one.signed(b"{}")

    assert signed.headers["authorization"] == "Bearer ya29.c.scripted-000001"
    assert "ya29" not in repr(signed)
    assert [str(text) for text in signed.secrets] == ["ya29.c.scripted-000001"]
    assert other.signed(b"{}").headers["authorization"] == "Bearer ya29.c.scripted-000001"
    assert one.url == (
        "https://asia-northeast3-aiplatform.googleapis.com/v1/projects/scripted-project"
        "/locations/asia-northeast3/publishers/google/models/gemini-2.5-flash:generateContent"
    )
    assert "/models/claude-sonnet-4-5@20250929:" in other.path
    assert len(server.requests) == 1


def test_on_an_event_loop(server, connection):
    """The token is fetched in a thread, once for all tasks."""
    signer = google_signer(connection)

    async def prepare():
        await asyncio.gather(*(signer.aprepare(None) for _ in range(5)))

    asyncio.run(prepare())

    assert signer.is_ready
    assert len(server.requests) == 1


def test_without_a_token_there_is_no_proof(connection):
    """Whoever did not wait is told so."""
    with pytest.raises(RequestTimeoutError, match="an access token of Google's was being fetched"):
        _endpoint(connection).signed(b"{}")


def test_another_token_is_fetched_before_the_end_and_in_the_background(server, connection):
    """The old one is sent meanwhile; one that ends while it is on the way is not sent any more."""
    offset = 0.0
    credential = open_credential(connection)
    signer = GoogleSigner("seoul", credential, lambda: time.time() + offset)
    signer.prepare(None)
    endpoint = _endpoint(connection)
    offset = 3599 - 230

    assert signer.sign(endpoint, b"").secrets == ("ya29.c.scripted-000001",)
    assert len(server.requests) == 1

    offset = 3599 - 220
    assert signer.sign(endpoint, b"").secrets == ("ya29.c.scripted-000001",)
    signer._loads.do(lambda: True)  # waits for what is under way
    signer._loads.do(lambda: True)

    assert signer.sign(endpoint, b"").secrets == ("ya29.c.scripted-000002",)

    offset = 3599 - 5
    assert not signer.is_ready


def test_a_renewal_that_fails_is_not_tried_at_once_again(server, connection):
    """The token that still holds goes on, and Google is asked again after a while."""
    offset = 0.0
    signer = GoogleSigner("seoul", open_credential(connection), lambda: time.time() + offset)
    signer.prepare(None)
    server.faults[""] = Fault.status(500)
    offset = 3599 - 200
    for _ in range(3):
        assert signer.sign(_endpoint(connection), b"").secrets == ("ya29.c.scripted-000001",)
        signer._loads.do(lambda: True)

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.status(401), AuthenticationError, "Google gives no access token: invalid_grant: "),
        (Fault.status(403), AuthenticationError, "Google gives no access token: access_denied: "),
        (Fault.status(429), RateLimitError, "The token could not be issued"),
        (Fault.status(500), ServerError, "The token could not be issued"),
        (Fault.status(503), ServerError, "The token could not be issued"),
    ],
)
def test_what_google_refuses(fault, kind, words, server, connection):
    """It is an error of an attempt, told once and in one line: google-auth's own repeats are not made."""
    server.faults[""] = fault
    signer = google_signer(connection)
    signer.prepare(None)

    with pytest.raises(kind, match=words) as caught:
        signer.sign(_endpoint(connection), b"")

    assert len(server.requests) == 1
    assert "PRIVATE KEY" not in repr(caught.value.__dict__)
    assert "\n" not in str(caught.value)


def test_google_is_back(server, connection):
    """A failure is not for ever."""
    server.faults[""] = Fault.status(500)
    signer = google_signer(connection)
    signer.prepare(None)
    server.faults.clear()
    signer.prepare(None)

    assert signer.sign(_endpoint(connection), b"").secrets == ("ya29.c.scripted-000001",)


def test_nobody_is_there(account):
    """A connection that cannot be made is told as one."""
    info = json.dumps({**account, "token_uri": "http://127.0.0.1:9/token"})
    signer = google_signer(Connection.of("seoul", "vertex", info))
    signer.prepare(None)

    with pytest.raises(APIConnectionError, match="no access token from Google: cannot connect"):
        signer.sign(_endpoint(Connection.of("seoul", "vertex", info)), b"")


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/token", "http://[fd00:ec2::254]/token"]
)
def test_a_stored_key_names_no_metadata_server(address, account):
    """A service account that would have its token fetched there is refused before anything is sent."""
    info = json.dumps({**account, "token_uri": address})
    connection = Connection.of("seoul", "vertex", info)
    google_signer(connection).prepare(None)

    with pytest.raises(UntrustedHostError, match="metadata address"):
        google_signer(connection).sign(_endpoint(connection), b"")


def test_a_broken_private_key(account, server):
    """The error says whose it is, and nothing of it."""
    broken = {**account, "private_key": "-----BEGIN PRIVATE KEY-----\nMIIsecret\n", "token_uri": f"{server.url}/token"}  # fmt: skip
    connection = Connection.of("seoul", "vertex", json.dumps(broken))
    google_signer(connection).prepare(None)

    with pytest.raises(
        CredentialError, match="connection 'seoul': google-auth cannot read"
    ) as caught:
        google_signer(connection).sign(_endpoint(connection), b"")

    assert "MII" not in str(caught.value)


def test_tokens_that_an_endpoint_quotes_are_masked():
    """Assertions and access tokens look like nothing else."""
    line = _line("bad assertion eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\nand ya29.c.secret-0001")

    assert line == "bad assertion ********** and **********"


def test_the_machines_own_credentials_name_the_project(key, tmp_path, monkeypatch, server):
    """Only the token tells the project then, so the proof fills it into the address."""
    path = tmp_path / "key.json"
    path.write_text(key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    connection = Connection.of("own", "vertex", "__VERTEXAI_DEFAULT_CREDENTIALS__")
    endpoint = _endpoint(connection)
    assert google_project(connection) == "{project}"
    endpoint.signer.prepare(None)

    signed = endpoint.signed(b"")

    assert signed.path == (
        "/v1/projects/scripted-project/locations/global/publishers/google/models"
        "/gemini-2.5-flash:generateContent"
    )
    assert signed.url == f"https://aiplatform.googleapis.com{signed.path}"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    again = GoogleSigner("own", GoogleDefault())
    again.prepare(None)
    assert again.sign(endpoint, b"").parts == {"{project}": "another"}
    assert len(server.requests) == 2


def test_a_project_that_the_connection_names(key, tmp_path, monkeypatch):
    """It is the one that is asked, whatever the machine's credentials say."""
    path = tmp_path / "key.json"
    path.write_text(key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    connection = Connection.of("own", "vertex", '{"projectId": "mine"}')
    endpoint = _endpoint(connection)
    endpoint.signer.prepare(None)

    assert "/projects/mine/locations/global/" in endpoint.signed(b"").path


def test_a_machine_without_credentials(tmp_path, monkeypatch):
    """The error says what to do."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    connection = Connection.of("own", "vertex", '{"projectId": "mine"}')
    google_signer(connection).prepare(None)

    with pytest.raises(CredentialError, match="gcloud auth application-default login"):
        google_signer(connection).sign(_endpoint(connection), b"")


def test_without_google_auth(connection, monkeypatch):
    """The message has the command."""
    monkeypatch.setitem(sys.modules, "google.auth", None)

    with pytest.raises(ConfigurationError, match=r"pip install .*\[vertex\]'$"):
        google_signer(connection)


def test_a_token_goes_to_google_and_to_one_other_host(key):
    """A base URL is plain text that anybody could change, so the first host that is not Google's is the only one."""
    pins = OriginPins()

    def address(base, region=None):
        connection = Connection.of("seoul", "vertex", key, base, region=region)
        return vertex_endpoint(connection, "google", "gemini-2.5-flash", "predict", pins).url

    rest = "/publishers/google/models/gemini-2.5-flash:predict"
    where = "projects/scripted-project/locations"
    assert address("https://gate.example") == f"https://gate.example/v1/{where}/global{rest}"
    assert address("https://gate.example/v1beta1/") == f"https://gate.example/v1beta1/{where}/global{rest}"  # fmt: skip
    assert address(None, "eu") == f"https://aiplatform.eu.rep.googleapis.com/v1/{where}/eu{rest}"
    assert address("https://x.p.googleapis.com") == f"https://x.p.googleapis.com/v1/{where}/global{rest}"  # fmt: skip
    with pytest.raises(UntrustedHostError, match="first used for https://gate"):
        address("https://elsewhere.example")


def test_a_connection_that_is_forgotten_takes_its_token_along(key):
    """Nothing keeps a key alive but its connection."""
    connection = Connection.of("seoul", "vertex", key)
    signer = weakref.ref(google_signer(connection))
    del connection
    gc.collect()

    assert signer() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_child_fetches_by_itself(server, connection):
    """It has the parent's token and, when it wants another, connections and locks of its own."""
    program = """
import json, os, sys
from genai_integrations import Connection
from genai_integrations.transports.http.google_tokens import google_signer
first = Connection.of("seoul", "vertex", sys.stdin.read())
google_signer(first).prepare(None)
child = os.fork()
if child == 0:
    google_signer(first)._token = None
    google_signer(first).prepare(None)
    os._exit(0 if google_signer(first).is_ready else 1)
print(os.waitpid(child, 0)[1], google_signer(first).is_ready, "requests" in sys.modules, "litellm" in sys.modules)
"""
    key = connection.secret.reveal()
    run = subprocess.run(
        [sys.executable, "-c", program], input=key, capture_output=True, text=True, check=True
    )

    assert run.stdout == "0 True False False\n"
    assert len(server.requests) == 2
