"""What the owner of a project does with its narrow keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genai_integrations.connections.langfuse.project import fetch_project_id
from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.keys.narrow import NarrowKey, checked_terms, issued, text_of
from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.gateway.keys.stores import KeyStore, key_store
from genai_integrations.settings import read_gateway_settings


class Owner:
    """Gives out keys of one project, lists them, and takes them back.

    Args:
        project: Its id, as Langfuse has said it.
        pair: Its key pair.
        store: Where the keys are.
    """

    def __init__(self, project: str, pair: Pair, store: KeyStore) -> None:
        self._project = project
        self._pair = pair
        self._store = store

    def create(
        self,
        name: str,
        *,
        models: Sequence[object] | None,
        budget: Mapping[str, object] | None,
        expires: float | None,
        created: float,
    ) -> str:
        """A new key, as its holder writes it: it is nowhere else. See `checked_terms`.

        Raises:
            ConfigurationError: The terms cannot be, or the project has a key of that name.
            CredentialStoreError: The store cannot be used.
        """
        terms = checked_terms(
            name, self._project, models=models, budget=budget, expires=expires, created=created
        )
        key, token = issued(terms, self._pair)
        if not self._store.add(key):
            raise ConfigurationError(
                f"the project has a key {name!r} already: revoke it, or take another name"
            )
        return text_of(token)

    def every(self) -> list[NarrowKey]:
        """Those of the project."""
        return self._store.of(self._project)

    def revoke(self, name: str) -> None:
        """Forget a key of the project.

        Raises:
            ConfigurationError: It has none of that name.
        """
        found = next((key for key in self.every() if key.terms.name == name), None)
        if found is None:
            names = ", ".join(key.terms.name for key in self.every()) or "none"
            raise ConfigurationError(f"the project has no key {name!r}; it has {names}")
        self._store.remove(found)


def owner(store: str | None = None) -> Owner:
    """The owner of the project whose key pair is in the environment.

    Args:
        store: Address of the store; default `GENAI_GATEWAY_KEYS`.

    Raises:
        ConfigurationError: There is no pair, or no store.
        CredentialError: Langfuse refuses the pair, or cannot be asked.
    """
    settings = read_gateway_settings()
    address = store or settings.key_store
    if settings.pair is None:
        raise ConfigurationError(
            "keys belong to a project: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
        )
    if not address:
        raise ConfigurationError(
            "there is no place for keys: set GENAI_GATEWAY_KEYS, or say --store sqlite:///keys.db"
        )
    pair = Pair(*settings.pair)
    project = fetch_project_id(settings.host, pair.public, pair.secret)
    return Owner(project, pair, key_store(address))
