"""`genai doctor`, against a real Postgres, a Langfuse stand-in and scripted providers."""

from __future__ import annotations

import json
import re
import threading
import time
from importlib import metadata

import psycopg
import pytest

from genai_integrations import BrokenConnection, GenAIClient, client
from genai_integrations.cli import render
from genai_integrations.cli.doctor import machine, run, setup
from genai_integrations.cli.doctor.findings import Named, fail
from genai_integrations.cli.doctor.setup import Setup
from genai_integrations.connections.langfuse.setup_sql import setup_sql
from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.faults import Fault

KEY, PROJECT = "5a" * 32, "doctor-project"
SECRET = "sk-lf-canary"


@pytest.fixture
def tables(database):
    """A database with nothing but what a test stores."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM llm_api_keys")
    return database


@pytest.fixture
def add(tables, provider):
    """Store a connection to the scripted provider."""

    def add(name, key=KEY, **fields):
        row = {"base_url": f"{provider.url}/v1", "project_id": PROJECT, "encryption_key": key}
        tables.insert_connection(name, "openai", "sk-canary", **row | fields)

    return add


@pytest.fixture
def healthy(tables, add, langfuse):
    """Variables of a set-up with two connections in which nothing is wrong."""
    add("seoul")
    add("usa")
    langfuse.project_id, langfuse.secret_key = PROJECT, SECRET
    with psycopg.connect(tables.url, autocommit=True) as connection:
        connection.execute(setup_sql(PROJECT, "doctor_reader"))
    yield {
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": SECRET,
        "LANGFUSE_DATABASE_URL": tables.url.replace("postgres:@", "doctor_reader:@"),
        "LANGFUSE_ENCRYPTION_KEY": KEY,
    }
    with psycopg.connect(tables.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA doctor_reader CASCADE; DROP ROLE doctor_reader")


@pytest.fixture
def doctor(genai):
    """Run it: the exit code, and what each check found."""

    def doctor(environ=None, *arguments):
        result = genai("doctor", "--json", *arguments, environ=environ)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert "canary" not in result.output
        found = json.loads(result.stdout)
        assert [row for row in found if (row["status"] == "ok") != (row["next"] is None)] == []
        return result.exit_code, found

    return doctor


def worst(found):
    """What is not `ok`: check, status, message."""
    return [(row["check"], row["status"], row["message"]) for row in found if row["next"]]


def test_nothing_is_wrong(doctor, healthy, provider):
    """A good set-up has `ok` for every check, ends with 0, and calls no provider."""
    code, found = doctor(healthy)

    assert (code, worst(found)) == (0, [])
    assert [row["check"] for row in found] == [
        check.name for check in run.CHECKS if check.name not in ("extras", "calls")
    ]
    assert found[-3]["message"] == "2 can be used: seoul, usa"
    assert found[-1]["message"].startswith(
        "one outage takes down every model: all 2 depend on one openai account and all 2 go through "
    )
    assert not provider.requests


@pytest.mark.parametrize(
    ("change", "check", "message", "then"),
    [
        ({"LANGFUSE_SECRET_KEY": ""}, "langfuse keys", "LANGFUSE_SECRET_KEY is not set", "copy"),
        (
            {"LANGFUSE_PUBLIC_KEY": SECRET.replace("canary", "x")},
            "langfuse keys",
            "are swapped",
            "swap them",
        ),
        ({"LANGFUSE_SECRET_KEY": f" {SECRET}"}, "langfuse keys", "spaces around it", "without"),
        ({"LANGFUSE_HOST": "langfuse.example"}, "langfuse host", "is not an address", "https://"),
        (
            {"LANGFUSE_HOST": "https://l.invalid/api/public"},
            "langfuse host",
            "includes the API path",
            "https://l.invalid",
        ),
        ({"LANGFUSE_HOST": "https://l.invalid"}, "langfuse", "no host has that name", "curl -i"),
        ({"LANGFUSE_HOST": "http://127.0.0.1:1"}, "langfuse", "the connection is refused", "curl"),
        ({"LANGFUSE_SECRET_KEY": "sk-lf-no"}, "langfuse login", "refuses the key pair", "new key"),
        (
            {"LANGFUSE_DATABASE_URL": "postgresql://u:sk-canary@127.0.0.1:1/x"},
            "database",
            "nothing listens there",
            "correct LANGFUSE_DATABASE_URL",
        ),
        (
            {"LANGFUSE_DATABASE_URL": "mysql://x"},
            "database",
            "is not a Postgres address",
            "correct",
        ),
        ({"LANGFUSE_ENCRYPTION_KEY": ""}, "encryption key", "is not set", "ENCRYPTION_KEY"),
        ({"LANGFUSE_ENCRYPTION_KEY": "5a"}, "encryption key", "2 characters instead of", "take"),
        ({"LANGFUSE_ENCRYPTION_KEY": "5x" * 32}, "encryption key", "that are not hex", "take"),
        ({"LANGFUSE_ENCRYPTION_KEY": f"'{KEY}'"}, "encryption key", "quotation marks", "take"),
        (
            {"LANGFUSE_ENCRYPTION_KEY": f"{KEY},5a"},
            "encryption key",
            "key 2 of 2 has 2 characters",
            "take",
        ),
        (
            {"LANGFUSE_ENCRYPTION_KEY": "6b" * 32},
            "connections",
            "none of the 2 can be decrypted: the encryption key is wrong",
            "LANGFUSE_ENCRYPTION_KEY",
        ),
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, "proxies", "is not an http proxy", "HTTPS_PROXY"),
        (
            {"HTTPS_PROXY": "http://me:sk-canary@127.0.0.1:1"},
            "proxies",
            "HTTPS_PROXY is 127.0.0.1:1: nothing listens there",
            "NO_PROXY",
        ),
    ],
)
def test_one_thing_is_wrong(doctor, healthy, change, check, message, then):
    """Each fault is found by the check that it belongs to, with what to do next, and ends with 1."""
    code, found = doctor(healthy | change)

    first = next(row for row in found if row["status"] != "ok")
    assert (code, first["check"], first["status"]) == (1, check, "fail")
    assert message in first["message"]
    assert then in first["next"]


@pytest.mark.parametrize(
    ("change", "check", "message"),
    [
        ({"LANGFUSE_HOST": "http://langfuse.example.invalid"}, "langfuse host", "is not encrypted"),
        ({"LANGFUSE_ENCRYPTION_KEY": f"{KEY},{'0' * 64}"}, "encryption key", "placeholder"),
    ],
)
def test_one_thing_should_be_changed(doctor, healthy, change, check, message):
    """What works but is unwise is a warning."""
    _, found = doctor(healthy | change)

    (text,) = [text for name, status, text in worst(found) if (name, status) == (check, "warn")]
    assert message in text


def test_warnings_alone_end_well(doctor, healthy):
    """A warning is no failure."""
    code, found = doctor(healthy | {"LANGFUSE_ENCRYPTION_KEY": f"{KEY},{'0' * 64}"})

    assert (code, [row[1] for row in worst(found)]) == (0, ["warn"])


def test_a_role_that_can_do_too_much(doctor, healthy, tables, add):
    """Who could write, or read another project, is told of the role that cannot."""
    add("theirs", project_id="another")

    code, found = doctor(healthy | {"LANGFUSE_DATABASE_URL": tables.url})

    ((check, status, message),) = worst(found)
    assert (code, check, status) == (0, "database", "warn")
    assert message.endswith("can read it, but also write to it and read other projects")


@pytest.mark.parametrize(
    ("fault", "message"),
    [("down", "does not answer like Langfuse (HTTP 503)"), ("old", "version 2.9.1 is too old")],
)
def test_a_langfuse_that_is_not_well(doctor, healthy, langfuse, monkeypatch, fault, message):
    """An answer that is none, and a version that stores connections in another way."""
    if fault == "down":
        langfuse.down = True
    else:
        monkeypatch.setattr(
            langfuse, "_route", lambda _: (200, {"status": "OK", "version": "2.9.1"})
        )

    code, found = doctor(healthy)

    assert code == 1
    assert worst(found)[0][:2] == ("langfuse", "fail")
    assert message in worst(found)[0][2]


def test_a_web_page_is_not_langfuse(doctor, healthy, provider):
    """Something else answers at the host."""
    code, found = doctor(healthy | {"LANGFUSE_HOST": provider.url})

    assert code == 1
    assert "does not answer like Langfuse (HTTP 404)" in worst(found)[0][2]


def test_one_row_does_not_decrypt(doctor, healthy, add):
    """The others can be used; the one is named with what to do for it."""
    add("lost", key="6b" * 32)

    code, found = doctor(healthy)

    bad, good = (row for row in found if row["check"] == "connections")
    assert code == 1
    assert bad["message"].startswith("lost: secret_key of connection 'lost' cannot be decrypted")
    assert "save the key of 'lost' again" in bad["next"]
    assert good["message"] == "2 can be used: seoul, usa"


def test_a_project_without_connections(doctor, healthy, tables):
    """It says in which project to add one."""
    for name in ("seoul", "usa"):
        tables.delete_connection(name, project_id=PROJECT)

    code, found = doctor(healthy)

    assert code == 1
    assert worst(found) == [("connections", "fail", f"the project {PROJECT} has none")]


def test_a_role_of_another_project(doctor, healthy, langfuse):
    """The role works, and so does the key pair, but they do not belong together."""
    langfuse.project_id = "another-project"

    code, found = doctor(healthy)

    (problem,) = worst(found)
    assert (code, problem[:2]) == (1, ("connections", "fail"))
    assert f"reads the project {PROJECT}, but the key pair belongs to another-project" in problem[2]
    assert "`genai setup-db --role NAME`" in problem[2]


def test_langfuse_behind_a_proxy(doctor, healthy, langfuse, provider):
    """It is asked through the environment's proxy, and a proxy that is not there is told as the reason."""
    hidden = {**healthy, "LANGFUSE_HOST": "http://langfuse.internal"}

    doctor({**hidden, "HTTP_PROXY": langfuse.host, "http_proxy": langfuse.host})
    _, lost = doctor({**hidden, "HTTP_PROXY": (dead := provider.refused_url()), "http_proxy": dead})
    told = {row["check"]: row["message"] for row in lost}

    assert langfuse.requests[0].path == "http://langfuse.internal/api/public/health"
    assert told["langfuse"] == (
        "http://langfuse.internal: the proxy that the environment names: "
        "the connection is refused: nothing listens there"
    )


