"""Three projects behind one gateway: everything of each bears its own mark, so that whatever leaks is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from tenants_support import ENCRYPTION_KEY, pair_of

from genai_integrations.testing.provider import ScriptedProvider

MARKS = {"a": "amber", "b": "birch", "c": "cedar"}


@dataclass
class Project:
    """One project of the lab.

    Attributes:
        mark: A word that is in all that is its own, and in nothing else.
        langfuse: Its stand-in.
        provider: The server that its connection leads to; it takes only the project's key.
    """

    mark: str
    langfuse: Any
    provider: ScriptedProvider
    http: httpx.Client | None = field(default=None)

    @property
    def key(self):
        """Its key pair."""
        return pair_of(self.langfuse)


def project_in(langfuses, database, name):
    """A project with a connection, a model and a prompt of its own, and some that have the same names everywhere."""
    mark = MARKS[name]
    langfuse = langfuses.add(f"project-{mark}", f"pk-lf-{mark}", f"sk-lf-{mark}-0123456789")
    langfuse.create_prompt(f"hidden-{mark}", f"The {mark} secret for {{{{name}}}}")
    langfuse.create_prompt("greeting", f"Greetings from {mark}, {{{{name}}}}")
    provider = ScriptedProvider(f"{mark}-server", api_keys={f"sk-{mark}"})
    provider.start()
    for connection, model in ((f"{mark}-own", f"{mark}-model"), ("seoul", "gpt-4o")):
        database.insert_connection(
            connection,
            "openai",
            f"sk-{mark}",
            encryption_key=ENCRYPTION_KEY,
            project_id=f"project-{mark}",
            base_url=f"{provider.url}/v1",
            custom_models=[model, "text-embedding-3-small"],
            with_default_models=False,
        )
    return Project(mark, langfuse, provider)
