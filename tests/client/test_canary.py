"""A secret that is looked for everywhere, and found only at the provider."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import socket
import threading

import pytest
from leaks import everything_of, heard, loudest, shown, sought

from genai_integrations import GenAIClient
from genai_integrations.errors import CallError, GenAIError
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.langfuse import LangfuseStandIn

CANARY = "c4na5ecre7"
PROVIDER_KEY = f"sk-provider-{CANARY}"
HEADER = f"header-{CANARY}"
LANGFUSE_KEY = f"sk-lf-{CANARY}"
PASSWORD = f"password-{CANARY}"
ENCRYPTION_KEY = "c4a5ec" * 10 + "c4a5"
QUESTION = [{"role": "user", "content": "one two three"}]
PLACE = {"project_id": "lab-project", "encryption_key": ENCRYPTION_KEY}
HIDDEN = (
    CANARY,
    ENCRYPTION_KEY,
    base64.b64encode(f"pk-lf-canary:{LANGFUSE_KEY}".encode()).decode(),
    base64.b64encode(f"user:{PASSWORD}".encode()).decode(),
)
TOLD = f"the key {PROVIDER_KEY} with {HEADER} is wrong"

FAULTS = {
    "400": Fault.status(400, message=TOLD),
    "401": Fault.status(401, message=TOLD),
    "404": Fault.status(404, message=TOLD),
    "429": Fault.status(429, message=TOLD),
    "500": Fault.status(500, message=TOLD),
    "hang": Fault.hang(),
    "html": Fault.html(),
    "empty": Fault.empty(),
    "json": Fault.wrong_json(),
    "redirect": Fault.redirect(),
    "error event": Fault.error_event(2),
    "cut before": Fault.cut(0),
    "cut": Fault.cut(2),
    "truncated": Fault.truncated(2),
    "stall": Fault.stall(2),
    "no answer": Fault.no_answer(),
    "reset": Fault.no_answer(reset=True),
}


assert_hidden = sought(*HIDDEN)


@pytest.fixture
def all_logs(caplog):
    """Every logger at its most talkative, asyncio's debug mode included."""
    names = ("genai_integrations", "urllib3", "aiohttp", "asyncio", "psycopg", "langfuse")
    names += ("httpx", "httpcore", "opentelemetry", "urllib3.connectionpool", "aiohttp.client")
    with loudest(caplog, *names):
        yield caplog
    assert_hidden(*heard(caplog))


@pytest.fixture
def client(make_client, connect, seoul):
    """One connection with a secret key and a secret header."""
    headers = json.dumps({"x-secret": HEADER})
    return make_client(
        connect(seoul, key=PROVIDER_KEY, headers=headers), num_retries=0, timeout=0.4
    )


def test_a_call_that_works(client, seoul, ask, all_logs):
    """The key is at the provider, and nowhere in what a program gets or holds."""
    reply = ask(client)

    request = seoul.requests[0]
    assert request.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert request.headers["x-secret"] == HEADER
    held = (client, *client.connections, client.resolve("gpt-4o"), reply, client.check("seoul"))
    for value in held:
        assert_hidden(*shown(value))


def test_a_reply_and_its_dumps(client):
    """Whole replies, chunks, streams and routes, in every form they have."""
    reply = client.completion("gpt-4o", QUESTION)
    stream = client.completion("gpt-4o", QUESTION, stream=True)
    chunks = list(stream)

    assert_hidden(reply.model_dump_json(), repr(reply.model_dump()), str(reply.route))
    assert_hidden(json.dumps(reply.route.as_dict()), repr(stream))
    assert_hidden(*(text for chunk in chunks for text in shown(chunk)))
    assert_hidden(*shown(reply), *shown(stream.route))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_that_fails(fault, client, seoul, ask, all_logs):
    """Not even with the locals of every frame of every error that hangs on the one raised."""
    seoul.faults["*"] = FAULTS[fault]

    with pytest.raises(CallError) as caught:
        ask(client)

    assert seoul.requests[0].headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert_hidden(*everything_of(caught.value))
    assert_hidden(*shown(client))


def test_a_call_that_all_targets_fail(make_client, connect, seoul, usa, ask, all_logs):
    """The error of errors carries only clean ones."""
    seoul.faults["*"], usa.faults["*"] = FAULTS["500"], FAULTS["401"]
    headers = json.dumps({"x-secret": HEADER})
    targets = [connect(server, key=PROVIDER_KEY, headers=headers) for server in (seoul, usa)]
    # One key for two hosts, which only `allowed_hosts` lets pass.
    client = make_client(*targets, num_retries=0, allowed_hosts=["127.0.0.1"])

    with pytest.raises(CallError) as caught:
        ask(client)

    assert_hidden(*everything_of(caught.value))


