"""`genai gateway doctor`, against a real Postgres, a real Redis server and a Langfuse stand-in."""

from __future__ import annotations

import json
import socket

import psycopg
import pytest

KEY, PROJECT = "5a" * 32, "gateway-project"
SECRET = "sk-lf-canary"
TOKEN = "canary" + "0" * 32


@pytest.fixture
def tables(database, provider):
    """A database with the connections of two projects."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM llm_api_keys")
    for name, project in (("seoul", PROJECT), ("usa", "another-project")):
        database.insert_connection(
            name, "openai", "sk-canary",
            base_url=f"{provider.url}/v1", project_id=project, encryption_key=KEY,
        )  # fmt: skip
    return database


@pytest.fixture
def reader(tables):
    """The address of the database for a role that can only read the connections, of all projects."""
    with psycopg.connect(tables.url, autocommit=True) as connection:
        connection.execute(
            "CREATE ROLE gateway_reader LOGIN; GRANT SELECT ON llm_api_keys TO gateway_reader"
        )
    yield tables.url.replace("postgres:@", "gateway_reader:@")
    with psycopg.connect(tables.url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY gateway_reader; DROP ROLE gateway_reader")


@pytest.fixture
def healthy(reader, langfuse, redis_server):
    """Variables of a gateway in which nothing is wrong."""
    langfuse.project_id, langfuse.secret_key = PROJECT, SECRET
    return {
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": SECRET,
        "LANGFUSE_DATABASE_URL": reader,
        "LANGFUSE_ENCRYPTION_KEY": KEY,
        "GENAI_GATEWAY_KEYS": redis_server.url,
        "GENAI_GATEWAY_OPERATOR_TOKEN": TOKEN,
    }


@pytest.fixture
def doctor(genai):
    """Run it: the exit code, and what each check found. Whatever it says, it tells no secret."""

    def doctor(environ, *arguments):
        result = genai("gateway", "doctor", "--json", "--port", "0", *arguments, environ=environ)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert "canary" not in result.output
        found = json.loads(result.stdout)
        assert [row for row in found if (row["status"] == "ok") != (row["next"] is None)] == []
        return result.exit_code, found

    return doctor


def worst(found):
    """What is not well: check, status, message."""
    return [(row["check"], row["status"], row["message"]) for row in found if row["status"] != "ok"]


def test_nothing_is_wrong(doctor, healthy, provider, redis_server):
    """A gateway with keys: what it needs answers, and no model was asked."""
    code, found = doctor(healthy)
    assert (code, worst(found)) == (0, [])
    told = {row["check"]: row["message"] for row in found}
    assert told["callers"] == "each brings the Langfuse key pair of its project, or a narrower key"
    assert told["database"] == "the role gateway_reader can read the connections of 2 projects"
    assert told["encryption key"] == "it opens the newest 2 stored keys"
    assert told["redis"].endswith(" answers")
    assert told["operator"].startswith("who knows the token")
    assert not provider.requests


@pytest.mark.parametrize(
    ("change", "check", "message"),
    [
        ({"LANGFUSE_HOST": "http://127.0.0.1:1"}, "langfuse", "the connection is refused"),
        ({"LANGFUSE_HOST": "http://[::1"}, "langfuse host", "'http://[::1' is not an address"),
        ({"LANGFUSE_HOST": "http://langfuse:99999"}, "langfuse host", "is not an address"),
        ({"LANGFUSE_DATABASE_URL": "mysql://x"}, "database", "is not a Postgres address"),
        (
            {"LANGFUSE_ENCRYPTION_KEY": "6b" * 32},
            "encryption key",
            "it opens none of the stored keys",
        ),
        ({"GENAI_GATEWAY_KEYS": "redis://:canary@127.0.0.1:1/0"}, "redis", "redis://127.0.0.1:1"),
        ({"GENAI_GATEWAY_KEYS": "sqlite:////nowhere/keys.db"}, "key store", "cannot be written"),
        ({"GENAI_GATEWAY_KEYS": "mysql://canary"}, "key store", "neither a SQLite file nor"),
        ({"GENAI_GATEWAY_KEYS": "redis://[canary"}, "redis", "redis"),
        ({"GENAI_GATEWAY_PROXIES": "nginx"}, "variables", "GENAI_GATEWAY_PROXIES must have"),
        ({"GENAI_GATEWAY_KEYS_AWAY": "soon"}, "variables", "GENAI_GATEWAY_KEYS_AWAY is 'soon'"),
        ({"GENAI_GATEWAY_OPERATOR_TOKEN": "canary"}, "operator", "at least 32 ASCII letters"),
        ({"GENAI_GATEWAY_OPERATOR_TOKEN": "ключ" * 8}, "operator", "at least 32 ASCII letters"),
        ({"TMPDIR": "/nowhere"}, "run folder", "no place"),
    ],
)
def test_one_thing_is_wrong(doctor, healthy, monkeypatch, change, check, message):
    """Each fault is found by its check, says what to do next, and ends with 1."""
    monkeypatch.setattr("tempfile.tempdir", change.get("TMPDIR"))
    code, found = doctor(healthy | change)
    failed = [row for row in worst(found) if row[1] == "fail"]
    assert code == 1
    assert failed[0][0] == check
    assert message in failed[0][2]


def test_a_role_that_may_write(doctor, healthy, tables):
    """The gateway only reads."""
    code, found = doctor(healthy | {"LANGFUSE_DATABASE_URL": tables.url})
    assert code == 0
    assert ("database", "warn") in [row[:2] for row in worst(found)]


def test_a_key_that_opens_some(doctor, healthy, tables):
    """As after a rotation: those that do not open are counted."""
    tables.insert_connection(
        "old", "openai", "sk-canary", project_id=PROJECT, encryption_key="6b" * 32
    )
    _, found = doctor(healthy)
    assert worst(found) == [("encryption key", "warn", "it opens 2 of the newest 3 stored keys")]


def test_without_anything(doctor):
    """A gateway of one machine needs neither Langfuse nor a token, and its workers share nothing."""
    code, found = doctor({}, "--workers", "999")
    assert code == 0
    assert [row[:2] for row in worst(found)] == [("redis", "warn"), ("workers", "warn")]
    told = {row["check"]: row["message"] for row in found}
    assert told["callers"] == "everybody on this machine, with any key or none"


def test_for_everybody_else(doctor):
    """Others reach it: without keys that fails, and with --no-auth it is said what it means."""
    code, found = doctor({}, "--host", "0.0.0.0")
    assert code == 1
    assert [row[:2] for row in worst(found)] == [("callers", "fail"), ("tls", "warn")]
    code, found = doctor({}, "--host", "0.0.0.0", "--no-auth")
    assert code == 0
    assert [row[0] for row in worst(found)] == ["callers", "tls", "operator"]


def test_a_port_that_is_taken(genai):
    """It says so before the gateway would."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = str(other.getsockname()[1])
        result = genai("gateway", "doctor", "--json", "--port", number, environ={})
    assert result.exit_code == 1
    assert [row[0] for row in worst(json.loads(result.stdout))] == ["address"]


def test_a_configuration(doctor, tmp_path):
    """One that cannot be read fails with its place; what has no meaning in it is told with its place."""
    path = tmp_path / "genai.yaml"
    row = "{model_name: smart, litellm_params: {model: openai/gpt-4o, api_key: sk-canary}}"
    path.write_text(f"model_list: [{row}]\nlitellm_settings: {{set_verbose: true}}\n")
    code, found = doctor({}, "--config", str(path))
    assert code == 0
    assert {row[:2] for row in worst(found)} == {("configuration", "warn")}
    path.write_text("connections: [{name: a, provider: nobody, api_key: sk-canary}]\n")
    code, found = doctor({}, "--config", str(path))
    assert code == 1
    assert f"{path}:1:" in worst(found)[0][2]


def test_lines(genai):
    """For people: a line each, and what to do next below those that are not well."""
    result = genai("gateway", "doctor", "--port", "0", "--host", "0.0.0.0", environ={})
    assert result.exit_code == 1
    assert "fail  callers" in result.output
    assert "next: " in result.output
