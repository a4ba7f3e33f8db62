"""Langfuse's datasets as inputs."""

from __future__ import annotations

from dataclasses import dataclass

from genai_integrations.client import GenAIClient
from genai_integrations.errors import DatasetError
from genai_integrations.experiments.items import Item


@dataclass(frozen=True, slots=True)
class Dataset:
    """A Langfuse dataset, by name; `compare` reads it.

    Attributes:
        name: Its name, with folders.
    """

    name: str


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    """A dataset as it was when it was read.

    Attributes:
        id: Langfuse's id of it.
        items: Those that are not archived, the oldest first.
    """

    id: str
    items: tuple[Item, ...]


def dataset(name: str) -> Dataset:
    """A Langfuse dataset as the inputs of `compare`: each item's input, with its expected output."""
    return Dataset(name)


def loaded(client: GenAIClient, wanted: Dataset) -> LoadedDataset:
    """Read a dataset.

    Raises:
        DatasetError: There is none of that name, or Langfuse cannot be asked.
        ConfigurationError: The key pair is missing.
    """
    sdk = client.langfuse
    try:
        found = sdk.get_dataset(wanted.name)
    except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
        failure = _failure(wanted.name, client.host, error)
    else:
        # The SDK lists the newest first. Reversed before the sort, which keeps the order of items of one moment.
        rows = [row for row in reversed(found.items) if row.status.value != "ARCHIVED"]
        rows.sort(key=lambda row: row.created_at)
        return LoadedDataset(
            found.id, tuple(Item(row.input, row.expected_output, row.id) for row in rows)
        )
    # Outside the handler, because the SDK's frames hold the key pair in their locals.
    raise failure


def _failure(name: str, host: str, error: Exception) -> DatasetError:
    from langfuse.api import NotFoundError, UnauthorizedError

    if isinstance(error, NotFoundError):
        return DatasetError(f"Langfuse at {host} has no dataset {name!r}")
    if isinstance(error, UnauthorizedError):
        return DatasetError(f"Langfuse at {host} refuses the key pair: check LANGFUSE_SECRET_KEY")
    return DatasetError(
        f"dataset {name!r} cannot be loaded from Langfuse at {host}: {type(error).__name__}: check LANGFUSE_HOST"
    )