def test_a_host_that_cannot_be_reached(doctor, healthy, add, provider):
    """Nothing listens at one connection's address; the message says whose it is."""
    address = provider.refused_url()
    add("tokyo", base_url=f"{address}/v1")

    code, found = doctor(healthy)

    assert code == 1
    assert worst(found) == [("hosts", "fail", f"{address} (tokyo): nothing listens there")]


def test_a_key_in_the_clear(doctor, using, connect):
    """`http://` to a host that is not near is a warning, whether it can be reached or not."""
    using(connect("far", base_url="http://models.example.invalid/v1"))

    _, found = doctor()

    assert ("hosts", "warn") in [row[:2] for row in worst(found)]


def test_calls(doctor, healthy, provider):
    """With `--call`, each connection is called once."""
    provider.faults = {"gpt-4.1": [None, Fault.status(503)]}

    code, found = doctor(healthy, "--call")

    calls = [row for row in found if row["check"] == "calls"]
    assert [row["status"] for row in calls] == ["ok", "fail"]
    assert "usa: ServerError" in calls[1]["message"]
    assert (code, len(provider.requests)) == (1, 2)


def test_without_langfuse(doctor, provider):
    """Variables of a provider are a whole set-up; there is no check of Langfuse's answers then."""
    environ = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": f"{provider.url}/v1"}

    code, found = doctor(environ)

    assert (code, worst(found)) == (0, [])
    assert not {"langfuse", "langfuse login", "clock"} & {row["check"] for row in found}


