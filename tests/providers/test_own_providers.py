"""Providers that a program registers: they are names, variables and dialects like any other's."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import threading

import jsonschema
import pytest
import yaml
from acme import AcmeDialect, AcmeServer
from typer.testing import CliRunner

from genai_integrations import Connection, GenAIClient, register_provider
from genai_integrations.cli.app import app
from genai_integrations.config.converting import converted
from genai_integrations.config.document import parsed
from genai_integrations.config.schema import schema
from genai_integrations.connections.providers import provider_named
from genai_integrations.connections.stored_providers import provider_of
from genai_integrations.errors import (
    AuthenticationError,
    ConfigurationError,
    UnknownModelError,
)
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.models.families import family_of

QUESTION = [{"role": "user", "content": "kimchi and rice"}]
DOORS = ("sync", "async", "stream", "async stream", "langchain", "langchain stream", "llama_index", "llama_index stream")  # fmt: skip

pytestmark = pytest.mark.usefixtures("own_providers")


@pytest.fixture
def acme(provider, monkeypatch):
    """`acme` is OpenAI's copy at the scripted provider, with its key in the environment."""
    monkeypatch.setenv("ACME_API_KEY", "ak-1")
    return register_provider("acme", f"{provider.url}/v1", families=["acme-"])


@pytest.fixture(scope="module")
def odd_server():
    with AcmeServer() as server:
        yield server


def said(door, model, client):
    """What comes of a question, by any door."""
    question, stream = QUESTION[0]["content"], "stream" in door
    if "async" in door:
        return asyncio.run(_asked(client, model, stream=stream))
    if "langchain" in door:
        chat = ChatGenAI(model, client=client)
        parts = chat.stream(question) if stream else [chat.invoke(question)]
        return "".join(part.text for part in parts)
    if "llama_index" in door:
        llm = GenAI(model, client=client)
        parts = llm.stream_complete(question) if stream else [llm.complete(question)]
        return "".join(part.delta or "" if stream else part.text for part in parts)
    reply = client.completion(model, QUESTION, stream=stream)
    return _joined(reply) if stream else reply.choices[0].message.content


async def _asked(client, model, *, stream):
    reply = await client.acompletion(model, QUESTION, stream=stream)
    if not stream:
        return reply.choices[0].message.content
    return _joined([chunk async for chunk in reply])


def _joined(chunks):
    return "".join(row.choices[0].delta.content or "" for row in chunks if row.choices)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["acme-large", "acme/acme-large"])
def test_its_variable_and_its_family_are_enough(door, name, acme, provider):
    """With a key in `ACME_API_KEY`, the models of the family are served, by every door."""
    with GenAIClient() as client:
        text = said(door, name, client)

    assert "kimchi and rice" in text
    assert provider.requests[-1].headers["authorization"] == "Bearer ak-1"
    assert provider.requests[-1].body["model"] == "acme-large"


def test_another_address_in_its_other_variable(acme, provider, monkeypatch):
    """`ACME_BASE_URL` wins over the row's own address; a slash at its end does not matter."""
    monkeypatch.setenv("ACME_BASE_URL", f"{provider.url}/elsewhere/v1/")
    with GenAIClient() as client:
        [connection] = client.connections

    assert (connection.name, connection.base_url) == ("acme", f"{provider.url}/elsewhere/v1")


def test_a_store_that_is_read_already_sees_a_new_provider(provider, monkeypatch):
    """The next time the environment is read, its variables count."""
    monkeypatch.setenv("ACME_API_KEY", "ak-1")
    with GenAIClient() as client:
        assert not client.connections
        register_provider("acme", f"{provider.url}/v1", families=["acme-"])
        client.refresh()

        assert client.completion("acme-large", QUESTION).route.served == "acme/acme-large"


