"""The gateway of a team: Langfuse's key pairs, its database, Redis, two gateways of two workers, and nginx."""

from __future__ import annotations

import itertools

import openai
import pytest
from topology import Gateway, all_at_once, free_port, needs_nginx, nginx

from genai_integrations.testing.langfuse import LangfuseStandIn
from genai_integrations.testing.postgres import LangfuseDatabase
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.redis_server import RedisServer

pytestmark = [pytest.mark.slow, needs_nginx]

HELLO = [{"role": "user", "content": "Say hello."}]
ENCRYPTION_KEY = "5a" * 32
PAIR = ("pk-lf-team", "sk-lf-team-secret")
ROUNDS = 50


@pytest.fixture(scope="module")
def cloud():
    """The provider of the team's connection, which takes its key alone."""
    with ScriptedProvider("cloud", api_keys={"sk-team"}) as server:
        yield server


@pytest.fixture(scope="module")
def langfuse():
    """Their Langfuse."""
    with LangfuseStandIn(*PAIR, project_id="team") as server:
        yield server


@pytest.fixture(scope="module")
def redis():
    """Theirs too."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def environ(cloud, langfuse, redis):
    """What `deploy/kubernetes/gateway.env.example` and the manifest name."""
    with LangfuseDatabase() as database:
        database.insert_connection(
            "seoul",
            "openai",
            "sk-team",
            project_id="team",
            encryption_key=ENCRYPTION_KEY,
            base_url=f"{cloud.url}/v1",
        )
        yield {
            "LANGFUSE_HOST": langfuse.host,
            "LANGFUSE_DATABASE_URL": database.url,
            "LANGFUSE_ENCRYPTION_KEY": ENCRYPTION_KEY,
            "GENAI_GATEWAY_KEYS": redis.url,
            "LANGFUSE_FLUSH_INTERVAL": "0.1",
        }


@pytest.fixture(scope="module")
def gateways(environ, tmp_path_factory):
    """Two, of two workers each."""
    logs = tmp_path_factory.mktemp("team")
    made = [Gateway(free_port(), [], environ, logs / f"gateway-{at}.log") for at in (1, 2)]
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


def asking(front, pair=PAIR):
    """Ask once, over a connection of its own."""

    def ask():
        with openai.OpenAI(
            base_url=front, api_key=":".join(pair), max_retries=0, timeout=60
        ) as sdk:
            return sdk.chat.completions.create(model="gpt-4o", messages=HELLO)

    return ask


def wait_for(condition, act):
    """Act until it is so."""
    for _ in range(ROUNDS):
        if condition():
            return
        act()
    raise AssertionError("it never came so far")


def test_a_key_pair_is_all_that_a_caller_has(front, langfuse):
    """Its project's connections serve, with a key that no caller sees; the call is recorded in its project."""
    told = asking(front)()

    assert told.choices[0].message.content == "cloud says: Say hello."
    assert told.genai["target"] == "seoul/gpt-4o"
    wait_for(lambda: langfuse.spans, asking(front))


@pytest.mark.parametrize(
    "pair", [("pk-lf-team", "sk-lf-wrong"), ("pk-lf-other", "sk-lf-other"), ("", "")]
)
def test_others_are_refused(front, pair, cloud):
    """By each gateway, and no provider hears of it."""
    before = len(cloud.requests)
    for result in all_at_once(asking(front, pair), 4):
        assert isinstance(result, openai.AuthenticationError)
    assert len(cloud.requests) == before


def test_langfuse_is_away(front, langfuse):
    """Whom a worker knows is served on; whom it does not know is told to come again."""
    asked = itertools.count()
    # Each of the four workers has asked about the pair once.
    wait_for(
        lambda: (
            len([row for row in langfuse.requests if row.path == "/api/public/projects"]) >= 4
            and next(asked) > 3
        ),
        lambda: all_at_once(asking(front), 16),
    )
    langfuse.down = True
    try:
        results = all_at_once(asking(front), 20)
        (stranger,) = all_at_once(asking(front, ("pk-lf-new", "sk-lf-new")), 1)
    finally:
        langfuse.down = False

    assert [row.choices[0].message.content for row in results] == ["cloud says: Say hello."] * 20
    assert isinstance(stranger, openai.InternalServerError)
    assert stranger.status_code == 503


def test_a_redis_that_is_killed_costs_no_call(front, redis):
    """Key pairs are Langfuse's, and limits go on with what each worker knows."""
    redis.stop()
    try:
        results = all_at_once(asking(front), 20)
    finally:
        redis.start()
    assert [row.choices[0].message.content for row in results] == ["cloud says: Say hello."] * 20


def test_the_logs_have_no_key(gateways, environ):
    """Nor the database's address, nor what was said."""
    text = "".join(gateway.log.read_text("utf-8") for gateway in gateways)

    for secret in ("sk-lf-team", "sk-lf-wrong", "sk-team", ENCRYPTION_KEY, "Say hello"):
        assert secret not in text
    assert environ["LANGFUSE_DATABASE_URL"] not in text
    assert "Traceback" not in text
