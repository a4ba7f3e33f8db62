"""Connections in a real Postgres with the rows of a real Langfuse."""

from __future__ import annotations

import json
import logging
import socket

import pytest

from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.credentials import (
    ApiKey,
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    Credential,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.errors import (
    ConfigurationError,
    CredentialError,
    CredentialStoreError,
    DecryptionError,
)

PROVIDERS_OF_GOLDEN = {
    "openai_prod": "openai",
    "openrouter": "openrouter",
    "ollama_local": "ollama",
    "portkey": "portkey",
    "openai_responses": "openai",
    "azure_test": "azure",
    "anthropic_prod": "anthropic",
    "anthropic_proxy": "anthropic",
    "bedrock_test": "bedrock",
    "bedrock_token": "bedrock",
    "bedrock_role": "bedrock",
    "vertex_seoul": "vertex",
    "vertex_adc": "vertex",
    "gemini_seoul": "google-ai-studio",
    "gemini_usa": "google-ai-studio",
}


def as_stored(credential: Credential) -> object:
    """The credential in the shape in which it was sent to Langfuse."""
    match credential:
        case ApiKey(key):
            return key.reveal()
        case AwsKeyPair(key_id, key, None):
            return {"accessKeyId": key_id.reveal(), "secretAccessKey": key.reveal()}
        case AwsBearer(token):
            return {"apiKey": token.reveal()}
        case AwsDefault(None):
            return "__BEDROCK_DEFAULT_CREDENTIALS__"
        case GoogleServiceAccount(info, _):
            return json.loads(info.reveal())
        case GoogleDefault(None):
            return "__VERTEXAI_DEFAULT_CREDENTIALS__"
    raise AssertionError(credential)


def test_all_recorded_connections_come_out_as_they_went_in(
    postgres, make_store, golden_connections
):
    """Credential, headers, address, models and settings of each row are those its API request had."""
    requests = {
        item["request"]["provider"]: item["request"] for item in golden_connections["connections"]
    }
    connections = {connection.name: connection for connection in make_store(postgres).load(None)}

    assert list(connections) == list(requests), "the oldest first"
    for name, sent in requests.items():
        connection = connections[name]
        secret = sent["secretKey"]
        assert connection.provider.name == PROVIDERS_OF_GOLDEN[name]
        assert as_stored(open_credential(connection)) == (
            json.loads(secret) if secret[0] == "{" else secret
        )
        headers = {key: value.reveal() for key, value in open_headers(connection).items()}
        assert headers == sent.get("extraHeaders", {})
        assert connection.base_url == sent.get("baseURL")
        assert connection.custom_models == tuple(sent.get("customModels", ()))
        assert connection.with_default_models is sent.get("withDefaultModels", True)
        assert connection.dialect == ("responses" if name == "openai_responses" else None)


def test_where_projects_are_not_the_machines_they_have_none_of_its_credentials(
    postgres, golden_connections
):
    """A gateway's tenants write connections themselves: those that stand for the machine's credentials do not open."""
    store = LangfuseStore(
        postgres.url,
        [golden_connections["ENCRYPTION_KEY"]],
        project_id="lab-project",
        may_be_machine=False,
    )
    connections = {connection.name: connection for connection in store.load(None)}
    refused = {}
    for name, connection in connections.items():
        try:
            open_credential(connection)
        except CredentialError as error:
            refused[name] = str(error)

    assert refused.keys() == {"bedrock_role", "vertex_adc"}
    assert refused["bedrock_role"] == (
        "connection 'bedrock_role' stands for the credentials of the gateway's machine, which are not this project's: "
        "store keys of its own in it"
    )


def test_regions(postgres, make_store):
    """Bedrock's region and Vertex's location come from the row; Vertex has a default."""
    names = ["bedrock_token", "vertex_seoul", "vertex_adc", "openai_prod"]

    assert [connection.region for connection in make_store(postgres).load(names)] == [
        "ap-northeast-2",
        "asia-northeast3",
        "global",
        None,
    ]


def test_names_come_in_the_order_asked(postgres, make_store):
    """The order of the names decides, and a name that is not there is left out."""
    connections = make_store(postgres).load(["portkey", "no_such", "azure_test", "openai_prod"])

    assert [connection.name for connection in connections] == [
        "portkey",
        "azure_test",
        "openai_prod",
    ]


def test_another_projects_connections_are_invisible(database, make_store, golden_connections):
    """Neither all nor by name does a project see what another one stores."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.insert_connection(
        "theirs", "openai", "sk-theirs", project_id="other", encryption_key=key
    )

    assert "theirs" not in [connection.name for connection in make_store(database).load(None)]
    assert make_store(database).load(["theirs"]) == []
    (theirs,) = make_store(database, project_id="other").load(None)
    assert open_credential(theirs).key.reveal() == "sk-theirs"


def test_the_project_is_known_after_the_first_load(postgres, make_store):
    """Kept answers are apart for each project."""
    store = make_store(postgres, project_id="lab-project")
    assert store.project_id is None
    store.load(None)

    assert store.project_id == "lab-project"


@pytest.mark.parametrize("project_id", ["", "lab-project' OR '1'='1", "%", "lab%"])
def test_a_project_id_is_never_sql(postgres, make_store, project_id):
    """Whatever the project's id holds, it is compared, not run."""
    assert make_store(postgres, project_id=project_id).load(None) == []


def test_a_damaged_row_breaks_only_itself(database, make_store, golden_connections):
    """A row that cannot be decrypted is named when it is used; the others work."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.update_connection(
        "portkey", project_id="lab-project", encryption_key=key, secret_key="x"
    )
    store = make_store(database)

    portkey, openai = store.load(["portkey", "openai_prod"])

    with pytest.raises(
        DecryptionError, match=r"secret_key of connection 'portkey' is not in Langfuse's"
    ):
        open_credential(portkey)
    assert open_headers(portkey)["x-portkey-config"].reveal() == "pc-golden"
    assert open_credential(openai).key.reveal() == "sk-proj-golden-openai-0001"


def test_damaged_headers_are_named(database, make_store, golden_connections):
    """The column is named too, because the two are encrypted apart."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.update_connection(
        "portkey", project_id="lab-project", encryption_key=key, extra_headers="x"
    )

    (portkey,) = make_store(database).load(["portkey"])

    with pytest.raises(DecryptionError, match="extra_headers of connection 'portkey'"):
        open_headers(portkey)


