"""The numbers to reach: how much of a peer's CPU time a row may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One number to reach.

    Attributes:
        row: As in the contenders, or the imported module.
        peer: The contender, or module, to compare with.
        reach: The largest ratio that is good.
    """

    row: str
    peer: str
    reach: float


TARGETS = (
    Target("LangChain call", "floor", 1.35),
    Target("LangChain call", "ChatOpenAI", 0.45),
    Target("LangChain call", "ChatLiteLLMRouter", 0.1),
    Target("LangChain async call, 50 at once", "ChatOpenAI", 0.45),
    Target("LangChain async call, 50 at once", "ChatLiteLLMRouter", 0.1),
    Target("LangChain stream, burst", "ChatOpenAI", 0.25),
    Target("LangChain stream, burst", "ChatLiteLLMRouter", 0.04),
    Target("LangChain stream, drip", "ChatOpenAI", 0.25),
    Target("LangChain stream, drip", "ChatLiteLLMRouter", 0.04),
    Target("LlamaIndex chat", "floor", 1.35),
    Target("LlamaIndex chat", "LlamaIndex OpenAI", 0.4),
    Target("LlamaIndex chat", "LlamaIndex LiteLLM", 0.15),
    Target("LlamaIndex stream_chat, burst", "LlamaIndex OpenAI", 0.3),
    Target("LlamaIndex stream_chat, burst", "LlamaIndex LiteLLM", 0.06),
    Target("LlamaIndex stream_chat, drip", "LlamaIndex OpenAI", 0.3),
    Target("LlamaIndex stream_chat, drip", "LlamaIndex LiteLLM", 0.06),
    Target("client acompletion, 200 at once", "openai", 0.2),
    Target("client streams, 200 at once, burst", "openai", 0.25),
    Target("client streams, 200 at once, drip", "openai", 0.25),
    *(
        Target(f"{family} {row}", peer, reach)
        for family, sdk in (
            ("Anthropic", "anthropic"),
            ("Gemini", "google-genai"),
            ("Bedrock", "boto3"),
            ("Responses", "openai"),
        )
        for row, peer, reach in (
            ("call", "litellm", 0.15),
            ("call", sdk, 0.4),
            ("async call, 50 at once", "litellm", 0.15),
            ("stream", "litellm", 0.05),
            ("stream", sdk, 0.35),
        )
    ),
    Target("LiteLLM's tail call", "litellm", 1.1),
    Target("LiteLLM's tail async call, 50 at once", "litellm", 1.1),
    Target("LiteLLM's tail, stream", "litellm", 1.1),
    Target("LiteLLM's tail, streams, 20 at once", "litellm", 1.1),
    Target("recording a call in Langfuse", "Langfuse SDK", 0.5),
    Target("genai_integrations.langchain", "langchain_core.language_models.chat_models", 1.15),
)


IMPORT_OF_CLIENT = 0.12
"""CPU seconds that the import of the client may take."""

FIRST_CALL = 0.35
"""CPU seconds that the first call of a process may take beyond that, without a library of the provider's."""


def reach_of(row: str, peer: str) -> float | None:
    """The number to reach, or None where there is none."""
    for target in TARGETS:
        if (target.row, target.peer) == (row, peer):
            return target.reach
    return None
