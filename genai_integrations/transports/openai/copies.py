"""What each provider's copy of OpenAI's dialect takes otherwise than OpenAI's own: rows of data.

A row holds what a provider answers 400 or 422 to, as LiteLLM's translation of it shows. A parameter is left out
only if it tunes, labels or accounts. One that changes what comes back (`n`, `logprobs`, `stop`, `dimensions`,
`tools`) is sent all the same, so that the provider says no and nobody gets an answer to another question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Parameters:
    """What becomes of some parameters.

    Attributes:
        renames: Those that have another name there.
        refuses: Those that are left out.
        models: For models whose id this pattern finds; all of them if it is empty.
        unless: Not for a request that has one of these values; None is one that does not have it.
    """

    renames: Mapping[str, str] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    models: str = ""
    unless: Mapping[str, tuple[object, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copy:
    """One provider's copy of the dialect. Marks for a prompt cache are taken out for each that has a row.

    Attributes:
        parameters: What becomes of parameters.
        refuses_keys: Keys that no message may have, nor a call in one.
        names_for: Roles whose messages may have a `name`; None means all.
        joins_text: Content that is a list of texts must be one text.
        needs_thoughts: Pattern of models that want `reasoning_content` beside every tool call.
        call_id: Pattern that ids of tool calls must match; they are made anew if they do not.
        skips_empty: An answer without text and calls may not be in a conversation.
        bare_schema: A JSON schema stands in `response_format` itself.
        ids: A pattern of model ids as users write them, and what the provider calls them.
    """

    parameters: tuple[Parameters, ...] = ()
    refuses_keys: frozenset[str] = frozenset()
    names_for: frozenset[str] | None = None
    joins_text: bool = False
    needs_thoughts: str = ""
    call_id: str = ""
    skips_empty: bool = False
    bare_schema: bool = False
    ids: tuple[str, str] | None = None


_THOUGHTS = frozenset(
    (
        "citations",
        "extra_content",
        "images",
        "is_error",
        "provider_specific_fields",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "search_results",
        "thinking_blocks",
    )
)
"""Keys of a message, or of a call in it, that other providers give; some want them back."""

_ONLY_IN_ANSWERS = frozenset(("annotations", "audio", "refusal"))
"""Keys of an answer that strict copies do not take back in a conversation."""

_BOOKKEEPING = frozenset(
    ("metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store")
)
"""Parameters for OpenAI's own records."""

_LIMIT = Parameters({"max_completion_tokens": "max_tokens"})

_SAMPLING = frozenset(
    (
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "presence_penalty",
        "temperature",
        "top_logprobs",
        "top_p",
    )
)

OPENAI = Copy(
    # Its reasoning models refuse the old name of the limit, and what steers sampling; from gpt-5.1 on they take that
    # when they do not reason, which was the default of 5.1 and 5.2, but not of their codex and pro models. Sources:
    # OpenAI, "Using GPT-5.2", "parameter compatibility" (vercel/ai#10932); OpenHands/software-agent-sdk#1837 and
    # epam/ai-dial-chat#8538 for codex.
    (
        Parameters(
            {"max_tokens": "max_completion_tokens"},
            models=r"^(?:ft:)?(?:o\d|codex-|gpt-(?:[5-9]|\d\d))",
        ),
        Parameters(
            refuses=_SAMPLING,
            models=r"^(?:ft:)?(?:o\d|codex-|gpt-(?:5(?!\.[12](?!\d|-codex|-pro))|[6-9]|\d\d))(?!.*-chat)",
            unless={"reasoning_effort": ("none",)},
        ),
        Parameters(
            refuses=_SAMPLING,
            models=r"^(?:ft:)?gpt-5\.[12](?!\d)(?!.*-chat)",
            unless={"reasoning_effort": ("none", None)},
        ),
    ),
    refuses_keys=_THOUGHTS,
    # "string too long. Expected a string with maximum length 40": Gemini's carry a signature.
    call_id=r".{1,40}",
)
"""OpenAI itself and Azure."""

