"""The SQL of a role that reads one project, run on a real Postgres."""

from __future__ import annotations

from urllib.parse import quote

import psycopg
import pytest

from genai_integrations.connections.credentials import open_credential
from genai_integrations.connections.langfuse.setup_sql import setup_sql
from genai_integrations.errors import ConfigurationError, CredentialStoreError


@pytest.fixture
def run_setup(database):
    """Run the SQL as the database's owner; the roles are dropped afterwards, as they belong to the server."""
    roles = []

    def run(project_id, role):
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(setup_sql(project_id, role))
            roles.append(psycopg.sql.Identifier(role))
        return database.url.replace("postgres:@", f"{quote(role, safe='')}:@")

    yield run
    with psycopg.connect(database.url, autocommit=True) as connection:
        for role in roles:
            statement = psycopg.sql.SQL("DROP SCHEMA {role} CASCADE; DROP ROLE {role}")
            connection.execute(statement.format(role=role))


@pytest.fixture
def reader(database, run_setup, golden_connections):
    """Address of a role that may read the recorded project; another project is there too."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.insert_connection(
        "theirs", "openai", "sk-theirs", project_id="other", encryption_key=key
    )
    return run_setup("lab-project", "genai_reader")


def test_the_role_reads_its_project(reader, make_store):
    """All that the store needs is there, with no option but the address."""
    connections = make_store(reader).load(None)

    assert len(connections) == 15
    assert open_credential(connections[0]).key.reveal() == "sk-proj-golden-openai-0001"


def test_prismas_address_still_finds_the_view(reader, make_store):
    """`schema=public`, copied from Langfuse's own address, does not lead past the view."""
    assert len(make_store(f"{reader}&schema=public").load(None)) == 15


def test_the_role_sees_no_other_project(reader, make_store):
    """Not even by claiming to be the other project, which is told whose role it is."""
    with pytest.raises(CredentialStoreError) as caught:
        make_store(reader, project_id="other").load(None)

    assert str(caught.value) == (
        "the role in LANGFUSE_DATABASE_URL reads the project lab-project, but the key pair belongs to other: "
        "use the role of that project, or make one with `genai setup-db --role NAME`"
    )
    assert make_store(reader).load(["absent"]) == []


_NOT_POSSIBLE = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ObjectNotInPrerequisiteState,  # a view that nobody can write to
    psycopg.errors.UndefinedTable,
)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM public.llm_api_keys",
        "SELECT 1 FROM api_keys",
        "SELECT 1 FROM public.api_keys",
        "SELECT 1 FROM public.projects",
        "UPDATE llm_api_keys SET base_url = 'https://evil.example'",
        "DELETE FROM llm_api_keys",
        "INSERT INTO public.projects VALUES ('x')",
        "CREATE TABLE genai_reader.x ()",
        "CREATE TABLE public.x ()",
        "CREATE ROLE another",
        "DROP VIEW llm_api_keys",
    ],
)
def test_the_role_can_do_nothing_else(reader, statement):
    """No other table, no write, no new object, even when it switches off the read-only default."""
    with psycopg.connect(reader, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(_NOT_POSSIBLE):
            connection.execute(statement)


def test_writes_are_off_by_default(reader):
    """The role starts every transaction read-only."""
    with (
        psycopg.connect(reader, autocommit=True) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("CREATE TEMP TABLE x ()")


def test_a_condition_cannot_look_behind_the_view(reader):
    """A reader's own condition never meets another project's row, where it could tell of it by failing."""
    query = "SELECT count(*) FROM llm_api_keys WHERE 1 / (CASE provider WHEN 'theirs' THEN 0 ELSE 1 END) = 1"

    with psycopg.connect(reader) as connection:
        assert connection.execute(query).fetchone() == (15,)


@pytest.mark.parametrize(
    ("project_id", "role"),
    [
        ("it's; DROP TABLE llm_api_keys; --", 'odd "name"; --'),
        ("back\\slash'", "Größe"),
        ("%(x)s {y} $$ :'z'", "select"),
    ],
)
def test_odd_names_are_only_names(
    *, database, run_setup, make_store, golden_connections, project_id, role
):
    """Quotes, backslashes and keywords in names do what they say and nothing more."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.insert_connection(
        "mine", "openai", "sk-mine", project_id=project_id, encryption_key=key
    )

    with psycopg.connect(run_setup(project_id, role), autocommit=True) as connection:
        assert connection.execute("SELECT provider FROM llm_api_keys").fetchall() == [("mine",)]
    assert len(make_store(database).load(None)) == 15


@pytest.mark.parametrize(
    ("project_id", "role"),
    [("", "r"), ("p\n; DROP", "r"), ("p", ""), ("p", "r\n--"), ("p", "é" * 32)],
)
def test_names_that_postgres_cannot_have_are_refused(project_id, role):
    """Line breaks would leave a comment, and long names would be cut."""
    with pytest.raises(ConfigurationError):
        setup_sql(project_id, role)


def test_no_password_is_in_the_sql():
    """The administrator sets it, in a way that no log sees."""
    sql = setup_sql("lab-project")

    assert "PASSWORD '" not in sql
    assert '\\password "genai_reader"' in sql


def test_running_it_twice_changes_nothing(reader, run_setup, make_store):
    """The second run fails as a whole, and the first one's role still works."""
    with pytest.raises(psycopg.errors.DuplicateObject):
        run_setup("other", "genai_reader")

    assert len(make_store(reader).load(None)) == 15
    with pytest.raises(CredentialStoreError):
        make_store(reader.replace("genai_reader", "genai_writer")).load(None)
