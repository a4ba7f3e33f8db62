"""Prompts are kept, renewed behind the scenes, and used on while Langfuse is away."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import uuid

import pytest
from prompt_support import WaitingLangfuse, until

from genai_integrations import GenAIClient
from genai_integrations.errors import (
    ConfigurationError,
    PromptError,
    PromptNotFoundError,
    PromptVariableError,
)
from genai_integrations.prompts import cache


@pytest.fixture
def waiting():
    """A Langfuse that answers nothing until it is told to."""
    with WaitingLangfuse(f"pk-lf-{uuid.uuid4()}") as server:
        server.create_prompt("greeting", "Hello!")
        yield server
        server.gate.set()


@pytest.fixture
def waiting_client(waiting):
    """Its client."""
    with GenAIClient(waiting.public_key, waiting.secret_key, waiting.host) as client:
        yield client


@pytest.fixture
def impatient(monkeypatch):
    """A Langfuse that failed is asked again at once."""
    monkeypatch.setattr(cache, "PAUSE", 0)


def test_fifty_threads_fetch_once(waiting, waiting_client):
    """One asks, the others wait for its answer; all get it."""
    barrier = threading.Barrier(51, timeout=20)
    found = []

    def get():
        barrier.wait()
        found.append(waiting_client.get_prompt("greeting"))

    threads = [threading.Thread(target=get) for _ in range(50)]
    for thread in threads:
        thread.start()
    barrier.wait()
    waiting.gate.set()
    for thread in threads:
        thread.join()

    assert found == ["Hello!"] * 50
    assert len(waiting.requests) == 1


def test_a_loop_goes_on_while_a_prompt_is_fetched(waiting, waiting_client):
    """Twenty tasks want it, one of them gives up; there is one request, and the loop is never blocked."""

    async def main():
        tasks = [asyncio.create_task(waiting_client.aget_prompt("greeting")) for _ in range(20)]
        while not waiting.requests:  # noqa: ASYNC110  counted by another thread
            await asyncio.sleep(0.002)  # only a loop that is not blocked gets here
        tasks[0].cancel()
        tasks[5].cancel()
        await asyncio.sleep(0)
        waiting.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(main())

    assert [text for text in found if text == "Hello!"] == ["Hello!"] * 18
    assert [type(found[0]), type(found[5])] == [asyncio.CancelledError] * 2
    assert len(waiting.requests) == 1


def test_threads_and_tasks_share_a_failure(langfuse, client):
    """Whoever waits for the same fetch gets an error of its own."""
    langfuse.down = True

    async def main():
        given = [client.aget_prompt("greeting") for _ in range(5)]
        return await asyncio.gather(*given, return_exceptions=True)

    errors = asyncio.run(main())

    assert {str(error) for error in errors} == {str(errors[0])}
    assert "HTTP 503" in str(errors[0])
    assert len(set(map(id, errors))) == 5
    assert len(langfuse.requests) == 1


def test_moving_a_label_changes_later_calls(always_stale, langfuse, client):
    """Without a deploy: what is old is given once more, while the new one is fetched."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting") == "one"
    langfuse.create_prompt("greeting", "two")

    assert client.get_prompt("greeting") == "one"
    until(lambda: client.get_prompt("greeting") == "two")
    langfuse.move_label("greeting", 1)
    until(lambda: client.get_prompt("greeting") == "one")


def test_nobody_waits_for_a_renewal(always_stale, waiting, waiting_client):
    """What is kept is given at once, to threads and to loops, while Langfuse has not answered yet."""
    waiting.gate.set()
    assert waiting_client.get_prompt("greeting") == "Hello!"
    waiting.gate.clear()

    assert waiting_client.get_prompt("greeting") == "Hello!"
    assert asyncio.run(waiting_client.aget_prompt("greeting")) == "Hello!"
    assert [row for row in threading.enumerate() if row.name == "genai-prompts"]  # it still waits
    until(lambda: len(waiting.requests) == 2)


def test_a_minute_passes_between_renewals(langfuse, client):
    """By default a prompt is fetched once for many calls."""
    langfuse.create_prompt("greeting", "one")

    assert {client.get_prompt("greeting") for _ in range(20)} == {"one"}
    assert len(langfuse.requests) == 1


def test_a_pinned_version_is_fetched_once(always_stale, langfuse, client):
    """It cannot change."""
    langfuse.create_prompt("greeting", "one")

    assert {client.get_prompt("greeting", version=1) for _ in range(20)} == {"one"}
    assert not [row for row in threading.enumerate() if row.name == "genai-prompts"]
    assert len(langfuse.requests) == 1


