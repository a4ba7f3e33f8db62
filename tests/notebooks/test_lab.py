"""The lab that notebooks run in."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError, URLError

import psutil
import pytest

from genai_integrations.testing.lab import Lab
from genai_integrations.testing.lab.answers import KOREAN

MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")


@pytest.fixture(scope="module")
def lab():
    """One lab for all tests."""
    with Lab() as lab:
        yield lab


def _ask(lab, model, question, **params):
    reply = lab.client.completion(model, [{"role": "user", "content": question}], **params)
    return reply.choices[0].message


def test_every_model_answers_at_a_cost(lab):
    """Three connections of two dialects, with keys from the database."""
    replies = [
        lab.client.completion(model, [{"role": "user", "content": "Hello!"}]) for model in MODELS
    ]

    assert [reply.choices[0].message.content for reply in replies] == [
        "seoul says: Hello!",
        "seoul says: Hello!",
        "claude says: Hello!",
    ]
    assert all(reply.route.cost for reply in replies)


def test_streams_come_in_pieces(lab):
    """A model says one word after another."""
    chunks = lab.client.completion(
        "gpt-4o", [{"role": "user", "content": "one two three"}], stream=True
    )

    assert sum(bool(chunk.choices) and bool(chunk.choices[0].delta.content) for chunk in chunks) > 3


@pytest.mark.parametrize(("model", "right"), list(zip(MODELS, (12, 8, 11), strict=True)))
def test_models_translate_not_all_of_it_right(lab, model, right):
    """Each makes its own mistakes, always the same."""
    prompts = [
        lab.client.get_prompt("to_korean", {"input": text}, label="strict") for text in KOREAN
    ]
    answers = [_ask(lab, model, prompt).content for prompt in prompts]

    assert sum(map(str.__eq__, answers, KOREAN.values())) == right


def test_a_model_calls_a_tool_and_fills_a_schema(lab):
    """What the question says decides the arguments."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    schema = {"name": "person", "schema": {"type": "object", "properties": {}}}
    shape = {"type": "json_schema", "json_schema": schema}
    called = _ask(lab, "gpt-4o", "Is it warm in Oslo?", tools=[tool]).tool_calls[0].function
    person = _ask(lab, "gpt-4o", "Kim Minji is 31.", response_format=shape).content

    takes = {"type": "object", "properties": {"name": {}, "age": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "Person", "parameters": takes}}
    filled = [
        _ask(lab, model, "Kim Minji is 31.", tools=[tool]).tool_calls[0].function.arguments
        for model in ("gpt-4o", "claude-sonnet-4-5")
    ]

    assert list(map(json.loads, filled)) == [{"name": "Kim Minji", "age": 31}] * 2
    assert (called.name, called.arguments.replace(" ", "")) == ("get_weather", '{"city":"Oslo"}')
    assert person == '{"name": "Kim Minji", "age": 31}'


def test_the_providers_take_only_their_own_keys(lab):
    """As real ones do."""
    request = urllib.request.Request(
        f"{lab.usa.url}/v1/chat/completions", b"{}", {"authorization": "Bearer sk-other"}
    )
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(request)

    assert caught.value.code == 401
    caught.value.close()


def test_a_closed_lab_is_gone():
    """Nothing listens any more, and closing it again does nothing."""
    lab = Lab()
    lab.close()
    lab.close()

    for url in (lab.seoul.url, lab.usa.url, lab.anthropic.url, lab.langfuse.url):
        with pytest.raises(URLError):
            urllib.request.urlopen(url)


@pytest.mark.slow
def test_a_killed_process_leaves_nothing(jupyter_environment):
    """Kernels are often killed; the database's server and its files go all the same."""
    code = "from genai_integrations.testing.lab import Lab; print(Lab().database.url); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=jupyter_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        data = Path(process.stdout.readline().strip().partition("?host=")[2])
        server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        guards = psutil.Process(process.pid).children()
        process.kill()
    _, alive = psutil.wait_procs([server, *guards], timeout=60)

    assert guards
    assert not alive
    assert not data.parent.exists()
