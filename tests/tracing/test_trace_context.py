"""Whose call it is, which prompt it has, and where it stands in a trace."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest
from langfuse import Langfuse, propagate_attributes
from tracing_support import HELLO, WAYS, ask, by_name

from genai_integrations.testing.langfuse import LangfuseStandIn

each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def sdk(langfuse):
    """A program's own Langfuse, of the same project."""
    return Langfuse(
        public_key=langfuse.public_key, secret_key=langfuse.secret_key, base_url=langfuse.host
    )


@each_way
def test_what_a_call_says_of_itself(way, client, provider, only):
    """User, session, tags, trace name and metadata; the provider sees none of it."""
    ask(
        client,
        way,
        langfuse_user_id="kim",
        langfuse_session_id="chat-7",
        langfuse_tags=["a", "b"],
        langfuse_trace_name="translate",
        langfuse_metadata={"experiment": "x", "size": 3},
    )

    generation = only(client)
    assert generation.attributes["user.id"] == "kim"
    assert generation.attributes["session.id"] == "chat-7"
    assert generation.attributes["langfuse.trace.tags"] == ["a", "b"]
    assert generation.attributes["langfuse.trace.name"] == "translate"
    assert generation.metadata["experiment"] == "x"
    assert generation.metadata["size"] == 3
    assert generation["model.parameters"] is None
    assert not any(name.startswith("langfuse") for name in provider.requests[0].body)


def test_a_caller_s_metadata_wins(client, only):
    """A key that the client has as well keeps the caller's value."""
    client.completion("gpt-4o", HELLO, langfuse_metadata={"provider": "mine"})

    assert only(client).metadata["provider"] == "mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("langfuse_tags", 5),
        ("langfuse_tags", "one"),
        ("langfuse_metadata", "text"),
        ("langfuse_prompt", {"name": "greeting", "version": "latest"}),
        ("langfuse_prompt", "greeting"),
        ("langfuse_observation", "text"),
        ("langfuse_user_id", 7),
    ],
)
def test_odd_values_cost_neither_call_nor_record(name, value, client, recorded):
    """Not of this call, and not of the next."""
    client.completion("gpt-4o", HELLO, **{name: value})
    client.completion("gpt-4o", HELLO)

    first, second = recorded(client)
    assert first.json("output") == second.json("output")
    if name == "langfuse_tags":
        assert first.attributes["langfuse.trace.tags"] == [str(value)]
    if name == "langfuse_prompt":
        assert first["prompt.name"] is None


def test_a_value_that_cannot_be_read(client, recorded, caplog):
    """The call is answered and not recorded, and the log says so; the next one is recorded."""

    class Odd:
        def __str__(self):
            raise ValueError("no")

    client.completion("gpt-4o", HELLO, langfuse_user_id=Odd())
    client.completion("gpt-4o", HELLO)

    assert len(recorded(client)) == 1
    assert caplog.messages == ["a call is not recorded: ValueError"]


@each_way
@pytest.mark.parametrize("kind", ["ours", "the SDK's", "dict"])
def test_a_linked_prompt(way, kind, client, langfuse, sdk, recorded):
    """Name and version, of whatever kind of object the prompt is."""
    langfuse.create_prompt("folder/greeting", "Hello!", labels=[])
    langfuse.create_prompt("folder/greeting", "Hello, {{name}}!")
    prompt = {
        "ours": lambda: client.prompt("folder/greeting"),
        "the SDK's": lambda: sdk.get_prompt("folder/greeting"),
        "dict": lambda: {"name": "folder/greeting", "version": 2},
    }[kind]()
    ask(client, way, langfuse_prompt=prompt)

    (generation,) = recorded(client)
    assert generation["prompt.name"] == "folder/greeting"
    assert generation["prompt.version"] == 2


@pytest.mark.parametrize("kind", ["ours", "the SDK's", "dict"])
def test_a_fallback_is_never_linked(kind, client, langfuse, sdk, only):
    """It is in no Langfuse."""
    langfuse.down = kind != "dict"
    prompt = {
        "ours": lambda: client.prompt("none", fallback="Hello!"),
        "the SDK's": lambda: sdk.get_prompt("none", fallback="Hello!", max_retries=0),
        "dict": lambda: {"name": "none", "version": 0},
    }[kind]()
    langfuse.down = False
    client.completion("gpt-4o", HELLO, langfuse_prompt=prompt)

    generation = only(client)
    assert generation["prompt.name"] is None
    assert generation["prompt.version"] is None


@each_way
def test_propagated_attributes(way, client, only):
    """Those of the surrounding `propagate_attributes` reach the generation."""
    with propagate_attributes(
        user_id="kim",
        session_id="chat-7",
        tags=["a"],
        trace_name="translate",
        environment="staging",
        metadata={"experiment": "x"},
        prompt={"name": "greeting", "version": 3},
    ):
        ask(client, way)

    attributes = only(client).attributes
    assert attributes["user.id"] == "kim"
    assert attributes["session.id"] == "chat-7"
    assert attributes["langfuse.trace.tags"] == ["a"]
    assert attributes["langfuse.trace.name"] == "translate"
    assert attributes["langfuse.environment"] == "staging"
    assert attributes["langfuse.trace.metadata.experiment"] == '"x"'
    assert attributes["langfuse.observation.prompt.name"] == "greeting"
    assert attributes["langfuse.observation.prompt.version"] == 3


