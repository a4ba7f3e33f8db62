"""A gateway as a real server: in a thread, or as the command that starts it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime as dt
import json
import os
import queue
import re
import ssl
import subprocess
import sys
import threading

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from genai_integrations.gateway.app import build_app
from genai_integrations.gateway.serving import configured, listening


@contextlib.contextmanager
def served(options):
    """A worker on loopback with these options; gives its address. What is under way when it ends is waited for."""
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = _Server(configured(lambda: build_app(options)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        thread.join()


class _Server(uvicorn.Server):
    """Ends when it is told to, where uvicorn's would look ten times a second whether it is."""

    def __init__(self, config):
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop = concurrent.futures.Future()

    async def main_loop(self):
        await self.on_tick(0)
        self._loop.set_result(asyncio.get_running_loop())
        await self._told.wait()

    def end(self):
        """From another thread."""
        self._loop.result().call_soon_threadsafe(self._told.set)


SITE = """\\
import json, os, socket

LEADS = json.loads(os.environ["TEST_LEADS"])
found = socket.getaddrinfo

def getaddrinfo(host, port, *args, **kwargs):
    where = LEADS.get(f"{host}:{port}")
    return found("127.0.0.1", where, *args, **kwargs) if where else found(host, port, *args, **kwargs)

socket.getaddrinfo = getaddrinfo
"""
"""What every Python of a test does first: look names up as the test says, as a machine's hosts file would."""


class Command:
    """`genai gateway` as a process of its own.

    Attributes:
        process: The process.
        said: What it has printed so far.
        url: Where it serves, with the name `localhost`; empty if it did not start.
    """

    def __init__(self, process):
        self.process = process
        self.said = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self._started.wait(60)
        self.url = next(iter(re.findall(r"http://localhost:\d+", "".join(self.said))), "")

    def end(self):
        """Tell it to end, and wait until it has; its exit code."""
        self.process.terminate()
        code = self.process.wait(60)
        self._thread.join()
        return code

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("Try: "):
                self._started.set()
        self._started.set()


@contextlib.contextmanager
def command(folder, *arguments, environ=(), leads=None):
    """Start `genai gateway` with these arguments; gone with the block.

    Args:
        folder: For files of the test.
        arguments: Of the command.
        environ: Variables beside the process's own.
        leads: For `host:port`, the port on loopback where that is.
    """
    (folder / "sitecustomize.py").write_text(SITE, "utf-8")
    environment = {
        **os.environ,
        **dict(environ),
        "TEST_LEADS": json.dumps(leads or {}),
        "PYTHONPATH": os.pathsep.join((str(folder), *sys.path)),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "genai_integrations.cli", "gateway", "--port=0", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        made = Command(process)
        try:
            yield made
        except BaseException as error:
            error.add_note("".join(made.said)[-5000:])
            raise
        finally:
            made.end()


@contextlib.contextmanager
def with_tls(port, host, folder):
    """What listens at a port of loopback, behind TLS as this host; gives the new port and the authority's file."""
    certificate, key = certificate_of(host, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ports = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def relay(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    async def run():
        async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context) as server:
            ports.put(server.sockets[0].getsockname()[1])
            await ending.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        yield ports.get(), certificate
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _copy(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


def certificate_of(host, folder):
    """A certificate of a host that vouches for itself, and its key, in files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private
