"""`LANGFUSE_DATABASE_URL` as Langfuse's own `DATABASE_URL` may be: every parameter has a meaning, or an error."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from genai_integrations.connections.langfuse.address import read_address
from genai_integrations.errors import CredentialStoreError

BASE = "postgresql://reader:pw@db.example:6432/langfuse"


def options(query):
    """What is said to libpq beyond the plain address, None where it may not be connected."""
    address = read_address(f"{BASE}?{query}")
    if isinstance(address, str):
        return None
    known = {"user": "reader", "password": "pw", "host": "db.example", "port": "6432", "dbname": "langfuse"}  # fmt: skip
    return {name: value for name, value in address.options.items() if known.get(name) != value}


DEFAULTS = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
TAKEN = {
    "": {},
    "application_name=langfuse": {"application_name": "langfuse"},
    "connect_timeout=300": {"connect_timeout": "300"},
    "tcp_user_timeout=1": {"tcp_user_timeout": "1"},
    "options=-c%20search_path%3Dx": {"options": "-c search_path=x"},
    "channel_binding=require&sslmode=require": {"channel_binding": "require", "sslmode": "require"},
    "target_session_attrs=read-write": {"target_session_attrs": "read-write"},
    "connection_limit=5&pool_timeout=0&pgbouncer=true&statement_cache_size=0": {},
    "socket_timeout=3&max_connection_lifetime=1&max_idle_connection_lifetime=2": {},
    "single_use_connections=true": {},
    "schema=public": {},
    "sslmode=no-verify": {"sslmode": "require"},
    "ssl=true": {"sslmode": "require"},
    "ssl=false": {"sslmode": "disable"},
    "ssl=true&sslmode=verify-full": {"sslmode": "verify-full"},
    "sslmode=&sslcert=": {},
    "sslcert=/ca.pem&sslmode=require": {"sslrootcert": "/ca.pem", "sslmode": "require"},
    "sslcert=/ca.pem&sslaccept=accept_invalid_certs": {},
    "sslcert=/c.crt&sslkey=/c.key": {"sslcert": "/c.crt", "sslkey": "/c.key"},
    "sslcert=/c.crt&sslrootcert=/ca.pem": {"sslcert": "/c.crt", "sslrootcert": "/ca.pem"},
    "sslaccept=strict&sslcert=/ca.pem": {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    "sslaccept=strict&sslmode=prefer&sslrootcert=/r.pem": {"sslmode": "verify-full", "sslrootcert": "/r.pem"},
    "sslaccept=strict&sslmode=verify-ca&sslcert=/ca.pem": {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    "sslmode=disable&sslidentity=/c.p12&sslpassword=x": {"sslmode": "disable", "sslpassword": "x"},
}  # fmt: skip


@pytest.mark.parametrize(("query", "wanted"), TAKEN.items(), ids=TAKEN)
def test_parameters_with_a_meaning(query, wanted):
    """Prisma's words become libpq's, and check no less; what concerns a pool concerns nobody here."""
    assert options(query) == DEFAULTS | wanted


def test_strict_means_the_systems_authorities(monkeypatch):
    """Without a file of its own; certifi's where the system has none."""
    paths = ssl.get_default_verify_paths()
    for known, wanted in (("/etc/roots.pem", "/etc/roots.pem"), (None, "cacert.pem")):
        monkeypatch.setattr(
            ssl, "get_default_verify_paths", lambda known=known: paths._replace(cafile=known)
        )
        found = options("sslaccept=strict")
        assert found["sslmode"] == "verify-full"
        assert found["sslrootcert"].endswith(wanted)


REFUSED = {
    "sslmode=disable&sslaccept=strict": "sslaccept=strict: write sslmode=verify-full",
    "sslaccept=yes": "sslaccept is strict or accept_invalid_certs",
    "sslidentity=/c.p12&sslpassword=CANARY": "sslidentity is a PKCS#12 file",
    "ssl=CANARY": "ssl is true or false",
    "host_header=CANARY": "has host_header, a parameter that neither libpq nor Prisma has",
    "sslmod=verify-full": "has sslmod,",
    "pass%20CANARY=x": "has ?,",
}


@pytest.mark.parametrize(("query", "said"), REFUSED.items(), ids=REFUSED)
def test_parameters_without_one(query, said):
    """The error names the parameter, says what to write, and repeats no value."""
    reason = read_address(f"{BASE}?{query}")

    assert said in reason
    assert reason.startswith("LANGFUSE_DATABASE_URL")
    assert "CANARY" not in reason


def test_secrets_are_masked():
    """Those of TLS and of other ways to log in too."""
    address = read_address(
        f"{BASE}?sslkey=/k&sslcert=/c&sslpassword=CANARY1&scram_client_key=CANARY2"
    )

    assert "CANARY" not in repr(address)
    assert "'pw'" not in repr(address)
    assert address.secrets == ["pw", "CANARY1", "CANARY2"]


@pytest.mark.parametrize(
    "query",
    [
        "application_name=langfuse",
        "fallback_application_name=x",
        "connect_timeout=3",
        "tcp_user_timeout=5000",
        "sslmode=prefer&sslcert=/no/ca.pem",
        "sslmode=disable&connection_limit=5&socket_timeout=30",
    ],
)
def test_it_connects(postgres, make_store, query):
    """With parameters that the product sets itself, too."""
    assert len(make_store(f"{postgres.url}&{query}").load(None)) == 15


@pytest.fixture
def answer_tls():
    """A server that answers a wish for TLS with one letter, `N` for no, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(letter):
            def one():
                taken, _ = listening.accept()
                with taken:
                    taken.recv(8)
                    taken.sendall(letter)

            threading.Thread(target=one, daemon=True).start()
            return f"postgresql://reader@127.0.0.1:{listening.getsockname()[1]}/langfuse"

        yield serve


@pytest.mark.parametrize(
    ("query", "letter", "said"),
    [
        ("sslmode=require", b"N", "it has no TLS: write sslmode=disable"),
        ("sslmode=no-verify", b"N", "it has no TLS: write sslmode=disable"),
        ("sslaccept=strict", b"N", "it has no TLS: write sslmode=disable"),
        ("sslaccept=strict&sslcert=/no/ca.pem", b"S", "the file of sslrootcert (in Prisma's words sslcert)"),
    ],
)  # fmt: skip
def test_tls_that_cannot_be(answer_tls, make_store, query, letter, said):
    """A server without it, and files that are not there: the error names the parameter to change."""
    with pytest.raises(CredentialStoreError) as caught:
        make_store(f"{answer_tls(letter)}?{query}").load(None)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [("sslmode=bad", "sslmode is disable, prefer"), ("connect_timeout=soon", "connect_timeout")],
)
def test_values_that_libpq_refuses(postgres, make_store, query, said):
    """In one line, with the parameter's name."""
    with pytest.raises(CredentialStoreError, match=said):
        make_store(f"{postgres.url}&{query}").load(None)