COPIES: Mapping[str, Copy] = {
    "cerebras": Copy(
        (
            _LIMIT,
            Parameters(
                refuses=_BOOKKEEPING | {"frequency_penalty", "logit_bias", "presence_penalty"}
            ),
        ),
        refuses_keys=_THOUGHTS | _ONLY_IN_ANSWERS,
    ),
    # Source: docs.cohere.com, "Using Cohere models via the OpenAI SDK"; LiteLLM speaks Cohere's own API.
    "cohere": Copy(
        (
            _LIMIT,
            Parameters(
                refuses=_BOOKKEEPING
                | {"logit_bias", "parallel_tool_calls", "prediction", "service_tier", "user"}
            ),
        ),
        refuses_keys=_THOUGHTS | _ONLY_IN_ANSWERS,
        names_for=frozenset(("tool",)),
        bare_schema=True,
    ),
    "deepinfra": Copy((_LIMIT,), joins_text=True),
    "deepseek": Copy((_LIMIT,), joins_text=True),
    "fireworks": Copy(ids=(r"^([\w.-]+)$", r"accounts/fireworks/models/\1")),
    "groq": Copy(
        (Parameters(refuses=_BOOKKEEPING | {"logit_bias"}),),
        refuses_keys=_THOUGHTS | _ONLY_IN_ANSWERS,
        names_for=frozenset(),
    ),
    # LiteLLM's users write `<inference provider>/<vendor>/<model>`.
    "huggingface": Copy(ids=(r"^([\w-]+)/([^/]+/[^/]+)$", r"\2:\1")),
    "mistral": Copy(
        (
            _LIMIT,
            Parameters({"seed": "random_seed"}),
            Parameters(
                refuses=_BOOKKEEPING
                | {"logit_bias", "service_tier", "stream_options", "user", "verbosity"}
            ),
        ),
        refuses_keys=_THOUGHTS | _ONLY_IN_ANSWERS,
        names_for=frozenset(("tool",)),
        call_id=r"[a-zA-Z0-9]{9}",
        skips_empty=True,
    ),
    "moonshot": Copy(
        (_LIMIT, Parameters(refuses=frozenset(("temperature",)), models="^kimi-")),
        joins_text=True,
        needs_thoughts="^kimi-",
    ),
    "nebius": Copy((_LIMIT,)),
    "nvidia_nim": Copy((_LIMIT,)),
    "sambanova": Copy((_LIMIT,), joins_text=True),
    "voyage": Copy((Parameters({"dimensions": "output_dimension"}),)),
    "xai": Copy(
        (
            _LIMIT,
            Parameters(
                refuses=frozenset(("frequency_penalty", "presence_penalty")),
                models="grok-4|grok-code|grok-build",
            ),
        ),
        names_for=frozenset(("user",)),
    ),
}
"""By the provider's name."""


FilePlace = Callable[[Wire, str], Wire]
"""Takes the part of a message that is a file, and the file's address; gives the part as it is sent."""


def _refused(_part: Wire, _address: str) -> Wire:
    raise ConfigurationError(
        "OpenAI's chat API takes no file by its address: fetch it and pass its data, or upload it and pass its "
        "file_id; OpenRouter and Mistral take the address"
    )


FILES_BY_ADDRESS: Mapping[str, FilePlace] = {
    "azure": _refused,
    # Source: docs.mistral.ai, "Document QnA".
    "mistral": lambda _part, address: {"type": "document_url", "document_url": address},
    "openai": _refused,
    # Source: openrouter.ai/docs, "PDF inputs".
    "openrouter": lambda part, address: {
        "type": "file",
        "file": {"filename": "file.pdf", **_without_id(part["file"]), "file_data": address},
    },
}
"""Where a provider looks for the address of a file, by its name; to all others it goes as it is."""


def _without_id(file: Wire) -> Wire:
    return {name: value for name, value in file.items() if name != "file_id"}
