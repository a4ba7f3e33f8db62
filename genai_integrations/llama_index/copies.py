"""What the LLM and the embedding share as objects: checked fields, and pickles without secrets."""

from __future__ import annotations

import difflib
import pickle
from collections.abc import Mapping
from typing import Any, TypeVar

from llama_index.core.schema import BaseComponent

from genai_integrations.client import GenAIClient
from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index.params import check_params

Component = TypeVar("Component", bound=BaseComponent)

_PARAMS = ("additional_kwargs", "query_kwargs", "document_kwargs")
"""Fields that are sent to a provider as they are."""


def checked_fields(cls: type[BaseComponent], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, if the class has all of them. The message has names, never values.

    Raises:
        ConfigurationError: A field does not exist, or would redirect a key.
    """
    check_params(fields)
    for name in _PARAMS:
        given = fields.get(name)
        check_params(given if isinstance(given, Mapping) else {})
    for name in fields:
        if name not in cls.model_fields:
            near = difflib.get_close_matches(name, cls.model_fields, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"{cls.__name__} has no {name!r}: {hint}parameters of the provider's API go into additional_kwargs"
            )
    return dict(fields)


def picklable(component: BaseComponent) -> dict[str, Any]:
    """The fields that were set and can be pickled; callbacks and limiters often cannot, and stay behind."""
    return {
        name: value
        for name in component.model_fields_set
        if _can_be_pickled(value := getattr(component, name))
    }


def rebuilt(cls: type[Component], fields: dict[str, Any], client: GenAIClient | None) -> Component:
    """What a pickle becomes."""
    return cls(client=client, **fields)  # type: ignore[call-arg]  # ours take it


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001  objects refuse in many ways
        return False
    return True