def test_a_wrong_encryption_key_is_named_with_the_row(postgres, make_store):
    """The rows can still be listed; using one says which key is wrong."""
    connections = make_store(postgres, keys=["0123" * 16]).load(None)

    assert len(connections) == 15
    with pytest.raises(
        DecryptionError, match=r"'openai_prod' cannot be decrypted.*LANGFUSE_ENCRYPTION_KEY"
    ):
        open_credential(connections[0])


def test_an_old_encryption_key_still_reads_old_rows(postgres, make_store, golden_connections):
    """After a rotation, both keys are given, the new one first."""
    keys = ["0123" * 16, golden_connections["ENCRYPTION_KEY"]]

    (openai,) = make_store(postgres, keys=keys).load(["openai_prod"])

    assert open_credential(openai).key.reveal() == "sk-proj-golden-openai-0001"


@pytest.mark.parametrize(
    ("adapter", "fields", "says"),
    [
        ("atla", {}, "unknown adapter 'atla'"),
        ("bedrock", {}, "no AWS region"),
        ("bedrock", {"config": {"region": 7}}, "no AWS region"),
        ("bedrock", {"config": {"region": "evil.example/?"}}, "region is made of"),
        ("google-vertex-ai", {"config": {"location": "a.b"}}, "region is made of"),
        ("azure", {}, "no base URL"),
        ("azure", {"base_url": " "}, "no base URL"),
    ],
)
def test_a_row_that_cannot_work_is_broken_by_name(
    *, database, make_store, golden_connections, adapter, fields, says
):
    """It comes as a broken connection that says why; the others are not affected."""
    key = golden_connections["ENCRYPTION_KEY"]
    database.insert_connection(
        "odd", adapter, "{}", project_id="lab-project", encryption_key=key, **fields
    )

    *others, odd = make_store(database).load(None)

    assert isinstance(odd, BrokenConnection)
    assert odd.name == "odd"
    assert says in str(odd.error)
    assert all(isinstance(other, Connection) for other in others)


