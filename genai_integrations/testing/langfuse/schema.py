"""What Langfuse 4.16.0 keeps in Postgres about projects, keys and connections."""

from __future__ import annotations

_SENTINELS = {
    "__BEDROCK_DEFAULT_CREDENTIALS__": "Default AWS credentials",
    "__VERTEXAI_DEFAULT_CREDENTIALS__": "Default GCP credentials (ADC)",
}


def display_secret(secret: str) -> str:
    """What Langfuse shows of a secret: its last four characters, without the end of a JSON text."""
    if secret in _SENTINELS:
        return _SENTINELS[secret]
    return f"...{secret[-6:-2]}" if secret.endswith('"}') else f"...{secret[-4:]}"


TABLES = """
CREATE TYPE "ApiKeyScope" AS ENUM ('ORGANIZATION', 'PROJECT');

CREATE TABLE organizations (
    id text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE projects (
    id text PRIMARY KEY,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    deleted_at timestamp(3),
    name text NOT NULL,
    org_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE api_keys (
    id text PRIMARY KEY,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    note text,
    public_key text NOT NULL UNIQUE,
    hashed_secret_key text NOT NULL UNIQUE,
    fast_hashed_secret_key text UNIQUE,
    display_secret_key text NOT NULL,
    last_used_at timestamp(3),
    expires_at timestamp(3),
    is_in_app_agent_key boolean NOT NULL DEFAULT false,
    project_id text REFERENCES projects (id) ON DELETE CASCADE ON UPDATE CASCADE,
    organization_id text REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE,
    scope "ApiKeyScope" NOT NULL DEFAULT 'PROJECT',
    created_by_user_id text,
    created_by_api_key_id text
);

CREATE TABLE llm_api_keys (
    id text PRIMARY KEY,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    provider text NOT NULL,
    adapter text NOT NULL,
    display_secret_key text NOT NULL,
    secret_key text NOT NULL,
    base_url text,
    custom_models text[] NOT NULL DEFAULT '{}',
    with_default_models boolean NOT NULL DEFAULT true,
    extra_headers text,
    extra_header_keys text[] NOT NULL DEFAULT '{}',
    config jsonb,
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT llm_api_keys_project_id_provider_key UNIQUE (project_id, provider)
);

CREATE UNIQUE INDEX llm_api_keys_id_key ON llm_api_keys (id);
"""


ORGANISATIONS_OWN = """
ALTER TABLE llm_api_keys ADD COLUMN organization_id text REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE llm_api_keys ALTER COLUMN project_id DROP NOT NULL;
ALTER TABLE llm_api_keys ADD CONSTRAINT llm_api_keys_one_owner CHECK (num_nonnulls(project_id, organization_id) = 1);
ALTER TABLE llm_api_keys ADD CONSTRAINT llm_api_keys_organization_id_provider_key UNIQUE (organization_id, provider);
"""
"""What later versions change: an organisation may own connections, which all of its projects have."""
