"""What a model can do, in LangChain's names, looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from langchain_core.language_models.model_profile import ModelProfile

from genai_integrations.client import GenAIClient
from genai_integrations.errors import GenAIError

_CAPABILITIES: Mapping[str, str] = {
    "supports_audio_input": "audio_inputs",
    "supports_audio_output": "audio_outputs",
    "supports_function_calling": "tool_calling",
    "supports_pdf_input": "pdf_inputs",
    "supports_reasoning": "reasoning_output",
    "supports_response_schema": "structured_output",
    "supports_tool_choice": "tool_choice",
    "supports_video_input": "video_inputs",
    "supports_vision": "image_inputs",
}
"""The price map's names, and LangChain's."""


class Asker(Protocol):
    """What has a profile: a model by name, and the client it asks."""

    model: str

    @property
    def client(self) -> GenAIClient:
        """Whom it asks."""
        ...


def profile_of(asker: Asker) -> ModelProfile | None:
    """The profile over all targets and fallbacks of the model's name; None where nothing is known of them.

    What is not known of every target is not promised.
    """
    try:
        found = asker.client.profile(asker.model)
    except GenAIError:
        return None
    told: dict[str, Any] = {
        theirs: found.capabilities[ours]
        for ours, theirs in _CAPABILITIES.items()
        if ours in found.capabilities and (found.known or not found.capabilities[ours])
    }
    for name in ("max_input_tokens", "max_output_tokens"):
        limit = getattr(found, name)
        if limit is not None:
            told[name] = limit
    return ModelProfile(**told) if told else None  # type: ignore[typeddict-item]  # checked names


class LazyProfile:
    """In place of the field `profile`: what the user gave, else looked up each time it is read.

    Connections are read for it, so a constructor is no place to do it, though LangChain's asks there.
    """

    def __get__(self, model: Any, owner: type | None = None) -> ModelProfile | None:
        if model is None:
            # Pydantic asks for a default when a class is derived: there is none here.
            raise AttributeError("profile")
        given: ModelProfile | None = model.__dict__.get("profile")
        return profile_of(model) if given is None and getattr(model, "_made", False) else given

    def __set__(self, model: Any, value: ModelProfile | None) -> None:
        model.__dict__["profile"] = value
