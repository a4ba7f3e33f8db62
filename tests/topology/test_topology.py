"""The real thing: nginx before two gateways of two workers each, Redis, a real model on this machine, a cloud's."""

from __future__ import annotations

import json
import threading

import httpx
import openai
import pytest
from topology import DEPLOY, Gateway, all_at_once, free_port, needs_nginx, nginx, wait_until

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.local_model import LocalModel
from genai_integrations.testing.local_model.model_file import fetch_model
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.redis_server import RedisServer

pytestmark = [pytest.mark.slow, needs_nginx]

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def cloud():
    """Anthropic, as far as the gateways can tell."""
    with ScriptedProvider("cloud") as server:
        yield server


@pytest.fixture(scope="module")
def model():
    """A real language model on this machine, where Ollama would be."""
    with LocalModel(fetch_model()) as server:
        yield server


@pytest.fixture(scope="module")
def redis():
    """The Redis of both gateways."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def hybrid(model, redis, tmp_path_factory):
    """`deploy/litellm-hybrid-config.yaml`, with the addresses of this machine, and a limit beside it."""
    text = (DEPLOY / "litellm-hybrid-config.yaml").read_text("utf-8")
    local = f'api_base: "{model.url.removesuffix("/v1")}"\n      api_key: "os.environ/LOCAL_KEY"'
    port = redis.url.rpartition(":")[2].partition("/")[0]
    for old, new in (
        ("      max_tokens: 4096", "      max_tokens: 4096\n      api_base: os.environ/CLOUD_URL"),
        ('api_base: "http://ollama:11434"', local),
        ("redis_host: redis", f"redis_host: 127.0.0.1\n  redis_port: {port}"),
        ("ollama/llama3.2", "ollama/smollm2-135m"),
    ):
        assert old in text
        text = text.replace(old, new)
    text += "on_limit: fail\nlimits: {'user:kim': {rpm: 5}}\n"
    path = tmp_path_factory.mktemp("hybrid") / "litellm-hybrid-config.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def gateways(hybrid, cloud, model):
    """Two, of two workers each."""
    environ = {
        "ANTHROPIC_API_KEY": "sk-ant-cloud",
        "CLOUD_URL": cloud.url,
        "LOCAL_KEY": model.api_key,
    }
    options = ["--config", str(hybrid), "--no-auth"]
    made = [
        Gateway(free_port(), options, environ, hybrid.with_name(f"gateway-{number}.log"))
        for number in (1, 2)
    ]
    try:
        for gateway in made:
            gateway.start()
        yield made
    finally:
        for gateway in made:
            gateway.close()


@pytest.fixture(scope="module")
def front(gateways):
    """The address of nginx."""
    with nginx(*gateways) as url:
        yield url


@pytest.fixture
def sdk(front):
    """OpenAI's SDK, which asks once."""
    with openai.OpenAI(base_url=front, api_key="any", max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture(autouse=True)
def cloud_is_well(cloud):
    """Each test begins with a cloud that answers."""
    cloud.faults.clear()


def ask(sdk, model="smart", **more):
    return sdk.chat.completions.create(model=model, messages=HELLO, max_tokens=8, **more)


def test_cloud_first(sdk, cloud):
    """`smart` is the cloud's answer; `local` never leaves this machine."""
    assert ask(sdk).choices[0].message.content == "cloud says: Say hello."

    before = len(cloud.requests)
    assert ask(sdk, "local").choices[0].message.content
    assert len(cloud.requests) == before


def test_streams_of_the_local_model(sdk):
    """Token by token, through both."""
    chunks = list(ask(sdk, "local", stream=True))

    assert chunks[-1].choices[0].finish_reason in ("length", "stop")
    assert len([row for row in chunks if row.choices and row.choices[0].delta.content]) > 1


def test_nginx_holds_nothing_back(sdk, cloud):
    """The first words are there while the rest is not yet said."""
    go_on = threading.Event()
    cloud.faults["*"] = Fault.drip(go_on, after=1)
    with ask(sdk, stream=True) as stream:
        first = next(row for row in stream if row.choices[0].delta.content)
        assert not go_on.is_set()
        go_on.set()
        rest = [row.choices[0].delta.content or "" for row in stream if row.choices]

    assert first.choices[0].delta.content + "".join(rest) == "cloud says: Say hello."


def test_a_limit_holds_for_all_workers(sdk, gateways):
    """Five requests a minute are five, whichever of the four workers is asked."""
    results = all_at_once(lambda: ask(sdk, user="kim"), 12)

    refused = [row for row in results if isinstance(row, openai.RateLimitError)]
    assert len(refused) == 7
    assert len(results) - len(refused) == 5


def test_metrics_are_not_for_callers(front):
    """Prometheus asks each gateway."""
    assert httpx.get(f"{front}/metrics").status_code == 404


def test_large_bodies_are_refused_before_they_are_sent(front, cloud):
    """At nginx already."""
    before = len(cloud.requests)
    with httpx.Client() as client:
        answer = client.post(f"{front}/v1/chat/completions", content=b" " * (33 << 20))

    assert answer.status_code == 413
    assert len(cloud.requests) == before


def test_a_graceful_restart_cuts_no_stream(sdk, cloud, gateways, front):
    """While one gateway is replaced, streams are told to their end and new calls are served by the other."""
    go_on = threading.Event()
    cloud.faults["*"] = Fault.drip(go_on, after=1)
    streams = [ask(sdk, stream=True) for _ in range(8)]
    for stream in streams:
        next(row for row in stream if row.choices[0].delta.content)
    cloud.faults.clear()

    for gateway in gateways:
        gateway.drain()
        # From its notice on to the moment when it takes no more connections, and beyond.
        while _is_open(gateway.port):
            assert ask(sdk).choices[0].message.content == "cloud says: Say hello."
        assert ask(sdk).choices[0].message.content == "cloud says: Say hello."
        if gateway is gateways[0]:
            go_on.set()
            told = [
                "".join(row.choices[0].delta.content or "" for row in stream if row.choices)
                for stream in streams
            ]
        assert gateway.process.wait(60) == 0
        gateway.start()

    assert told == [" says: Say hello."] * 8


def _is_open(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=5) is not None
    except httpx.TransportError:
        return False


def test_a_gateway_that_is_killed(sdk, cloud, gateways, front):
    """Takes its open streams with it, and nothing else: others go on, and every later call is served."""
    go_on = threading.Event()
    cloud.faults["*"] = Fault.drip(go_on, after=1)
    streams = [ask(sdk, stream=True) for _ in range(8)]
    for stream in streams:
        next(row for row in stream if row.choices[0].delta.content)
    cloud.faults.clear()

    gateways[0].kill()
    # nginx hears of it before it is asked for more.
    assert httpx.get(f"{front}/health/live").status_code == 200
    results = all_at_once(lambda: ask(sdk), 20)
    go_on.set()
    told = [_rest(stream) for stream in streams]

    assert [row.choices[0].message.content for row in results] == ["cloud says: Say hello."] * 20
    assert 0 < told.count(" says: Say hello.") < 8
    gateways[0].start()


def _rest(stream):
    """The rest of a stream; None where it was cut."""
    try:
        return "".join(row.choices[0].delta.content or "" for row in stream if row.choices)
    except (httpx.HTTPError, openai.APIError):
        return None


def test_a_redis_that_is_killed(sdk, redis):
    """Costs no call, with limits or without; when it is back, calls go on."""
    redis.stop()
    try:
        results = all_at_once(lambda: ask(sdk), 20)
        limited = ask(sdk, user="choi")
    finally:
        redis.start()
    assert [row.choices[0].message.content for row in results] == ["cloud says: Say hello."] * 20
    assert limited.choices[0].message.content
    assert ask(sdk).choices[0].message.content == "cloud says: Say hello."


def test_a_worker_that_is_killed_is_replaced(sdk, gateways):
    """Its gateway goes on with the other one, and has two again."""
    import psutil

    parent = psutil.Process(gateways[1].process.pid)
    victim = _workers(parent)[0]
    victim.kill()
    victim.wait()
    assert ask(sdk).choices[0].message.content == "cloud says: Say hello."

    wait_until(lambda: len(_workers(parent)) == 2, gateways[1].process)
    assert victim.pid not in [row.pid for row in _workers(parent)]


def _workers(parent):
    """The processes that serve; beside them is one that only counts what they share."""
    return [row for row in parent.children() if "spawn_main" in " ".join(row.cmdline())]


def test_local_where_the_cloud_fails(sdk, cloud):
    """Behind whichever worker. Last of the calls here: the cloud is then left alone for a while."""
    cloud.faults["*"] = Fault.status(529)
    told = ask(sdk)

    assert told.choices[0].message.content
    assert told.genai["target"].endswith("smollm2-135m")


def test_the_logs_have_no_key_and_no_words(gateways, model):
    """After all of this."""
    text = "".join(gateway.log.read_text("utf-8") for gateway in gateways)

    for secret in ("sk-ant-cloud", model.api_key, "Say hello", json.dumps(HELLO)):
        assert secret not in text
    assert "Traceback" not in text