def test_no_label_is_production(langfuse, client):
    """Both ways to say it are one prompt, fetched once."""
    langfuse.create_prompt("greeting", "one")

    assert client.get_prompt("greeting") == client.get_prompt("greeting", label="production")
    assert len(langfuse.requests) == 1


def test_names_with_a_common_beginning_are_strangers(langfuse, client):
    """The SDK takes one for the other where it forgets them."""
    langfuse.create_prompt("p", "one")
    langfuse.create_prompt("p-two", "other")

    assert (client.get_prompt("p"), client.get_prompt("p-two")) == ("one", "other")


def test_refresh_waits_for_what_langfuse_has_now(langfuse, client):
    """After `client.refresh()` the next call is up to date."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting") == "one"
    langfuse.create_prompt("greeting", "two")

    client.refresh()

    assert client.get_prompt("greeting") == "two"


def test_a_prompt_that_is_gone_is_gone(always_stale, langfuse, client):
    """A renewal that finds nothing forgets it, and the next call says so."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting") == "one"
    langfuse.delete_prompt("greeting")

    def is_gone():
        try:
            client.get_prompt("greeting")
        except PromptNotFoundError:
            return True
        return False

    until(is_gone)


@pytest.mark.parametrize("way", ["down", "closed", "refused"])
def test_the_last_good_version_is_used_on(way, langfuse, client, always_stale, impatient, caplog):
    """While Langfuse is away; that is told once."""
    langfuse.create_prompt("greeting", "one")
    client = GenAIClient(langfuse.public_key, langfuse.secret_key, langfuse.host)
    assert client.get_prompt("greeting") == "one"
    langfuse.create_prompt("greeting", "two")
    if way == "closed":
        langfuse.close()
    elif way == "refused":
        langfuse.secret_key = "another"
    langfuse.down = way == "down"

    until(lambda: client.get_prompt("greeting") == "one" and caplog.records)
    for _ in range(5):
        assert client.get_prompt("greeting") == "one"
        until(lambda: not [row for row in threading.enumerate() if row.name == "genai-prompts"])

    (told,) = [row.getMessage() for row in caplog.records if "stays in use" in row.getMessage()]
    assert langfuse.host in told
    assert "version 1 of 'greeting'" in told


def test_a_langfuse_that_comes_back(langfuse, always_stale, impatient):
    """The newer version is used as soon as it can be had."""
    langfuse.create_prompt("greeting", "one")
    client = GenAIClient(langfuse.public_key, langfuse.secret_key, langfuse.host)
    assert client.get_prompt("greeting") == "one"
    langfuse.create_prompt("greeting", "two")
    langfuse.down = True
    assert client.get_prompt("greeting") == "one"
    langfuse.down = False

    until(lambda: client.get_prompt("greeting") == "two")


def test_refresh_while_langfuse_is_away(langfuse, client, caplog):
    """What is kept is not thrown away for it."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting") == "one"
    langfuse.down = True

    client.refresh()

    assert client.get_prompt("greeting") == "one"
    assert "stays in use" in caplog.text


MESSAGES = [
    {"role": "system", "content": "Be {{mood}}."},
    {"type": "placeholder", "name": "history"},
]


@pytest.mark.parametrize("way", ["down", "absent", "no keys"])
def test_a_fallback(way, langfuse, client, caplog):
    """Used where Langfuse has none to give, told once, and nobody waits for Langfuse again at once."""
    langfuse.down = way == "down"
    if way == "no keys":
        client = GenAIClient(tracing=False)
    for _ in range(3):
        assert client.get_prompt("absent", {"a": 1}, fallback="<{{a}}>") == "<1>"

    prompt = client.prompt("absent", fallback=MESSAGES)
    assert prompt.render({"mood": "kind", "history": []}) == [
        {"role": "system", "content": "Be kind."}
    ]
    assert (prompt.is_fallback, prompt.version, prompt.link) == (True, 0, None)
    assert len(langfuse.requests) == (way != "no keys")
    assert len([row for row in caplog.records if "fallback is used" in row.getMessage()]) == 1


def test_the_last_good_version_wins_over_a_fallback(langfuse, client):
    """Also where another prompt's users have found Langfuse away before."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting") == "one"
    client.refresh()
    langfuse.down = True
    with pytest.raises(PromptError):
        client.get_prompt("absent")

    assert client.get_prompt("greeting", fallback="none") == "one"
    assert len(langfuse.requests) == 2


def test_an_empty_fallback_is_one(langfuse, client):
    """The SDK ignores it."""
    assert client.get_prompt("absent", fallback="") == ""