@pytest.mark.parametrize("config", [None, {}, {"later": {"nested": True}}])
def test_unknown_settings_do_not_matter(database, make_store, golden_connections, config):
    """NULL, an empty object and keys of later versions are all fine."""
    key = golden_connections["ENCRYPTION_KEY"]
    for adapter in ("openai", "google-vertex-ai"):
        database.insert_connection(
            adapter,
            adapter,
            "sk",
            project_id="p",
            encryption_key=key,
            config=config,
            custom_models=["m"],
        )

    openai, vertex = make_store(database, project_id="p").load(None)

    assert (openai.dialect, openai.custom_models) == (None, ("m",))
    assert vertex.region == "global"


def test_what_langfuse_itself_ignores_is_ignored(database, make_store, golden_connections):
    """A base URL on Bedrock or Vertex, and headers that Langfuse would not send, lead nowhere."""
    for adapter in ("bedrock", "google-vertex-ai", "google-ai-studio"):
        database.insert_connection(
            adapter,
            adapter,
            "{}",
            project_id="p",
            encryption_key=golden_connections["ENCRYPTION_KEY"],
            base_url="https://evil.example",
            config={"region": "us-east-1"},
            extra_headers={"x-a": "b"},
        )

    bedrock, vertex, gemini = make_store(database, project_id="p").load(None)

    assert (bedrock.base_url, vertex.base_url) == (None, None)
    assert gemini.base_url == "https://evil.example"
    assert (bedrock.extra_headers, gemini.extra_headers) == (None, None)
    assert vertex.extra_headers is not None


def test_unchanged_rows_stay_the_same_connection(database, make_store, golden_connections):
    """A change makes one new object, so that what is kept for the others can be kept."""
    store = make_store(database)
    before = {connection.name: connection for connection in store.load(None)}
    database.update_connection(
        "portkey",
        project_id="lab-project",
        encryption_key=golden_connections["ENCRYPTION_KEY"],
        secret="pk-rotated",
    )

    after = {connection.name: connection for connection in store.load(None)}

    assert [name for name, connection in after.items() if connection is not before[name]] == [
        "portkey"
    ]
    assert open_credential(after["portkey"]).key.reveal() == "pk-rotated"


def test_the_project_is_asked_at_every_load(postgres, golden_connections, caplog):
    """A revoked key pair reads nothing more; while Langfuse is away, the project stays known."""
    answers = [
        CredentialStoreError("away"),
        "lab-project",
        CredentialStoreError("away"),
        CredentialError("revoked"),
    ]

    def project_id():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    store = LangfuseStore(
        postgres.url, [golden_connections["ENCRYPTION_KEY"]], project_id=project_id
    )

    with pytest.raises(CredentialStoreError, match="away"):
        store.load(None)
    assert len(store.load(None)) == 15
    with caplog.at_level(logging.WARNING, "genai_integrations"):
        assert len(store.load(None)) == 15
    assert "still reading project lab-project" in caplog.text
    with pytest.raises(CredentialError, match="revoked"):
        store.load(None)


def test_keys_are_checked_at_construction():
    """A key that can never work is reported before the first call."""
    with pytest.raises(ConfigurationError, match="key 1 of 1"):
        LangfuseStore("postgresql://h/d", ["x"], project_id=str)


def test_prismas_parameters_are_accepted(postgres, make_store):
    """The address that Langfuse itself uses can be copied, with the parameters only Prisma knows."""
    url = f"{postgres.url}&schema=public&connection_limit=5&pgbouncer=true"

    assert len(make_store(url).load(None)) == 15