def test_it_is_explained_and_suggested(acme):
    """`resolve` says why it serves, and errors list it among the others."""
    with GenAIClient() as client:
        assert [(row.name, row.why) for row in client.resolve("acme-large").targets] == [
            ("acme/acme-large", "its provider serves the family")
        ]
    others = [Connection.of("usa", "openai", "sk-1")]
    with (
        GenAIClient(connections=others) as client,
        pytest.raises(UnknownModelError, match="It needs a connection to acme"),
    ):
        client.completion("acme-large", QUESTION)
    with pytest.raises(ConfigurationError, match=r"no provider is named 'acne'; .*, acme$"):
        Connection.of("seoul", "acne", "ak-1")


def test_connections_of_it(acme, provider):
    """Several, as of any provider: a fallback, an alias, a group, and one that Langfuse stores by its address."""
    with GenAIClient(
        connections=[
            Connection.of("one", "acme", "ak-1"),
            Connection.of("two", "acme", "ak-2"),
        ],
        router_args={"model_group_alias": {"fast": "acme-small"}, "num_retries": 0},
    ) as client:
        assert [row.name for row in client.resolve("fast").targets] == [
            "one/acme-small",
            "two/acme-small",
        ]
    assert provider_of("openai", "mine", f"{provider.url}/v1") is acme
    assert provider_of("openai", "acme_seoul", "http://elsewhere.example/v1") is acme
    assert provider_of("openai", "mine", "http://elsewhere.example/v1").name == "openai"


def test_a_family_of_others_stays_theirs():
    """Who serves Claudes too serves them beside Anthropic, not in its place."""
    register_provider("acme", "https://llm.acme.example/v1", families=["Claude-", "acme-"])
    there = [Connection.of(name, name, "k-1") for name in ("anthropic", "acme")]
    with GenAIClient(connections=there) as client:
        served = [row.connection.name for row in client.resolve("claude-sonnet-4-5").targets]
        missing = client.resolve("gpt-4o").targets

    assert served == ["anthropic", "acme"]
    assert missing == ()
    assert family_of("claude-sonnet-4-5") is family_of("claude-opus-4-1")
    assert family_of("acme-large").name == "claude"


CONFIG = """\
providers:
  - {{name: acme, base_url: "{url}", families: [acme-]}}
connections:
  - {{name: seoul, provider: acme, api_key: os.environ/ACME_KEY}}
"""


@pytest.mark.parametrize("door", DOORS)
def test_a_file_has_a_row(door, provider, monkeypatch, tmp_path):
    """`genai.yaml` registers it for its own connections."""
    monkeypatch.setenv("ACME_KEY", "ak-1")
    path = tmp_path / "genai.yaml"
    path.write_text(CONFIG.format(url=f"{provider.url}/v1"), "utf-8")
    with GenAIClient.from_config(path) as client:
        assert "kimchi" in said(door, "acme-large", client)
        assert client.resolve("acme-large").targets[0].name == "seoul/acme-large"


def test_a_file_without_connections(provider, monkeypatch, tmp_path):
    """Then its variables count, for commands too."""
    monkeypatch.setenv("ACME_API_KEY", "ak-1")
    path = tmp_path / "genai.yaml"
    path.write_text(f'providers: [{{name: acme, base_url: "{provider.url}/v1"}}]\n', "utf-8")
    result = CliRunner().invoke(app, ["--config", str(path), "resolve", "acme/large", "--json"])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["targets"][0]["target"] == "acme/large"


def test_a_file_written_anew_keeps_them(monkeypatch):
    """`genai config from-litellm` of a file that has them; a variable stays named."""
    monkeypatch.setenv("ACME_URL", "https://llm.acme.example/v1")
    text = CONFIG.format(url="os.environ/ACME_URL")
    made = converted(parsed(text, "genai.yaml"))

    assert provider_named("acme").base_url == "https://llm.acme.example/v1"
    assert yaml.safe_load(made) == yaml.safe_load(text)