def test_a_fallback_is_not_used_where_there_is_a_prompt(langfuse, client):
    """Neither while Langfuse is there, nor afterwards."""
    langfuse.create_prompt("greeting", "one")
    assert client.get_prompt("greeting", fallback="none") == "one"
    langfuse.down = True
    client.refresh()

    assert client.get_prompt("greeting", fallback="none") == "one"


@pytest.mark.parametrize(
    "given", [5, [{"role": "user"}], [{"content": "x"}], ["x"], [{"role": 1, "content": 2}]]
)
def test_a_fallback_that_is_none(given, client):
    """What is no prompt is refused at once, whether it is needed or not."""
    with pytest.raises(ConfigurationError, match="the fallback of prompt 'greeting'"):
        client.prompt("greeting", fallback=given)


def test_a_failing_langfuse_is_asked_once(langfuse, client):
    """The SDK asks nine times."""
    langfuse.down = True
    with pytest.raises(PromptError, match="HTTP 503"):
        client.get_prompt("greeting")

    assert len(langfuse.requests) == 1


def test_version_and_label(client):
    """A version has its labels already."""
    with pytest.raises(ConfigurationError, match="both a version and a label"):
        client.prompt("greeting", version=1, label="beta")


def test_a_prompt_belongs_to_its_caller(langfuse, client):
    """The SDK gives all callers the same config; changing it here changes nobody's."""
    langfuse.create_prompt("greeting", "one", config={"stop": ["a"]})
    client.prompt("greeting").config["stop"].append("b")

    assert client.prompt("greeting").config == {"stop": ["a"]}
    assert asyncio.run(client.aprompt("greeting")).config == {"stop": ["a"]}


def test_raw_content(langfuse, client, chat):
    """A text prompt has `text`, a chat prompt `messages`; each says so of the other."""
    langfuse.create_prompt("text", "Hello, {{ name }}! {{{x}}}")
    text, messages = client.prompt("text"), client.prompt("chat")

    assert text.text == "Hello, {{ name }}! {{{x}}}"
    assert messages.messages[1:] == [
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "{{text}}"},
    ]
    assert (messages.placeholders, text.placeholders) == (("history",), ())
    with pytest.raises(PromptError, match="is a chat prompt"):
        _ = messages.text
    with pytest.raises(PromptError, match="is a text prompt"):
        _ = text.messages


def test_extra_variables_can_be_allowed(langfuse, client):
    """They are ignored then, in both ways to call."""
    langfuse.create_prompt("one", "{{a}}")
    values = {"a": 1, "b": 2}

    assert client.get_prompt("one", values, allow_extra=True) == "1"
    assert asyncio.run(client.aget_prompt("one", values, allow_extra=True)) == "1"
    with pytest.raises(PromptVariableError, match="has no 'b'"):
        asyncio.run(client.aget_prompt("one", values))


@pytest.mark.parametrize("given", ["x", "5s"])
def test_a_time_that_is_no_number(given, monkeypatch):
    """It is refused where the client is made."""
    monkeypatch.setenv("LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS", given)
    with pytest.raises(ConfigurationError, match="must be a number of seconds"):
        GenAIClient()


FORK = """
import os, sys
from genai_integrations import GenAIClient
from genai_integrations.prompts.cache import Key

client = GenAIClient()
assert client.get_prompt("greeting") == "one"
cache = client._prompts._cache
fetches = [cache._entry(Key(name, None, "production")).fetches for name in ("greeting", "other")]
fetches[1]._join(0)  # a fetch of the parent's that never ends
with fetches[0]._lock, cache._entries._lock, cache._renewals._lock:
    child = os.fork()
    if child == 0:
        found = client.get_prompt("greeting"), client.get_prompt("other")
        os._exit(found != ("one", "two"))
    _, status = os.waitpid(child, 0)
print("child", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_fetches(langfuse, monkeypatch):
    """Whoever held the lock, or was fetching, is not in the child."""
    langfuse.create_prompt("greeting", "one")
    langfuse.create_prompt("other", "two")
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", langfuse.public_key)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", langfuse.secret_key)
    monkeypatch.setenv("LANGFUSE_HOST", langfuse.host)

    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, check=False, text=True, timeout=60
    )

    assert (done.stdout, done.returncode) == ("child 0\n", 0), done.stderr


def test_nothing_is_logged_while_all_is_well(langfuse, client, caplog):
    """Not even by the SDK."""
    caplog.set_level(logging.INFO)
    langfuse.create_prompt("greeting", "one")
    client.get_prompt("greeting")

    assert [row for row in caplog.records if row.levelno > logging.INFO] == []
