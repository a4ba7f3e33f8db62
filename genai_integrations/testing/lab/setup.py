"""A whole set-up on this machine, for notebooks and for trying things out: no account, no key, no cost."""

from __future__ import annotations

import atexit
import contextlib
import secrets
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.lab.answers import lab_answer
from genai_integrations.testing.langfuse.stand_in import LangfuseStandIn
from genai_integrations.testing.postgres.database import LangfuseDatabase
from genai_integrations.testing.provider import ScriptedProvider

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient
    from genai_integrations.testing.local_model.model import LocalModel

_PROJECT = "lab-project"
_MODELS = ("gpt-4o", "gpt-4o-mini")
_CLAUDE = "claude-sonnet-4-5"
_SECONDS_PER_WORD = {"gpt-4o": 0.02, "gpt-4o-mini": 0.01, _CLAUDE: 0.03}
"""Models that answer at once would not look like models."""


class Lab:
    """Providers that answer from a script, their encrypted keys in a real Postgres, and Langfuse's API.

    Three connections: `seoul` and `usa` speak OpenAI's API and serve `gpt-4o` and `gpt-4o-mini`, `claude`
    speaks Anthropic's and serves `claude-sonnet-4-5`. The calls, the keys and the fail-overs are real; what
    the models say is made up. It ends with the process, or by `close()`, or as a context manager.

    Args:
        local_model: Add the connection `local` with `smollm2-135m`, a real small language model. Its file,
            93 MB, is fetched the first time.

    Attributes:
        client: A client of this project.
        seoul: One provider; `seoul.close()` takes it down, `seoul.start()` brings it back.
        usa: Another one.
        anthropic: The one behind `claude`.
        langfuse: Langfuse's API: its prompts can be changed, and the traces that arrived be read.
        database: Langfuse's database.

    Raises:
        ImportError: Postgres is not installed.
        ConfigurationError: The local model is not installed, or cannot be fetched.
    """

    def __init__(self, *, local_model: bool = False) -> None:
        self._parts = contextlib.ExitStack()
        atexit.register(self.close)
        try:
            self._start(local_model)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Lab({self.langfuse.host})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything; nothing happens the second time."""
        atexit.unregister(self.close)
        self._parts.close()

    def new_client(self, **options: Any) -> GenAIClient:
        """Another client of the same project.

        Args:
            options: Of `GenAIClient`, such as `router_args`.
        """
        from genai_integrations.client import GenAIClient
        from genai_integrations.connections.langfuse.project import fetch_project_id
        from genai_integrations.connections.langfuse.store import LangfuseStore

        pair = self.langfuse.public_key, self.langfuse.secret_key
        project = partial(fetch_project_id, self.langfuse.host, *pair)
        store = LangfuseStore(self.database.url, [self._encryption_key], project_id=project)
        client = GenAIClient(*pair, self.langfuse.host, connections=store, **options)
        self._parts.callback(client.close)
        self._parts.callback(client.flush)
        return client

    def _start(self, local_model: bool) -> None:
        self._encryption_key = secrets.token_hex(32)
        self.database = self._parts.enter_context(LangfuseDatabase())
        self.langfuse = self._parts.enter_context(
            LangfuseStandIn(
                f"pk-lf-lab-{secrets.token_hex(8)}",
                f"sk-lf-lab-{secrets.token_hex(16)}",
                _PROJECT,
                project_name="Lab",
            )
        )
        pace = {model: Fault.drip(self._beat(each), step=True) for model, each in _PACE}
        self.seoul = self._provider("seoul", "openai", "/v1", _MODELS, pace)
        self.usa = self._provider("usa", "openai", "/v1", _MODELS, pace)
        self.anthropic = self._provider("claude", "anthropic", "", (_CLAUDE,), pace)
        if local_model:
            model = self._parts.enter_context(_local_model())
            self._store("local", "openai", model.api_key, model.url, (model.model,))
        self._write_prompts()
        self.client = self.new_client()

    def _provider(
        self, name: str, adapter: str, path: str, models: tuple[str, ...], pace: dict[str, Fault]
    ) -> ScriptedProvider:
        key = secrets.token_urlsafe(24)
        provider = self._parts.enter_context(
            ScriptedProvider(name, api_keys=[key], faults=pace, replies={"*": lab_answer})
        )
        self._store(name, adapter, key, f"{provider.url}{path}", models)
        return provider

    def _store(
        self, name: str, adapter: str, key: str, base_url: str, models: tuple[str, ...]
    ) -> None:
        self.database.insert_connection(
            name,
            adapter,
            key,
            project_id=_PROJECT,
            encryption_key=self._encryption_key,
            base_url=base_url,
            custom_models=models,
            with_default_models=False,
        )

    def _write_prompts(self) -> None:
        """Two prompts with a second version labelled `strict`, and a chat prompt."""
        for name, text in _PROMPTS.items():
            self.langfuse.create_prompt(name, text)
            self.langfuse.create_prompt(name, f"{_STRICT} {text}", labels=["strict"])
        self.langfuse.create_prompt("qa_template", _QA)

    def _beat(self, seconds: float) -> threading.Event:
        """An event that is set again and again, for as long as the lab is there."""
        beat, over = threading.Event(), threading.Event()

        def run() -> None:
            while not over.wait(seconds):
                beat.set()

        threading.Thread(target=run, name="lab-pace", daemon=True).start()
        self._parts.callback(over.set)
        return beat


_PACE = tuple(_SECONDS_PER_WORD.items())
_PROMPTS = {
    "variable_template": "Translate the following text into {{language}}: {{text}}",
    "to_korean": "Translate into Korean: {{input}}",
}
_STRICT = "Answer with only the translation."
_QA = (
    {"role": "system", "content": "Answer with only the fact from the context."},
    {"role": "user", "content": "Context:\n{{context_str}}\n\nQuestion: {{query_str}}\nAnswer:"},
)


def _local_model() -> LocalModel:
    from genai_integrations.testing.local_model.model import LocalModel
    from genai_integrations.testing.local_model.model_file import fetch_model

    return LocalModel(fetch_model())