def test_the_call_wins_over_what_surrounds_it(client, only):
    """What a call says of itself is nearer to it."""
    with propagate_attributes(user_id="kim", prompt={"name": "greeting", "version": 3}):
        client.completion(
            "gpt-4o",
            HELLO,
            langfuse_user_id="lee",
            langfuse_prompt={"name": "other", "version": 1},
        )

    generation = only(client)
    assert generation.attributes["user.id"] == "lee"
    assert (generation["prompt.name"], generation["prompt.version"]) == ("other", 1)


@pytest.mark.parametrize("name", ["LANGFUSE_TRACING_ENVIRONMENT", "LANGFUSE_RELEASE"])
def test_environment_and_release(name, client, only, monkeypatch):
    """From the SDK's own variables."""
    monkeypatch.setenv(name, "staging")
    client.completion("gpt-4o", HELLO)

    generation = only(client)
    key = "langfuse.environment" if "ENVIRONMENT" in name else "langfuse.release"
    assert generation.attributes[key] == "staging"


@each_way
def test_nesting(way, client, sdk, recorded):
    """A call within an observation of the program's own is its child."""
    with sdk.start_as_current_observation(name="mine"):
        ask(client, way)
    ask(client, way)

    inner, mine, alone = recorded(client)
    assert (inner.parent, inner.trace) == (mine.id, mine.trace)
    assert mine.type == "span"
    assert alone.parent is None
    assert alone.trace != mine.trace


def test_nesting_of_many_at_once(client, sdk, recorded):
    """Each task's calls stay in its own observation."""

    async def one(number):
        with sdk.start_as_current_observation(name=f"task {number}"):
            messages = [{"role": "user", "content": f"task {number}"}]
            await client.acompletion("gpt-4o", messages)
            async for _ in await client.acompletion("gpt-4o", messages, True):
                await asyncio.sleep(0)

    async def run():
        await asyncio.gather(*map(one, range(5)))

    asyncio.run(run())

    observations = recorded(client)
    tasks = {row.id: row.name for row in observations if row.type == "span"}
    inner = [row for row in observations if row.type == "generation"]
    assert len(tasks) == 5
    assert len(inner) == 10
    assert all(tasks[row.parent] == row.json("input")[0]["content"] for row in inner)


def test_nesting_in_threads(client, sdk, recorded):
    """A thread that was given the context nests; another one does not."""
    with sdk.start_as_current_observation(name="mine"), ThreadPoolExecutor() as pool:
        context = contextvars.copy_context()
        pool.submit(context.run, client.completion, "gpt-4o", HELLO).result()
        pool.submit(client.completion, "gpt-4o", HELLO).result()

    inside, outside, mine = recorded(client)
    assert inside.parent == mine.id
    assert outside.parent is None


def test_attempts_do_not_nest_in_the_caller(make_client, sdk, recorded):
    """They belong to the generation, wherever it stands."""
    client = make_client(trace_attempts=True)
    with sdk.start_as_current_observation(name="mine"):
        client.completion("gpt-4o", HELLO)

    rows = by_name(recorded(client))
    assert rows["home/gpt-4o"].parent == rows["genai-completion"].id
    assert rows["genai-completion"].parent == rows["mine"].id


@each_way
def test_an_open_observation(way, client, sdk, only):
    """A call is written on the observation it is given, which its owner ends."""
    with sdk.start_as_current_observation(name="mine", as_type="generation") as mine:
        ask(client, way, langfuse_observation=mine, langfuse_user_id="kim")

    generation = only(client)
    assert (generation.name, generation.type) == ("mine", "generation")
    assert generation.json("output")["content"] == "provider says: Hello!"
    assert generation.attributes["user.id"] == "kim"


def test_an_observation_that_has_ended(client, sdk, recorded):
    """Nothing can be written on it, so the call has its own."""
    mine = sdk.start_observation(name="mine", as_type="generation")
    mine.end()
    client.completion("gpt-4o", HELLO, langfuse_observation=mine)

    assert [row.name for row in recorded(client)] == ["mine", "genai-completion"]


def test_an_observation_of_another_project(client, recorded):
    """The call is recorded in the project of the client that made it."""
    with LangfuseStandIn(public_key="pk-lf-other") as other:
        theirs = Langfuse(
            public_key=other.public_key, secret_key=other.secret_key, base_url=other.host
        )
        with theirs.start_as_current_observation(name="theirs", as_type="generation") as row:
            client.completion("gpt-4o", HELLO, langfuse_observation=row)
        theirs.flush()
        (there,) = recorded(client, other)
        (here,) = recorded(client)

    assert (here.name, there.name) == ("genai-completion", "theirs")
    assert there["output"] is None
    assert here.json("output")["content"] == "provider says: Hello!"
