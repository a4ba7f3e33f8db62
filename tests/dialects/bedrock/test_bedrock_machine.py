"""The machine's own AWS credentials: found by botocore off the attempt's clock, and renewed while they hold."""

from __future__ import annotations

import asyncio
import builtins
import json
import sys
import threading

import pytest
from bedrock_data import CLAUDE, HELLO, KEY_ID, SECRET

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.transports.bedrock.machine import MachineSigner, machine_signer
from genai_integrations.transports.http.endpoint import Endpoint

ENDPOINT = Endpoint("https://a:443", "https://a/x", "/x", None, {}, ())
DEFAULT = "__BEDROCK_DEFAULT_CREDENTIALS__"


@pytest.fixture(autouse=True)
def profiles(monkeypatch, tmp_path):
    """A machine with one profile, and no metadata service."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    )
    machine_signer.cache_clear()
    yield tmp_path
    machine_signer.cache_clear()


@pytest.fixture
def provider():
    """A Bedrock that takes the profile's keys only."""
    with ScriptedProvider("aws") as server:
        server.api_keys = {f"{KEY_ID}:{SECRET}"}
        yield server


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class Found:
    """What botocore finds: other keys each time, as of a role."""

    def __init__(self):
        self.asked = 0
        self.error = None

    def get_frozen_credentials(self):
        if self.error:
            raise self.error
        self.asked += 1
        return type("Keys", (), {"access_key": f"ASIA{self.asked}", "secret_key": SECRET, "token": "t"})  # fmt: skip


def test_a_profile_signs(provider):
    """A connection names a profile; its keys and its region are used."""
    secret = json.dumps({"profile": "work"})
    connection = Connection.of("aws", "bedrock", secret, provider.url)
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        reply = client.completion(f"aws/{CLAUDE}", HELLO)
        stream = list(client.completion(f"aws/{CLAUDE}", HELLO, stream=True))

    assert reply.choices[0].message.content == "aws says: Hello!"
    assert stream
    assert "/eu-west-1/bedrock/" in provider.requests[0].headers["authorization"]


async def test_the_machines_variables_sign(provider, monkeypatch):
    """Whatever the machine has, from an event loop too."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    connection = Connection.of("aws", "bedrock", DEFAULT, provider.url, region="us-east-1")
    async with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        replies = await asyncio.gather(*(client.acompletion(f"aws/{CLAUDE}", HELLO) for _ in "12"))

    assert [reply.choices[0].message.content for reply in replies] == ["aws says: Hello!"] * 2


@pytest.mark.parametrize(
    ("profile", "error", "words"),
    [
        (None, CredentialError, "this machine has no AWS credentials: run `aws configure`"),
        ("absent", CredentialError, "no profile 'absent'"),
    ],
)
def test_without_credentials(profile, error, words):
    """One line says what is missing, as the attempt's error and not as the preparation's."""
    signer = MachineSigner(profile, "us-east-1")
    signer.prepare(None)

    assert not signer.is_ready
    with pytest.raises(error, match=words) as caught:
        signer.sign(ENDPOINT, b"")
    assert "\n" not in str(caught.value)


def test_without_botocore(monkeypatch):
    """The error says what to install."""
    plain = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("botocore"):
            raise ModuleNotFoundError(name)
        return plain(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", missing)
    signer = MachineSigner(None, "us-east-1")
    signer.prepare(None)

    with pytest.raises(ConfigurationError, match=r"pip install .*\[bedrock\]'$"):
        signer.sign(ENDPOINT, b"")


@pytest.fixture
def role(monkeypatch):
    """Credentials of a role, in place of the machine's."""
    from genai_integrations.transports.bedrock import machine

    found = Found()
    monkeypatch.setattr(machine, "_credentials", lambda profile: found)
    return found


def test_keys_are_renewed_in_the_background(role):
    """After five minutes the next request has others fetched, and does not wait for them."""
    clock = Clock()
    signer = MachineSigner(None, "us-east-1", clock)
    signer.prepare(None)
    first = signer.sign(ENDPOINT, b"")
    clock.now += 301
    second = signer.sign(ENDPOINT, b"")

    for thread in threading.enumerate():
        if thread.name == "genai-signer":
            thread.join(10)
    assert "Credential=ASIA1/" in first.headers["authorization"]
    assert "Credential=ASIA1/" in second.headers["authorization"]
    assert "Credential=ASIA2/" in signer.sign(ENDPOINT, b"").headers["authorization"]


def test_keys_that_may_have_ended_are_not_used(role):
    """After nine minutes they are fetched first: botocore promises no more than ten."""
    clock = Clock()
    signer = MachineSigner(None, "us-east-1", clock)
    signer.prepare(None)
    clock.now += 541

    assert not signer.is_ready
    signer.prepare(None)
    assert signer.is_ready


def test_a_renewal_that_fails_tells_no_secret(role):
    """What a plugin says may hold a token, so only its kind of error is told."""
    role.error = ValueError("token IQoJsecret")
    signer = MachineSigner("work", "us-east-1")
    signer.prepare(None)

    with pytest.raises(
        CredentialError, match=r"profile 'work' cannot be loaded \(ValueError\)"
    ) as caught:
        signer.sign(ENDPOINT, b"")
    assert "IQoJ" not in str(caught.value)


def test_one_signer_for_all():
    """Every client of the process asks the same one for a profile and region."""
    assert machine_signer("work", "eu-west-1") is machine_signer("work", "eu-west-1")
    assert machine_signer("work", "us-east-1") is not machine_signer("work", "eu-west-1")