def test_with_nothing_at_all(doctor):
    """A beginner's first step is named."""
    code, found = doctor()

    assert code == 1
    assert worst(found) == [("connections", "fail", "there are none")]
    assert "OPENAI_API_KEY" in found[-1]["next"]


def test_half_of_a_provider(doctor):
    """A connection that lacks a variable says which."""
    code, found = doctor({"AZURE_API_KEY": "sk-canary"})

    assert code == 1
    assert "set AZURE_API_BASE" in worst(found)[0][2]


def test_keys_that_were_pasted_wrongly(doctor):
    """They are corrected in their variables: Langfuse's encryption key has nothing to do with them."""
    code, found = doctor(
        {"OPENAI_API_KEY": "sk-canary\nsk", "ANTHROPIC_API_KEY": "sk-canary\u0445"}
    )

    assert code == 1
    assert [(row["message"].rpartition(": ")[2], row["next"]) for row in found if row["next"]] == [
        ("correct OPENAI_API_KEY", "correct the connection 'openai' where it is kept"),
        ("correct ANTHROPIC_API_KEY", "correct the connection 'anthropic' where it is kept"),
    ]


def test_a_connection_that_is_none(doctor, using):
    """A row that does not get as far as a connection."""
    using(BrokenConnection("oslo", ConfigurationError("the row is damaged")))

    code, found = doctor()

    assert code == 1
    assert worst(found) == [("connections", "fail", "oslo: the row is damaged")]


@pytest.mark.parametrize(
    ("seconds", "status", "message"),
    [
        (0, "ok", "it agrees"),
        (-90, "warn", "s behind Langfuse's"),
        (90, "warn", "s ahead of Langfuse's"),
        (3600, "fail", "AWS and Google refuse"),
    ],
)
def test_clock(healthy, seconds, status, message):
    """A clock that is off is found by Langfuse's own, and the more it is off the worse."""
    (found,) = machine.clock(Setup(healthy, now=lambda: time.time() + seconds))

    assert found.status == status
    assert message in found.message


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("litellm", "1.107.0", "litellm 1.107.0, and <=1.106.2,>=1.100 is supported"),
        ("langfuse", "4.9", "langfuse 4.9, and <6,>=5 is supported"),
        ("llama-index-core", "0.13.0", "llama-index-core 0.13.0, and"),
        ("urllib3", None, "urllib3 is missing, and"),
    ],
)
def test_versions(doctor, monkeypatch, name, version, message):
    """A package outside its range is found, with the command that changes it."""
    installed = machine._installed
    monkeypatch.setattr(
        machine, "_installed", lambda row: version if row == name else installed(row)
    )

    code, found = doctor()

    assert code == 1
    assert worst(found)[0][2].startswith(message)
    assert f"pip install '{name}" in found[1]["next"]


