"""Encrypted connections, and connections through a proxy, with real handshakes on this machine."""

from __future__ import annotations

import base64
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from genai_integrations.errors import APIConnectionError, CallError, ConfigurationError
from genai_integrations.runtime import network
from genai_integrations.transports.http import async_http, sync_http

HOST = "api.example.invalid"
"""A host that only a proxy can find."""

CONTENT = {
    False: (b"application/json", b'{"choices": [{"index": 0, "message": {"content": "hi"}}]}'),
    True: (
        b"text/event-stream",
        b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}}]}\n\ndata: [DONE]\n\n',
    ),
}
ANSWERS = {
    stream: b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
    % (kind, len(content), content)
    for stream, (kind, content) in CONTENT.items()
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for `localhost` and `HOST`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(params=["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def trusted(certificate, monkeypatch, request):
    """The certificate is the only one that the system trusts, by either variable."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(request.param, str(certificate))
    network.tls_context.cache_clear()
    yield
    network.tls_context.cache_clear()


@pytest.fixture
def secured(certificate):
    """Make the server's end of an encrypted connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda connection: context.wrap_socket(connection, server_side=True)


def _answer(server, connection):
    while server.read(connection):
        connection.sendall(ANSWERS[b'"stream":true' in server.requests[-1][1]])


def _serve_secured(secured):
    def handle(server, connection, number):
        with secured(connection) as tls:
            server.also_cut(tls)
            _answer(server, tls)

    return handle


@pytest.mark.usefixtures("trusted")
def test_a_trusted_host(mode, attempt, connect, raw_server, secured):
    """The handshake, the request and the answer; for a thread, the second call on the same connection."""
    server = raw_server(_serve_secured(secured))
    url = server.url.replace("http://127.0.0.1", "https://localhost")

    for _ in range(2):
        assert "hi" in repr(attempt(connect(url)))

    assert [head.split(b" ", 2)[1] for head, _ in server.requests] == [b"/v1/chat/completions"] * 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
def test_a_trusted_host_that_refuses_before_it_has_read(
    mode, attempt, connect, raw_server, secured
):
    """What it said is told, and not that it hung up on the rest of the request."""

    def handle(server, connection, number):
        # Else the kernel may keep the answer back behind what the handshake sent, and drops it with the hang-up.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with secured(connection) as tls:
            server.also_cut(tls)
            tls.recv(1024)
            tls.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")

    url = raw_server(handle).url.replace("http://127.0.0.1", "https://localhost")

    with pytest.raises(Exception, match="413"):
        attempt(connect(url), user="x" * 8_000_000)


@pytest.mark.parametrize("what", ["absent", "empty"])
def test_a_bundle_that_cannot_be_read(what, attempt, connect, tmp_path, monkeypatch):
    """It is told with its variable; nothing is trusted in its place."""
    path = tmp_path / "bundle.pem"
    if what == "empty":
        path.write_text("")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    network.tls_context.cache_clear()

    with pytest.raises(ConfigurationError, match=r"REQUESTS_CA_BUNDLE is .*bundle\.pem.*unset it"):
        attempt(connect("https://localhost:1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_host_that_nobody_vouches_for(
    host, attempt, connect, raw_server, secured, certificate, request, monkeypatch
):
    """A certificate for another name, or of nobody that is trusted: nothing is sent."""
    if host == "127.0.0.1":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        network.tls_context.cache_clear()
        request.addfinalizer(network.tls_context.cache_clear)
    received = []

    def handle(server, connection, number):
        try:
            with secured(connection) as tls:
                received.append(tls.recv(1))
        except ssl.SSLError:
            received.append(b"")

    url = raw_server(handle).url.replace("http://127.0.0.1", f"https://{host}")

    with pytest.raises(APIConnectionError, match=r"cannot connect: .*(?i:certificate)"):
        attempt(connect(url))
    assert b"".join(received) == b""


def test_a_handshake_that_takes_too_long(attempt, connect, raw_server, monkeypatch):
    """It is told as that, and not as the answer's whole time, which is not over."""
    for module in (async_http, sync_http):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.05)
    server = raw_server(lambda server, connection, number: server.closing.wait(10))

    with pytest.raises(APIConnectionError, match=r"cannot connect within 0\.05 s \(localhost:"):
        attempt(connect(server.url.replace("http://127.0.0.1", "https://localhost")))


@pytest.fixture
def through(monkeypatch):
    """Have the environment name a proxy, with a password that must be encoded in a URL."""

    def through(url, scheme):
        address = url.removesuffix("/v1").replace("://", "://me:p%40ss@")
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

    return through


AUTHORIZATION = b"basic " + base64.b64encode(b"me:p@ss").lower()


def test_a_proxy_that_forwards(mode, attempt, connect, raw_server, through):
    """It is told the whole address, and the provider's name as the host."""
    server = raw_server(lambda server, connection, number: _answer(server, connection))
    through(server.url, "http")

    assert "hi" in repr(attempt(connect(f"http://{HOST}/v1?a=b")))

    lines = server.requests[0][0].split(b"\r\n")
    headers = [line.lower() for line in lines[1:]]
    assert lines[0] == b"POST http://%b/v1/chat/completions?a=b HTTP/1.1" % HOST.encode()
    assert b"host: " + HOST.encode() in headers
    assert b"proxy-authorization: " + AUTHORIZATION in headers


@pytest.mark.usefixtures("trusted")
def test_a_proxy_that_leads_through(mode, attempt, connect, raw_server, secured, through):
    """An encrypted connection goes through it: it sees the host and its own password, and no key."""

    def handle(server, connection, number):
        assert server.read(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with secured(connection) as tls:
            server.also_cut(tls)
            _answer(server, tls)

    server = raw_server(handle)
    through(server.url, "https")

    assert "hi" in repr(attempt(connect(f"https://{HOST}/v1", key="sk-secret")))

    (asked, _), (request, _) = server.requests
    assert asked.split(b"\r\n")[0].split(b" ")[:2] == [b"CONNECT", f"{HOST}:443".encode()]
    assert b"proxy-authorization: " + AUTHORIZATION in asked.lower()
    assert b"sk-secret" not in asked
    assert request.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"proxy-authorization" not in request.lower()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses(scheme, attempt, connect, raw_server, through):
    """What it says is told."""

    def handle(server, connection, number):
        if server.read(connection):
            refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
            connection.sendall(refusal)

    through(raw_server(handle).url, scheme)

    with pytest.raises(CallError, match="407"):
        attempt(connect(f"{scheme}://{HOST}/v1"))


@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
@pytest.mark.parametrize(
    "address",
    [
        "socks5://me:swordfish@127.0.0.1:1",
        "http://me:swordfish@127.0.0.1:99999",
        "http://me:swordfish@127.0.0.1:eighty",
        "http://me:swordfish@[::1:80",
    ],
)
def test_a_proxy_of_another_kind(address, attempt, connect, monkeypatch):
    """Only HTTP proxies are spoken to; the password of one that is none is not told."""
    monkeypatch.setenv("HTTPS_PROXY", address)

    with pytest.raises(APIConnectionError, match="not an http://") as caught:
        attempt(connect(f"https://{HOST}/v1"))
    assert "swordfish" not in str(caught.value)