def test_a_file_names_a_module(odd_server, monkeypatch, tmp_path):
    """A module has what is no data: a dialect. Commands speak it as programs do."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ACME_API_KEY", "ak-1")
    (tmp_path / "acme_llm.py").write_text(
        "from acme import AcmeDialect\nfrom genai_integrations import register_provider\n"
        f"register_provider('acme', {odd_server.url!r}, families=['acme-'], dialect=AcmeDialect(), check_model='acme-small')\n"
    )
    path = tmp_path / "genai.yaml"
    path.write_text("providers: [acme_llm]\n", "utf-8")
    try:
        with GenAIClient.from_config(path) as client:
            assert said("sync", "acme-large", client) == "kimchi and rice"
        result = CliRunner().invoke(app, ["--config", str(path), "check", "acme"])
        assert result.exit_code == 0, result.output
        asked = ["--config", str(path), "chat", "--model", "acme-large"]
        assert CliRunner().invoke(app, asked, input="rice and soup").stdout.split() == [
            "rice",
            "and",
            "soup",
        ]
    finally:
        sys.modules.pop("acme_llm", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("providers: acme\n", "genai.yaml:1:1: providers must be a list"),
        ("providers: [[]]\n", "genai.yaml:1:13: a provider is a mapping such as"),
        ("providers: [{name: acme, url: x}]\n", "genai.yaml:1:26: a provider has no 'url': there are name, base_url"),
        ("providers: [{name: acme, base_ulr: x}]\n", "genai.yaml:1:26: a provider has no 'base_ulr': did you mean 'base_url'?"),
        ("providers: [{base_url: 'https://a.example'}]\n", "genai.yaml:1:13: a provider's name is made of"),
        ("providers: [{name: openai}]\n", "genai.yaml:1:13: provider 'openai': another one has this name already"),
        ("providers: [{name: acme, base_url: os.environ/NOWHERE}]\n", "NOWHERE is not set"),
        ("providers: [no_such_module_here]\n", "genai.yaml:1:13: the module 'no_such_module_here' cannot be imported: ModuleNotFoundError: No module named"),
    ],
)  # fmt: skip
def test_a_wrong_row_of_a_file_has_a_place(text, words, tmp_path):
    """File, line and column, and what is wrong."""
    path = tmp_path / "genai.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        GenAIClient.from_config(path)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_editor_knows_the_section():
    """The schema takes rows and modules, and a connection of a provider that it cannot know."""
    validate = jsonschema.Draft202012Validator(schema())

    assert validate.is_valid(yaml.safe_load(CONFIG.format(url="http://a")))
    assert validate.is_valid({"providers": ["my_company.llm"]})
    assert not validate.is_valid({"providers": [{"name": "acme", "base_ulr": "http://a"}]})


@pytest.mark.parametrize("door", DOORS)
def test_a_dialect_of_its_own(door, odd_server):
    """An object speaks to a server like no other: by every door, and with the usage."""
    register_provider("acme", odd_server.url, families=["acme-"], dialect=AcmeDialect())
    with GenAIClient(connections=[Connection.of("seoul", "acme", "ak-1")]) as client:
        text = said(door, "acme-large", client)

    assert text.strip() == "kimchi and rice"
    assert odd_server.requests[-1].body == {
        "engine": "acme-large",
        "prompt": "kimchi and rice",
        "live": "stream" in door,
    }


def test_a_dialect_of_its_own_has_usage_and_failures(odd_server, provider):
    """Tokens are counted, a refusal is of our tree, and another provider serves in its place."""
    register_provider("acme", odd_server.url, families=["acme-"], dialect=AcmeDialect())
    there = [
        Connection.of("seoul", "acme", "ak-1"),
        Connection.of("lost", "acme", "ak-wrong"),
        Connection.of("usa", "openai", "sk-1", f"{provider.url}/v1"),
    ]
    args = {"num_retries": 0, "fallbacks": [{"lost/acme-large": ["usa/gpt-4o"]}]}
    with GenAIClient(connections=there, router_args=args) as client:
        assert client.completion("seoul/acme-large", QUESTION).usage.total_tokens == 6
        *_, last = client.completion("seoul/acme-large", QUESTION, stream=True)
        assert last.usage.total_tokens == 6
        route = client.completion("lost/acme-large", QUESTION).route
        assert [row.outcome for row in route.attempts] == ["AuthenticationError", "ok"]
        with pytest.raises(AuthenticationError):
            client.completion("lost/acme-small", QUESTION)


def test_litellm_is_told_what_it_can_speak(odd_server):
    """A copy of OpenAI's API is `openai/` to LiteLLM; a dialect of one's own is refused by name."""
    register_provider("acme", "https://llm.acme.example/v1")
    register_provider("odd", odd_server.url, dialect=AcmeDialect())
    one = Connection.of("one", "acme", "ak-1", custom_models=["acme-large"])
    with GenAIClient(connections=[one]) as client:
        [row] = client.litellm_model_list()
    with (
        GenAIClient(connections=[Connection.of("two", "odd", "ak-1")]) as client,
        pytest.raises(ConfigurationError, match="LiteLLM cannot speak the dialect of odd"),
    ):
        client.litellm_model_list()

    assert row["litellm_params"]["model"] == "openai/acme-large"
    assert row["litellm_params"]["api_base"] == "https://llm.acme.example/v1"


WORKER = """\
import pickle, sys
import acme_row
chat = pickle.loads(sys.stdin.buffer.read())
print(chat.invoke("kimchi").response_metadata["route"]["served"])
"""


@pytest.mark.slow
def test_a_model_that_is_pickled_to_another_process(acme, provider, tmp_path):
    """It holds names only; the process that imports the registering module knows them."""
    row = f"register_provider('acme', '{provider.url}/v1', families=['acme-'])"
    (tmp_path / "acme_row.py").write_text(
        f"from genai_integrations import register_provider\n{row}\n"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=pickle.dumps(ChatGenAI("acme-large")),
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )

    assert done.stdout.split() == [b"acme/acme-large"], done.stderr


URL = "https://llm.acme.example/v1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Acme"}, "a provider's name is made of a-z, 0-9, '-' and '_', such as 'acme'; 'Acme' is not"),
        ({"name": "a/b"}, "'a/b' is not"),
        ({"name": None}, "None is not"),
        ({"name": "gemini"}, "provider 'gemini': another one has this name already; take another name, or restart"),
        ({"base_url": "llm.acme.example"}, "base_url must be an address such as 'https://llm.example/v1'"),
        ({"base_url": "ftp://acme.example"}, "base_url must be an address"),
        ({"base_url": "https://[acme"}, "base_url must be an address"),
        ({"base_url": 7}, "provider 'acme': base_url must be a string such as 'https://llm.example/v1', not int"),
        ({"base_url": None, "url_variables": ()}, "provider 'acme': without a base_url it needs url_variables"),
        ({"key_variables": "ACME_KEY"}, "key_variables must be a list of strings such as 'ACME_API_KEY', not str"),
        ({"key_variables": ["ak-secret"]}, "key_variables has a name that is not a variable's; write one such as ACME_API_KEY"),
        ({"families": "acme-"}, "families must be a list of strings such as 'acme-', not str"),
        ({"families": [""]}, "an empty family would be every model's"),
        ({"dialect": "opanai"}, "no dialect is named 'opanai'; there are openai, anthropic, responses, litellm, or an object"),
        ({"dialect": AcmeDialect}, "dialect must be an object: write AcmeDialect()"),
        ({"dialect": object()}, "object is not a dialect: it lacks endpoint, body, headers, reply, splitter, events"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_work(given, words):
    """One line that says what to do; nothing is registered."""
    with pytest.raises(ConfigurationError) as caught:
        register_provider(**{"name": "acme", "base_url": URL, **given})

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "ak-secret" not in str(caught.value)
    assert provider_named("acme") is None


def test_the_same_row_again(own_providers):
    """A module that is run again, or by eight threads at once, changes nothing; another row is refused."""
    found = []
    start = threading.Barrier(8)

    def register():
        start.wait()
        found.append(register_provider("acme", URL, families=["acme-"], dialect=AcmeDialect()))

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(row) for row in found}) == 1
    assert list(own_providers) == ["acme"]
    for other in ({"families": ["acme-"]}, {"dialect": AcmeDialect()}, {"keyless": True}):
        with pytest.raises(ConfigurationError, match="another one has this name already"):
            register_provider("acme", URL, **other)
