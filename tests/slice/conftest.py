"""A program's set-up as in the README: keys in Langfuse's Postgres, two regions, one of them Azure's."""

from __future__ import annotations

import pytest

from genai_integrations import GenAIClient
from genai_integrations.testing.provider import ScriptedProvider

KEY = "0123456789abcdef" * 4


@pytest.fixture
def regions():
    """The servers of two regions, each of which knows only its own key."""
    with (
        ScriptedProvider("seoul", api_keys={"sk-seoul"}) as seoul,
        ScriptedProvider("usa", api_keys={"sk-usa"}) as usa,
        ScriptedProvider("azure", api_keys={"az-key"}) as azure,
    ):
        yield {"seoul": seoul, "usa": usa, "azure_test": azure}


@pytest.fixture
def project(database, langfuse, regions, monkeypatch):
    """A Langfuse project with three connections, and the environment that leads to it."""
    add = {"project_id": "lab-project", "encryption_key": KEY}
    for name in ("seoul", "usa"):
        url = f"{regions[name].url}/v1"
        database.insert_connection(name, "openai", f"sk-{name}", base_url=url, **add)
    database.update_connection(
        "azure_test", base_url=f"{regions['azure_test'].url}/openai", secret="az-key", **add
    )
    langfuse.create_prompt("variable_template", "Translate into {{language}}: {{text}}")
    for name, value in {
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_DATABASE_URL": database.url,
        "LANGFUSE_ENCRYPTION_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return database


@pytest.fixture
def client(project):
    """The README's client."""
    with GenAIClient(
        llm_connection_names=["seoul", "usa", "azure_test"],
        router_args={
            "fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}, {"gpt-4o": ["gpt-4o-mini"]}],
            "num_retries": 2,
            "timeout": 30,
        },
    ) as client:
        yield client
