"""The file of LiteLLM's proxy, written anew as `genai.yaml`."""

from __future__ import annotations

from typing import Any

from genai_integrations.config.document import Document
from genai_integrations.config.reading import CLIENT_KEYS, DEFAULT_MODEL, configuration_of


def converted(document: Document) -> str:
    """The text of `genai.yaml` that means the same, with what could not be taken over as comments at its top.

    Variables stay named; what the file gives for variables is not written anywhere.

    Raises:
        ConfigurationError: Something in the file cannot work.
    """
    import yaml

    read = configuration_of(document, fill_in=False)
    router = dict(read.arguments.get("router_args", {}))
    rows = router.pop("model_list", None)
    values: dict[str, Any] = {
        DEFAULT_MODEL: read.default_model,
        "providers": document.values.get("providers"),
        "connections": document.values.get("connections"),
        "langfuse": document.values.get("langfuse"),
        "model_list": rows,
        "router_settings": router or None,
        **{name: read.arguments.get(name) for name in CLIENT_KEYS},
    }
    told = [f"# {note}\n" for note in read.notes]
    own = document.values.get("environment_variables")
    if isinstance(own, dict) and own:
        told.append(f"# Set these in the environment: {', '.join(own)}\n")
    kept = {name: value for name, value in values.items() if value is not None}
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    return f"# From {document.name}\n{''.join(told)}\n{text}"
