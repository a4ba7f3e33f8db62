"""LiteLLM only translates: it keeps nothing, says nothing, asks nobody else, and its calls end when ours do."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from places import KEYS, PLACES, QUESTION

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    AllTargetsFailedError,
    CallError,
    ConfigurationError,
    GenAIError,
    RequestTimeoutError,
    StreamInterruptedError,
    UntrustedHostError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.translated import _has_google_auth

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

CANARY = "c4na5ecre7"
SECRETS = {
    "anthropic": f"sk-ant-{CANARY}",
    "google-ai-studio": f"AIza{CANARY}",
    "bedrock": json.dumps({"accessKeyId": f"AKIA{CANARY}", "secretAccessKey": f"s/{CANARY}"}),
}
ECHOED = {
    "anthropic": f"sk-ant-{CANARY}",
    "google-ai-studio": f"AIza{CANARY}",
    "bedrock": f"AKIA{CANARY} with s/{CANARY}",
}
ONE_OF_EACH = pytest.mark.parametrize(
    "place", ["anthropic", "gemini", "bedrock claude"], indirect=True
)
TWO_WAYS = pytest.mark.parametrize("mode", ["sync", "async stream"], indirect=True)
FAULTS = {
    "none": None,
    "400": Fault.status(400),
    "401": Fault.status(401),
    "500": Fault.status(500),
    "hang": Fault.hang(),
    "html": Fault.html(),
    "wrong json": Fault.wrong_json(),
    "error event": Fault.error_event(0),
    "error event later": Fault.error_event(2),
    "cut": Fault.cut(2),
    "no answer": Fault.no_answer(),
}


_TESTS = str(Path(__file__).parent)


def assert_hidden(*texts):
    """The canary is in none of these; a failure shows where it is."""
    for text in texts:
        at = text.find(CANARY)
        assert at < 0, text[max(at - 400, 0) : at + 60]


def everything_of(error):
    """Tracebacks with locals and reprs of an error and of all that it carries along."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        report = traceback.TracebackException.from_exception(each, capture_locals=True)
        # The frames of the tests know the secrets, of course.
        frames = [row for row in report.stack if not row.filename.startswith(_TESTS)]
        report.stack = traceback.StackSummary.from_list(frames)
        yield "".join(report.format(chain=False))
        yield f"{each!r} {each} {vars(each)!r}"
        waiting += [each.__cause__, each.__context__, *getattr(each, "attempts", ())]


@pytest.fixture
def all_logs(caplog):
    """Every logger at its most talkative, LiteLLM's own and AWS's included."""
    names = ["", *(name for name in logging.root.manager.loggerDict)]
    names += ["LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "botocore", "google.auth"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    quiet = [logging.getLogger(name) for name in names if not logging.getLogger(name).propagate]
    for logger in quiet:
        logger.addHandler(caplog.handler)
    yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    for logger in quiet:
        logger.removeHandler(caplog.handler)


@TWO_WAYS
@pytest.mark.parametrize("fault", FAULTS)
@ONE_OF_EACH
def test_a_key_shows_nowhere(
    fault, place, model, ask, mode, make_client, connect, abroad, all_logs, capfd
):
    """Neither in an error with the locals of every frame, nor in a log, on a stream or in a repr."""
    abroad.api_keys = None
    if FAULTS[fault]:
        # A careless server repeats the key that it was sent.
        told = f"wrong: {ECHOED[place.provider]}" if fault.isdigit() else None
        abroad.faults["*"] = replace(FAULTS[fault], message=told)
    connection = connect(place.provider, key=SECRETS[place.provider])
    client = make_client(connection, timeout=0.4 if fault == "hang" else 20)
    try:
        answer = ask(client, model)
    except GenAIError as error:
        assert_hidden(*everything_of(error))
    else:
        assert_hidden(repr(answer), repr(answer.route.as_dict()))
    shown = capfd.readouterr()

    assert CANARY in repr(abroad.requests[-1].headers) or place.provider == "bedrock"
    assert_hidden(all_logs.text, *(repr(vars(row)) for row in all_logs.records))
    assert_hidden(
        shown.out, shown.err, repr(client), repr(vars(client._router._transport._translated))
    )


@TWO_WAYS
def test_a_service_accounts_key_shows_nowhere(make_client, connect, abroad, account, ask, all_logs):
    """Not even when Google refuses the account while the call is under way."""
    abroad.api_keys = {"somebody else"}
    client = make_client(connect("vertex"))

    with pytest.raises(GenAIError) as caught:
        ask(client, "abroad/gemini-2.5-flash")

    part = account["private_key"].splitlines()[5]
    texts = [*everything_of(caught.value), all_logs.text]
    for text in texts:
        assert part not in text
    assert isinstance(caught.value, CallError)
    assert type(caught.value).__name__ == "AuthenticationError"


GLOBALS = (
    "api_key", "openai_key", "anthropic_key", "api_base", "headers", "callbacks",
    "success_callback", "failure_callback", "input_callback", "_async_success_callback",
    "_async_failure_callback", "cache", "num_retries", "drop_params", "modify_params",
    "telemetry", "model_alias_map", "client_session", "aclient_session", "set_verbose",
    "organization", "vertex_project", "vertex_location", "model_fallbacks",
)  # fmt: skip


def test_no_global_of_litellm_is_set(make_client, connect, abroad):
    """After calls to every provider LiteLLM's module is as it was after its import."""
    import litellm

    before = {name: repr(getattr(litellm, name, None)) for name in GLOBALS}
    environment = dict(os.environ)
    for place in PLACES.values():
        client = make_client(connect(place.provider))
        client.completion(f"abroad/{place.model}", QUESTION)
        list(client.completion(f"abroad/{place.model}", QUESTION, stream=True))

    assert {name: repr(getattr(litellm, name, None)) for name in GLOBALS} == before
    assert dict(os.environ) == environment


@pytest.fixture
def outside(monkeypatch):
    """Addresses and URLs beyond loopback that somebody asked for."""
    asked = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **options):
        if host not in {"127.0.0.1", "localhost", "::1", None}:
            asked.append(host)
            raise socket.gaierror(f"{host} is outside")
        return resolve(host, *args, **options)

    def get(url, *args, **options):
        asked.append(str(url))
        raise httpx.ConnectError("outside")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpx, "get", get)
    return asked