def test_another_schema_is_found(database, make_store):
    """Prisma's `schema` says where the tables are."""
    import psycopg

    with psycopg.connect(database.url) as connection:
        connection.execute(
            'CREATE SCHEMA "lang""fuse"; ALTER TABLE llm_api_keys SET SCHEMA "lang""fuse"'
        )

    assert len(make_store(f"{database.url}&schema=lang%22fuse").load(None)) == 15
    with pytest.raises(
        CredentialStoreError, match=r"no table llm_api_keys.*is this Langfuse's database\?"
    ):
        make_store(database).load(None)


def test_connection_strings_of_key_and_value_are_accepted(postgres, make_store):
    """The other way to write a Postgres address works too."""
    import psycopg

    options = psycopg.conninfo.conninfo_to_dict(postgres.url)

    assert len(make_store(psycopg.conninfo.make_conninfo(**options)).load(None)) == 15


def test_a_missing_column_is_an_old_langfuse(database, make_store):
    """The error says what is missing and what is needed."""
    import psycopg

    with psycopg.connect(database.url) as connection:
        connection.execute("ALTER TABLE llm_api_keys DROP COLUMN extra_headers")

    with pytest.raises(CredentialStoreError, match="lacks a column"):
        make_store(database).load(None)


def test_a_role_without_rights_is_told_what_to_do(database, make_store):
    """Permission denied leads to `genai setup-db`."""
    import psycopg

    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE nobody_special LOGIN")
    url = database.url.replace("postgres:@", "nobody_special:@")

    with pytest.raises(CredentialStoreError, match=r"may not read llm_api_keys.*genai setup-db"):
        make_store(url).load(None)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP ROLE nobody_special")


def test_unknown_roles_and_databases(postgres, make_store):
    """What does not exist on the server is said to be missing there."""
    for url in (
        postgres.url.replace("postgres:@", "nobody_at_all:CANARY@"),
        postgres.url.replace("/langfuse?", "/nothing?"),
    ):
        with pytest.raises(CredentialStoreError, match="does not exist there") as caught:
            make_store(url).load(None)
        assert "CANARY" not in str(caught.value)


def test_a_database_that_is_down(make_store):
    """The error is one line, names the host and hides the password; nothing of psycopg hangs on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(CredentialStoreError) as caught:
            make_store(f"postgresql://reader:CANARY@127.0.0.1:{port}/langfuse").load(None)

    message = str(caught.value)
    assert f"127.0.0.1:{port}/langfuse" in message
    assert "nothing listens there" in message
    assert "\n" not in message
    assert "CANARY" not in message
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:CAN@CANARY@127.0.0.1/db",
        "postgresql://reader:CANARY/x@127.0.0.1/db",
        "postgresql://reader:CANARY#x@127.0.0.1/db",
        "postgresql://reader:CANARY?x@127.0.0.1/db",
        "postgresql://reader:%zzCANARY@127.0.0.1/db",
        "postgresql://reader:CANARY@127.0.0.1/db?nonsense=1",
        "mysql://reader:CANARY@127.0.0.1/db",
        "host=127.0.0.1 password='CANARY",
        "CANARY",
        "postgresql://reader:CANARY@127.0.0.1:port/db",
    ],
)
def test_an_address_that_is_none_is_not_repeated(make_store, url):
    """A badly written address may hold the password anywhere, so the error shows none of it."""
    with pytest.raises(CredentialStoreError, match="LANGFUSE_DATABASE_URL") as caught:
        make_store(url).load(None)

    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_password_in_the_servers_words_is_scrubbed(postgres, make_store):
    """Even where the server repeats it, as with a user of the same name."""
    url = postgres.url.replace("postgres:@", "swordfish:swordfish@")

    with pytest.raises(CredentialStoreError) as caught:
        make_store(url).load(None)

    assert "swordfish" not in str(caught.value)


def test_the_store_only_reads(database, make_store, monkeypatch):
    """Even with a role that may write, the connection cannot."""
    from genai_integrations.connections.langfuse import store as langfuse_store

    monkeypatch.setattr(langfuse_store, "_OWN", b"DELETE FROM llm_api_keys RETURNING id")

    with pytest.raises(CredentialStoreError, match="read-only transaction"):
        make_store(database).load(None)