def _no_such_host(*args, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


NOWHERE = {
    "refused": lambda server: f"{server.refused_url()}/v1",
    "no tls": lambda server: f"https://{server.url.partition('://')[2]}/v1",
    "no such host": lambda server: "http://api.example.invalid/v1",
    "metadata": lambda server: "http://169.254.169.254/v1",
    "no address": lambda server: "ftp://api.example.invalid/v1",
    "no port": lambda server: "http://127.0.0.1:99999/v1",
}


@pytest.mark.parametrize("where", NOWHERE)
def test_a_call_that_gets_nowhere(where, make_client, connect, seoul, ask, all_logs, monkeypatch):
    """The same before there is a connection."""
    client = make_client(
        connect(NOWHERE[where](seoul), key=PROVIDER_KEY, headers=json.dumps({"x-secret": HEADER})),
        num_retries=0,
        timeout=5,
    )
    if where == "no such host":
        monkeypatch.setattr(socket, "getaddrinfo", _no_such_host)

    with pytest.raises(GenAIError) as caught:
        ask(client)

    assert_hidden(*everything_of(caught.value))


@pytest.fixture
def proxied(seoul, monkeypatch):
    """A proxy with a password, which is away."""
    proxy = seoul.refused_url().replace("://", f"://user:{PASSWORD}@")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("HTTPS_PROXY", proxy)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.usefixtures("proxied")
def test_a_proxy_with_a_password(scheme, make_client, connect, ask, all_logs):
    """A proxy's own password is a secret too."""
    client = make_client(
        connect(f"{scheme}://api.example.invalid/v1", key=PROVIDER_KEY), num_retries=0, timeout=5
    )

    with pytest.raises(CallError) as caught:
        ask(client)

    assert_hidden(*everything_of(caught.value), *shown(client))


def test_a_request_that_cannot_be_written(client, ask):
    """A mistake of the program's own is shown without the key as well."""
    with pytest.raises(GenAIError) as caught:
        ask(client, user=object())

    assert_hidden(*everything_of(caught.value))


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_call(stream, client, seoul, all_logs):
    """The frames of the HTTP library that a cancellation passes show a mask."""
    seoul.faults["*"] = Fault.hang()

    async def run():
        asyncio.get_running_loop().set_debug(True)
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION, stream=stream))
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        assert_hidden(repr(task))
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    assert_hidden(*everything_of(asyncio.run(run())))


@pytest.mark.parametrize("stream", [False, True])
def test_an_interrupted_call(stream, make_client, connect, seoul):
    """The same for Ctrl-C and the frames that it passes."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(connect(seoul, key=PROVIDER_KEY))

    def interrupt():
        seoul.wait_for_requests(1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.completion("gpt-4o", QUESTION, stream=stream)
    thread.join()

    assert_hidden(*everything_of(caught.value))


@pytest.fixture
def langfuse():
    """A Langfuse whose secret key is the canary."""
    with LangfuseStandIn("pk-lf-canary", LANGFUSE_KEY) as server:
        yield server


@pytest.fixture
def whole(database, langfuse, seoul, monkeypatch):
    """A client with every secret there is, read from the environment."""
    url = f"{seoul.url}/v1"
    database.insert_connection("seoul", "openai", PROVIDER_KEY, base_url=url, **PLACE)
    address = database.url.replace("@", f":{PASSWORD}@", 1)
    assert PASSWORD in address
    for name, value in {
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": LANGFUSE_KEY,
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_DATABASE_URL": address,
        "LANGFUSE_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    with GenAIClient(llm_connection_names=["seoul"], router_args={"num_retries": 0}) as client:
        yield client


def _break_key(database, langfuse):
    database.update_connection("seoul", secret="-", **(PLACE | {"encryption_key": "0" * 64}))


def _lose_database(database, langfuse):
    database.close()


def _lose_langfuse(database, langfuse):
    langfuse.close()


def _refuse(database, langfuse):
    langfuse.secret_key = "sk-lf-changed"


def _hang_up(database, langfuse):
    langfuse.down = True


def test_a_call_with_every_secret(whole, ask, all_logs):
    """Langfuse's key, the database's password and the encryption key do not show either."""
    ask(whole)

    assert_hidden(*shown(whole))
    assert_hidden(*(text for row in whole.connections for text in shown(row)))


@pytest.mark.parametrize("harm", [_break_key, _lose_database, _lose_langfuse, _refuse, _hang_up])
def test_a_call_whose_key_cannot_be_had(harm, whole, database, langfuse, ask, all_logs):
    """Each way in which a key cannot be had, in every frame's locals."""
    harm(database, langfuse)

    with pytest.raises(GenAIError) as caught:
        ask(whole)

    assert_hidden(*everything_of(caught.value), *shown(whole))


@pytest.mark.usefixtures("hasty_sdk")
@pytest.mark.parametrize("harm", [_lose_langfuse, _refuse, _hang_up])
def test_a_prompt_that_cannot_be_had(harm, database, langfuse, whole, all_logs):
    """The Langfuse SDK's frames and errors show no key of ours."""
    harm(database, langfuse)

    with pytest.raises(GenAIError) as caught:
        whole.get_prompt("greeting")

    assert_hidden(*everything_of(caught.value), *shown(whole))