@TWO_WAYS
def test_nobody_else_is_asked(place, ask, make_client, connect, outside):
    """No list of headers, prices or models is fetched, whatever a call uses."""
    from litellm import anthropic_beta_headers_manager as manager

    assert manager._BETA_HEADERS_CONFIG, "read with the import, or a later call fetches it"
    client = make_client(connect(place.provider))
    tool = {
        "type": "function",
        "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
    }
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    seen = [{"role": "user", "content": [{"type": "text", "text": "see"}, picture]}]
    model = f"abroad/{place.model}"
    ask(client, model)
    ask(client, model, tools=[tool], tool_choice="required")
    ask(client, model, seen)
    if "nova" not in place.model:
        ask(client, model, response_format=wanted)
        ask(client, model, reasoning_effort="low", max_tokens=4000)

    assert outside == []


@TWO_WAYS
def test_a_picture_by_its_address_is_not_fetched_from_inside(make_client, connect, ask, home):
    """An address in a message must not make this machine ask a metadata service or the intranet."""
    client = make_client(connect("google-ai-studio"), connect("bedrock", "aws"))
    for model in ("abroad/gemini-2.5-flash", f"aws/{PLACES['bedrock claude'].model}"):
        for url in (f"{home.url}/secret.png", "http://169.254.169.254/latest/meta-data/x.png"):
            picture = {"type": "image_url", "image_url": {"url": url}}
            message = {"role": "user", "content": [{"type": "text", "text": "see"}, picture]}
            with contextlib.suppress(GenAIError):
                ask(client, model, [message])

    assert not home.requests


def test_a_hang_ends_when_we_say(place, model, ask, make_client, connect, abroad):
    """The time-out of the call counts, whatever the way and the provider."""
    abroad.faults[place.model] = Fault.hang()
    client = make_client(connect(place.provider))

    with pytest.raises(RequestTimeoutError):
        ask(client, model, timeout=0.3)

    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
def test_a_stall_ends_when_we_say(place, model, ask, mode, make_client, connect, abroad):
    """After the first content it is the silence that counts."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place.provider))
    kind = StreamInterruptedError if "stream" in mode else RequestTimeoutError

    with pytest.raises(kind) as caught:
        ask(client, model, timeout=0.3)

    if "stream" in mode:
        assert caught.value.partial_text == "abroad says:"
    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
@pytest.mark.parametrize("stream", [False, True])
async def test_cancelling_hangs_up(place, stream, make_client, connect, abroad):
    """Nobody pays for an answer that nobody waits for."""
    abroad.faults[place.model] = Fault.hang()
    client = make_client(connect(place.provider))
    call = client.acompletion(f"abroad/{place.model}", QUESTION, stream=stream)
    task = asyncio.create_task(call)
    while not abroad.requests:  # noqa: ASYNC110  the server is in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, 5)


@ONE_OF_EACH
def test_closing_a_stream_early_hangs_up(place, model, make_client, connect, abroad):
    """So does leaving the loop in the middle of an answer."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place.provider))
    with client.completion(model, QUESTION, stream=True) as stream:
        next(stream)

    assert abroad.requests[-1].disconnected.wait(5)


