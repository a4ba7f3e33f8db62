"""Where a key may go: never elsewhere by a call's own words, by a name, by a redirect or by a changed row."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import socket

import pytest

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import (
    APIConnectionError,
    ConfigurationError,
    InvalidReplyError,
    UntrustedHostError,
)
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "x"}]
ELSEWHERE = [
    "api_base",
    "api_key",
    "api_type",
    "api_version",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_external_id",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_name",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_ad_token_provider",
    "azure_deployment",
    "azure_endpoint",
    "base_url",
    "client",
    "custom_llm_provider",
    "default_headers",
    "extra_query",
    "headers",
    "http_client",
    "model_list",
    "organization",
    "organization_id",
    "project_id",
    "vertex_ai_credentials",
    "vertex_ai_location",
    "vertex_ai_project",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
]
"""Parameters of OpenAI's clients and of LiteLLM's calls that name a key, an address or an account."""


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_call_redirects_a_key(name, make_client, seoul):
    """Each of the four calls refuses each name that could, whatever its value, before anything is sent."""
    client = make_client(seoul)
    for how in ("completion", "acompletion", "embedding", "aembedding"):
        given = QUESTION if "completion" in how else "x"
        for value in ("http://127.0.0.1:9", None):
            with pytest.raises(ConfigurationError, match=name):
                _finished(getattr(client, how)("gpt-4o", given, **{name: value}))

    assert not seoul.requests


def _finished(called):
    return asyncio.run(called) if inspect.iscoroutine(called) else called


UNSAFE = [
    "169.254.169.254",
    "169.254.1.1",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "[ff02::1]",
]
"""Link-local and metadata addresses, and how IPv6 wraps them."""

OLD_FORMS = ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"]
"""The same address in forms that only the system's resolver knows."""


@pytest.fixture
def tried(monkeypatch):
    """The addresses beyond this machine that somebody wanted to connect to; nobody is connected to any.

    Those of this machine are not in it: other tests' threads may still look for a server that is gone.
    """
    found = []

    def refuse(*args):
        address = args[-1]
        if address[0] not in {"127.0.0.1", "::1"}:
            found.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", refuse)
    return found


@pytest.mark.parametrize("host", UNSAFE)
def test_addresses_of_no_provider_are_refused(host, make_client, connect, ask, tried):
    """Sync and async, and nothing is connected."""
    client = make_client(connect(f"http://{host}/v1"), num_retries=0, timeout=5)

    with pytest.raises(UntrustedHostError):
        ask(client)
    assert tried == []


@pytest.mark.parametrize("host", OLD_FORMS)
def test_old_forms_of_addresses_lead_nowhere(host, make_client, connect, ask, tried):
    """They are refused as what they mean, or not taken for addresses at all."""
    client = make_client(connect(f"http://{host}/v1"), num_retries=0, timeout=5)

    with pytest.raises((UntrustedHostError, APIConnectionError)):
        ask(client)
    assert tried == []


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_names_that_lead_there_are_refused(
    scheme, address, make_client, connect, ask, monkeypatch, tried
):
    """The check is of the address that is connected to, whatever the name looks like."""

    def resolve(host, port, *args, **options):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        where = (address, int(port), 0, 0) if ":" in address else (address, int(port))
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    client = make_client(connect(f"{scheme}://api.example.com/v1"), num_retries=0, timeout=5)

    with pytest.raises(UntrustedHostError, match="metadata"):
        ask(client)
    assert tried == []


def test_a_refused_host_does_not_stop_the_others(make_client, connect, usa, ask):
    """The call goes to the next target, and the route says why."""
    client = make_client(connect("http://169.254.169.254/v1"), usa)

    attempts = ask(client).route.attempts

    assert [row.outcome for row in attempts] == ["UntrustedHostError", "ok"]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.7", "192.168.1.9", "172.16.0.1", "::1", "fd12::1", "8.8.8.8"]
)
def test_private_networks_are_allowed(address):
    """Model servers stand in private networks; only link-local and metadata addresses are refused."""
    assert ipaddress.ip_address(address)
    assert not is_unsafe_address(address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status, make_client, seoul, usa, ask):
    """Neither with a key nor without: the answer is invalid."""
    target = {"location": f"{usa.url}/v1/chat/completions"}
    seoul.faults["*"] = Fault.status(status, headers=target)
    client = make_client(seoul, num_retries=0)

    with pytest.raises(InvalidReplyError) as caught:
        ask(client)

    assert caught.value.status == status
    assert (len(seoul.requests), usa.requests) == (1, [])


@pytest.mark.parametrize("kind", ["same host", "no location"])
def test_nor_to_the_same_host(kind, make_client, seoul, ask):
    """A path of the same server is no exception, nor is a redirect to nowhere."""
    seoul.faults["*"] = Fault.redirect() if kind == "same host" else Fault.status(307)

    with pytest.raises(InvalidReplyError):
        ask(make_client(seoul, num_retries=0))

    assert len(seoul.requests) == 1


def test_one_key_may_not_serve_two_hosts(make_client, connect, seoul, usa, ask):
    """The second host gets nothing unless it is named."""
    both = [connect(server, key="sk-shared") for server in (seoul, usa)]
    client = make_client(*both, num_retries=0)
    ask(client, "seoul/gpt-4o")

    with pytest.raises(UntrustedHostError) as caught:
        ask(client, "usa/gpt-4o")

    assert not usa.requests
    assert "sk-shared" not in str(caught.value)
    assert f"allowed_hosts=[{usa.url.removeprefix('http://')!r}]" in str(caught.value)


@pytest.mark.parametrize("form", ["host", "host and port"])
def test_hosts_may_be_allowed(form, make_client, connect, seoul, usa, ask):
    """By name alone or with the port."""
    both = [connect(server, key="sk-shared") for server in (seoul, usa)]
    host = usa.url.removeprefix("http://")
    client = make_client(*both, allowed_hosts=[host if form == "host and port" else "127.0.0.1"])

    ask(client, "seoul/gpt-4o")
    ask(client, "usa/gpt-4o")

    assert usa.requests


def test_allowed_hosts_do_not_allow_metadata(make_client, connect, ask):
    """What no provider has cannot be allowed either."""
    client = make_client(
        connect("http://169.254.169.254/v1"), allowed_hosts=["169.254.169.254"], num_retries=0
    )

    with pytest.raises(UntrustedHostError):
        ask(client)
