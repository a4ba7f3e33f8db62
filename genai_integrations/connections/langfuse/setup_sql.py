"""SQL for a database role that can read one project's connections and nothing else."""

from __future__ import annotations

import re

from genai_integrations.errors import ConfigurationError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_NAME = 63
"""Postgres cuts longer names silently."""

_TEMPLATE = """\
-- A role that can read the LLM connections of one Langfuse project, and nothing else.
-- Those that the project's organisation owns are among them, in versions of Langfuse that have these.
-- Run it in Langfuse's Postgres database as the owner of its tables, e.g. with psql -v ON_ERROR_STOP=1.
-- The secrets stay encrypted: whoever reads them also needs Langfuse's ENCRYPTION_KEY.
BEGIN;

CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;

-- A schema of the role's name holds one view, named as Langfuse's table, so that readers need no option.
CREATE SCHEMA {role};
CREATE VIEW {role}.llm_api_keys WITH (security_barrier = true) AS
  SELECT DISTINCT ON (provider)
         id, created_at, {project}::text AS project_id, provider, adapter, secret_key, base_url,
         custom_models, with_default_models, extra_headers, config
  FROM {schema}.llm_api_keys AS stored
  WHERE project_id = {project}
     -- What the organisation owns, in versions of Langfuse that have these; others have no such key in the row.
     OR (project_id IS NULL AND to_jsonb(stored) ->> 'organization_id'
         = (SELECT org_id FROM {schema}.projects WHERE projects.id = {project}))
  -- The project's own one goes before the organisation's of the same name.
  ORDER BY provider, stored.project_id NULLS LAST;

REVOKE ALL ON SCHEMA {role} FROM PUBLIC;
REVOKE ALL ON {role}.llm_api_keys FROM PUBLIC;
GRANT USAGE ON SCHEMA {role} TO {role};
GRANT SELECT ON {role}.llm_api_keys TO {role};

ALTER ROLE {role} SET search_path = {role};
ALTER ROLE {role} SET default_transaction_read_only = on;
ALTER ROLE {role} SET statement_timeout = '10s';

COMMIT;

-- The role has no password yet and cannot log in with one. In psql, \\password sends only a hash of it:
--   \\password {role}
-- PostgreSQL 14 and older let every role create tables in the schema public, unless this was run once:
--   REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- An update of Langfuse that changes a column of its table has to wait until the view is dropped.
-- To take it all back:
--   DROP SCHEMA {role} CASCADE; DROP ROLE {role};
"""


def setup_sql(project_id: str, role: str = "genai_reader", *, schema: str = "public") -> str:
    """The SQL that makes a least-privilege role for `LANGFUSE_DATABASE_URL`.

    Args:
        project_id: Id of the project whose connections the role may read.
        role: Name of the role and of the schema that holds its view; one role reads one project.
        schema: Schema of Langfuse's tables.

    Raises:
        ConfigurationError: A name is one that Postgres cannot have, or would cut.
    """
    return _TEMPLATE.format(
        role=_identifier("role", role),
        schema=_identifier("schema", schema),
        project=_literal(project_id),
    )


def _identifier(what: str, name: str) -> str:
    if not name or _CONTROL.search(name) or len(name.encode()) > _LONGEST_NAME:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a {what}: 1 to {_LONGEST_NAME} bytes, no control characters"
        )
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _literal(project_id: str) -> str:
    if not project_id or _CONTROL.search(project_id):
        raise ConfigurationError(f"{project_id!r} cannot be the id of a Langfuse project")
    doubled = project_id.replace("'", "''")
    # Backslashes mean themselves only while standard_conforming_strings is on; E'' says what it means always.
    if "\\" not in doubled:
        return f"'{doubled}'"
    return "E'" + doubled.replace("\\", "\\\\") + "'"