@ONE_OF_EACH
async def test_closing_an_async_stream_early_hangs_up(place, make_client, connect, abroad):
    """In a running loop too."""
    abroad.faults[place.model] = Fault.stall(2)
    client = make_client(connect(place.provider))
    stream = await client.acompletion(f"abroad/{place.model}", QUESTION, stream=True)
    async with stream:
        await anext(stream)

    assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, 5)


def test_a_stream_that_is_dropped_hangs_up(client, model, abroad, place):
    """A stream that nobody holds any more is closed without being asked."""
    abroad.faults[place.model] = Fault.stall(2)
    stream = client.completion(model, QUESTION, stream=True)
    next(iter(stream))
    del stream
    gc.collect()

    assert abroad.requests[-1].disconnected.wait(5)


def test_twenty_threads(make_client, connect, abroad):
    """Each gets its own answer, from whichever provider it asks."""
    client = make_client(*(connect(name, name) for name in (*KEYS, "vertex")))
    places = list(PLACES.values())
    answers = {}

    def call(at):
        place = places[at % len(places)]
        question = [{"role": "user", "content": f"number {at}"}]
        model = f"{place.provider}/{place.model}"
        if at % 2:
            answers[at] = client.completion(model, question).choices[0].message.content
        else:
            chunks = list(client.completion(model, question, stream=True))
            texts = (chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            answers[at] = "".join(texts)

    threads = [threading.Thread(target=call, args=(at,)) for at in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert answers == {at: f"abroad says: number {at}" for at in range(20)}


def test_ten_loops_one_after_the_other(make_client, connect):
    """A client outlives every `asyncio.run`, and nothing warns about what a loop has left."""
    client = make_client(connect("anthropic"))

    async def call():
        replies = await asyncio.gather(
            *(client.acompletion("abroad/claude-sonnet-4-5", QUESTION) for _ in range(3))
        )
        stream = await client.acompletion("abroad/claude-sonnet-4-5", QUESTION, stream=True)
        return len(replies) + len([chunk async for chunk in stream])

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        assert len({asyncio.run(call()) for _ in range(10)}) == 1


@TWO_WAYS
@pytest.mark.parametrize("where", ["", "http://127.0.0.1:9/"])
def test_redirects_are_not_followed(place, model, ask, make_client, connect, abroad, home, where):
    """A key goes to the address of its connection and nowhere else."""
    url = f"{home.url}/stolen" if where else ""
    abroad.faults[place.model] = Fault.redirect(url)
    client = make_client(connect(place.provider))

    with pytest.raises(GenAIError, match="redirect"):
        ask(client, model)

    assert not home.requests
    assert not any(request.path.startswith("/elsewhere") for request in abroad.requests)


@TWO_WAYS
@pytest.mark.parametrize("provider", ["anthropic", "google-ai-studio", "bedrock", "vertex"])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://[fd00:ec2::254]/", "http://100.100.100.200"]
)
def test_metadata_addresses_are_refused(url, provider, make_client, connect, ask):
    """No provider lives there."""
    model = next(place.model for place in PLACES.values() if place.provider == provider)

    with pytest.raises(UntrustedHostError):
        ask(make_client(connect(provider, url=url)), f"abroad/{model}")


@TWO_WAYS
@ONE_OF_EACH
def test_a_name_that_leads_to_metadata_is_refused(
    place, model, ask, make_client, connect, monkeypatch
):
    """What counts is the address that a name has when the connection is made."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        if host == "provider.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]
        return resolve(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = make_client(connect(place.provider, url="http://provider.example:81"))

    with pytest.raises(UntrustedHostError):
        ask(client, model)


@TWO_WAYS
@ONE_OF_EACH
def test_a_key_stays_with_its_host(place, model, ask, make_client, connect, abroad, home):
    """The second connection with the same key and another host is refused."""
    first, second = connect(place.provider), connect(place.provider, "other", url=home.url)
    client = make_client(first, second)
    ask(client, model)

    with pytest.raises(UntrustedHostError):
        ask(client, f"other/{place.model}")

    assert not home.requests


@TWO_WAYS
def test_vertex_without_google_auth_says_what_to_install(make_client, connect, ask, monkeypatch):
    """The extra has a name, and the message has the command."""
    monkeypatch.setitem(sys.modules, "google.auth", None)
    _has_google_auth.cache_clear()
    client = make_client(connect("vertex"))

    with pytest.raises(ConfigurationError, match=r"pip install 'genai-integrations\[vertex\]'"):
        ask(client, "abroad/gemini-2.5-flash")

    _has_google_auth.cache_clear()


PROGRAM = """
import sys
from genai_integrations import Connection, GenAIClient
url = sys.argv[1]
client = GenAIClient(connections=[Connection.of("a", "anthropic", "sk-ant-api03-example", url)])
ask = lambda: client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "hi"}])
assert ask().choices[0].message.content == "abroad says: hi"
"""
FORK = (
    PROGRAM
    + """
