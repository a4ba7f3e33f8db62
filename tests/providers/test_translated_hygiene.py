"""LiteLLM only translates: threads, loops, retries and settings stay ours."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings

import pytest
from places import KEYS, PLACES, QUESTION, TWO_WAYS

from genai_integrations import Connection
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.testing.faults import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]


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
def test_vertex_without_google_auth_says_what_to_install(make_client, connect, ask, monkeypatch):
    """The extra has a name, and the message has the command."""
    monkeypatch.setitem(sys.modules, "google.auth", None)
    client = make_client(connect("vertex"))

    with pytest.raises(ConfigurationError, match=r"pip install .*\[vertex\]'$"):
        ask(client, "abroad/gemini-2.5-flash")


@pytest.mark.usefixtures("no_backoff")
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
