"""Connections that an organisation owns, as later versions of Langfuse have them."""

from __future__ import annotations

import logging

import psycopg
import pytest

from genai_integrations.connections.credentials import open_credential
from genai_integrations.connections.langfuse.setup_sql import setup_sql

ROLE = "org_reader"


@pytest.fixture
def later(database, golden_connections):
    """A later Langfuse: the project's organisation has two connections, another organisation one."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.add_project("lab-project")
    database.let_organisations_own()
    database.insert_rows("organizations", [{"id": "theirs", "name": "Theirs"}])
    with psycopg.connect(database.url, autocommit=True) as connection:
        query = "SELECT org_id FROM projects WHERE id = 'lab-project'"
        (ours,) = connection.execute(query).fetchone()
    for owner, name, secret in (
        (ours, "shared", "sk-shared"),
        (ours, "portkey", "sk-of-the-organisation"),
        ("theirs", "not-ours", "sk-theirs"),
    ):
        database.insert_connection(
            name, "openai", secret, organization_id=owner, encryption_key=key
        )
    return database


def role_of(database, *statements):
    """The address of a new role that these statements make what it is."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return database.url.replace("postgres:@", f"{ROLE}:@")


@pytest.fixture
def drop_role(database):
    """Roles belong to the server, so they are dropped after the test."""
    yield
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {ROLE} CASCADE")
        connection.execute(f"DROP SCHEMA IF EXISTS {ROLE} CASCADE")
        connection.execute(f"DROP ROLE {ROLE}")


def secrets(connections):
    return {row.name: open_credential(row).key.reveal() for row in connections if row.name in ("shared", "portkey")}  # fmt: skip


def test_a_project_has_those_of_its_organisation(later, make_store):
    """After its own; where both have a name, the project's counts. Another organisation's are not there."""
    connections = make_store(later).load(None)

    assert len(connections) == 16
    assert connections[-1].name == "shared"
    assert secrets(connections) == {"portkey": "pk-portkey-golden-0003", "shared": "sk-shared"}
    assert "not-ours" not in [row.name for row in connections]


def test_they_are_found_by_name(later, make_store):
    """In the order that was asked for."""
    found = make_store(later).load(["shared", "portkey", "not-ours"])

    assert [row.name for row in found] == ["shared", "portkey"]
    assert secrets(found)["portkey"] == "pk-portkey-golden-0003"


def test_another_project_of_the_organisation_has_them_too(later, make_store):
    """A new project, which has none of its own."""
    with psycopg.connect(later.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO projects (id, name, org_id) "
            "SELECT 'empty', 'Empty', org_id FROM projects WHERE id = 'lab-project'"
        )

    connections = make_store(later, project_id="empty").load(None)

    assert secrets(connections) == {"shared": "sk-shared", "portkey": "sk-of-the-organisation"}


@pytest.mark.parametrize("upgrade_after", [False, True])
def test_the_role_of_setup_db_sees_them(database, upgrade_after, request, make_store, drop_role):
    """Whether it was made before the update of Langfuse or after it; the project's own goes first."""
    if upgrade_after:
        url = role_of(database, setup_sql("lab-project", ROLE))
        assert len(make_store(url).load(None)) == 15
        request.getfixturevalue("later")
    else:
        url = role_of(request.getfixturevalue("later"), setup_sql("lab-project", ROLE))

    connections = make_store(url).load(None)

    assert len(connections) == 16
    assert secrets(connections) == {"portkey": "pk-portkey-golden-0003", "shared": "sk-shared"}


@pytest.mark.usefixtures("drop_role")
def test_a_role_that_may_not_read_projects_is_told_once(later, make_store, caplog):
    """The project's own connections are there; what is missing is said, and what to do."""
    url = role_of(later, f"CREATE ROLE {ROLE} LOGIN", f"GRANT SELECT ON llm_api_keys TO {ROLE}")
    store = make_store(url)

    with caplog.at_level(logging.WARNING, "genai_integrations"):
        assert len(store.load(None)) == len(store.load(None)) == 15

    assert caplog.text.count("connections of the organisation cannot be seen") == 1
    assert "genai setup-db" in caplog.text