import os
stream = client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b c"}], stream=True)
next(iter(stream))
child = os.fork()
if child == 0:
    good = ask().choices[0].message.content == "abroad says: hi"
    os._exit(0 if good else 7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert len(list(stream)) > 1
assert ask().choices[0].message.content == "abroad says: hi"
"""
)
LEFT_OPEN = (
    PROGRAM
    + """
stream = client.completion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b c"}], stream=True)
next(iter(stream))
"""
)
ASYNC_LEFT = (
    PROGRAM
    + """
import asyncio
async def main():
    stream = await client.acompletion("a/claude-sonnet-4-5", [{"role": "user", "content": "a b"}], stream=True)
    async for chunk in stream:
        break
asyncio.run(main())
"""
)


@pytest.mark.parametrize(
    "program",
    [PROGRAM, FORK, LEFT_OPEN, ASYNC_LEFT],
    ids=["plain", "fork", "stream left open", "async stream left open"],
)
def test_a_program_that_closes_nothing_ends_in_silence(program, abroad):
    """With warnings as errors, the end of the interpreter says nothing, in a forked child neither."""
    quiet = "ignore::UserWarning:pydantic"
    command = [sys.executable, "-W", "error::ResourceWarning", "-W", "error::RuntimeWarning"]
    done = subprocess.run(
        [*command, "-W", quiet, "-c", program, abroad.url],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == ""


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "api_base", "aws_secret_access_key", "aws_bedrock_runtime_endpoint",
        "vertex_credentials", "aws_external_id", "vertex_ai_project", "vertex_ai_location",
        "vertex_ai_credentials", "litellm_credential_name", "use_litellm_proxy",
    ],
)  # fmt: skip
def test_a_call_may_not_redirect_a_key(name, make_client, connect, abroad):
    """LiteLLM's own names for keys and addresses are refused as OpenAI's are."""
    client = make_client(connect("anthropic"))

    with pytest.raises(ConfigurationError):
        client.completion("abroad/claude-sonnet-4-5", QUESTION, **{name: "http://127.0.0.1:9"})

    assert not abroad.requests


@pytest.mark.parametrize(
    ("name", "value"),
    [("mock_response", "mocked"), ("custom_llm_provider", "openai"), ("no-log", False),
     ("caching", True), ("num_retries", 5), ("max_retries", 5), ("fallbacks", ["gpt-4o"]),
     ("metadata", {"a": "b"}), ("litellm_call_id", "x"), ("base_model", "gpt-4")],
)  # fmt: skip
def test_litellms_own_parameters_do_nothing(name, value, make_client, connect, abroad, said):
    """A call cannot switch on what LiteLLM would do by itself: it is refused, or goes to the provider once."""
    abroad.faults["*"] = Fault.status(500)
    client = make_client(connect("anthropic"))

    with pytest.raises(GenAIError):
        client.completion("abroad/claude-sonnet-4-5", QUESTION, **{name: value})

    assert len(said()) <= (1 if name != "num_retries" else 6)


def test_one_dead_of_two_is_not_noticed(make_client, connect, abroad, home):
    """Of 50 calls none fails, though the translated target refuses every one."""
    abroad.faults["*"] = Fault.status(529)
    at_home = Connection.of(
        "home", "openai", "sk-home", f"{home.url}/v1", custom_models=["claude-sonnet-4-5"]
    )
    client = make_client(connect("anthropic"), at_home, cooldown_time=0,
                         fallbacks=[{"abroad/claude-sonnet-4-5": ["home/claude-sonnet-4-5"]}])  # fmt: skip

    served = {
        client.completion("abroad/claude-sonnet-4-5", QUESTION).route.served for _ in range(50)
    }

    assert served == {"home/claude-sonnet-4-5"}


def test_a_key_that_changes_is_used_at_once(connect, abroad):
    """A new row means a new key at the next call; the old one is forgotten."""
    abroad.api_keys = {"new"}
    rows = [[connect("anthropic", key="old")], [connect("anthropic", key="new")]]

    class Store:
        def load(self, names):
            return rows[0]

    with GenAIClient(connections=Store()) as client:
        with pytest.raises((CallError, AllTargetsFailedError)):
            client.completion("abroad/claude-sonnet-4-5", QUESTION)
        rows.pop(0)
        client.refresh()
        assert client.completion("abroad/claude-sonnet-4-5", QUESTION).route.served
