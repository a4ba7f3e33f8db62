"""Several Langfuse projects behind one address, as a server has them."""

from __future__ import annotations

import base64
import binascii

from genai_integrations.testing.langfuse import LangfuseStandIn
from genai_integrations.testing.postgres.database import encrypt
from genai_integrations.testing.server import LoopbackServer

ENCRYPTION_KEY = "ab" * 32


class Langfuses(LoopbackServer):
    """Answers each request as the project whose secret key it has; as there, public keys are not compared."""

    def __init__(self):
        super().__init__()
        self.projects = []
        self._nobody = LangfuseStandIn("pk-lf-nobody", "sk-lf-nobody", "nobody")

    def add(self, project_id, public_key, secret_key):
        """A project; gives its stand-in, for its prompts, spans and so on."""
        made = LangfuseStandIn(public_key, secret_key, project_id, project_name=project_id)
        self.projects.append(made)
        return made

    async def respond(self, request, exchange):
        """Answer one request."""
        secret = _secret_of(request.headers.get("authorization", ""))
        found = [row for row in self.projects if row.secret_key == secret]
        await (found[0] if found else self._nobody).respond(request, exchange)


def _secret_of(header):
    try:
        return base64.b64decode(header.partition(" ")[2]).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def pair_of(project):
    """The key pair of a project, as it is shown."""
    return f"{project.public_key}:{project.secret_key}"


def stored(database, projects, provider, key="sk-{project}", name="seoul"):
    """Give each project an LLM connection to a provider, with a key of its own."""
    models = ["gpt-4o", "gpt-4o-mini"]
    owner = {"id": "lab-org", "name": "Lab Org"}
    database.insert_rows("organizations", [owner])
    database.insert_rows(
        "projects", [{"id": row, "name": row, "org_id": "lab-org"} for row in projects]
    )
    rows = [
        {
            "id": f"connection-{project}",
            "provider": name,
            "adapter": "openai",
            "display_secret_key": "...",
            "secret_key": encrypt(key.format(project=project), ENCRYPTION_KEY),
            "base_url": f"{provider.url}/v1",
            "custom_models": models,
            "with_default_models": False,
            "project_id": project,
        }
        for project in projects
    ]
    database.insert_rows("llm_api_keys", rows)