def test_frameworks_need_not_be_there(monkeypatch):
    """Who uses no framework misses nothing."""
    installed = machine._installed
    monkeypatch.setattr(
        machine, "_installed", lambda row: None if "core" in row else installed(row)
    )

    (found,) = machine.packages(Setup({}))

    assert found.status == "ok"
    assert "langchain-core not installed, llama-index-core not installed" in found.message


def test_python(monkeypatch):
    """Too old a Python is found."""
    monkeypatch.setattr(machine.platform, "python_version", lambda: "3.10.4")

    (found,) = machine.python(Setup({}))

    assert (found.status, metadata.metadata("genai-integrations")["Requires-Python"]) == (
        "fail",
        ">=3.11",
    )
    assert found.message == "3.10.4 is not >=3.11"


def test_a_proxy_that_listens(doctor, provider):
    """A proxy is named without its password."""
    port = provider.url.rpartition(":")[2]

    _, found = doctor({"HTTPS_PROXY": f"http://me:sk-canary@127.0.0.1:{port}"})

    message = next(row["message"] for row in found if row["check"] == "proxies")
    assert message.startswith(f"HTTPS_PROXY is 127.0.0.1:{port}; calls go through it")


def test_vertex_without_its_library(doctor, using, connect, monkeypatch):
    """A connection whose library is missing names the extra."""
    using(connect("paris", "{}", base_url=None, provider="vertex"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    _, found = doctor()

    assert ("extras", "fail") in [row[:2] for row in worst(found)]


def test_lines(genai, healthy):
    """For people: status, check and message on a line, and the next step below; the count on stderr."""
    result = genai("doctor", environ=healthy | {"LANGFUSE_ENCRYPTION_KEY": "5a"})

    lines = result.stdout.splitlines()
    assert f"ok    {'python':<16}" in lines[0] + "  "
    at = next(index for index, line in enumerate(lines) if "it has 2 characters" in line)
    assert lines[at].startswith("fail  encryption key  it has")
    assert lines[at + 1].startswith(" " * 22 + "next: take Langfuse's own ENCRYPTION_KEY")
    assert result.stderr.split()[-2:] == ["2", "fail"]
    assert result.exit_code == 1


def test_long_lines_are_continued_under_themselves():
    """In a narrow terminal a message keeps to its column."""
    shown = render.finding(Named("hosts", fail("word " * 20, "go on")), 5, 60).plain

    assert all(len(line) <= 60 for line in shown.splitlines())
    assert {line[:13] for line in shown.splitlines()[1:]} == {" " * 13}


def test_where_nothing_fits_beside_a_check():
    """What it found stands below the check's name, and no line is longer than the terminal."""
    shown = render.finding(Named("connections", fail("word " * 12, "go on")), 15, 40).plain

    first, *others = shown.splitlines()
    assert first == "fail  connections"
    assert {line[:7] for line in others} == {"      w", "      n"}
    assert max(map(len, others)) <= 40


def test_the_client_is_that_of_programs(monkeypatch):
    """What it looks at is the default client, as any program's."""
    monkeypatch.setattr(client, "_default", [])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")

    found = Setup({"OPENAI_API_KEY": "sk-x"}).client

    assert isinstance(found, GenAIClient)
    assert found is client.default_client()
    found.close()


def test_a_langfuse_that_hangs(doctor, healthy, langfuse, monkeypatch):
    """It is reported, and not waited for again to log in."""
    monkeypatch.setattr(setup, "_LONGEST_WAIT", 0.2)
    langfuse.hanging = True

    _, found = doctor({**healthy, "LANGFUSE_DATABASE_URL": ""})

    assert "it does not answer in time" in worst(found)[0][2]
    assert [request.path for request in langfuse.requests] == ["/api/public/health"]


def test_in_a_terminal(terminal, provider):
    """Lines have colours, and none is written into the line that says that it is still looking."""
    answer = threading.Event()
    provider.faults = {"gpt-4.1": Fault.drip(answer)}
    screen = terminal("doctor", "--call")
    screen.expect("ok +hosts(.|\n)*Looking")
    answer.set()
    screen.expect("0 fail")

    assert screen.end() == 0
    assert "\x1b[32mok" in screen.raw
    assert not re.search(r"Looking(\x1b\[0m)?\x1b\[32mok", screen.raw)
