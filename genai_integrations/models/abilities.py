"""What a model is known not to do: the price map's word where it says no, and families that no flag tells of.

The price map says yes reliably and no seldom: a flag that it does not have says nothing. So what is not known passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from genai_integrations.models.catalog import ModelRow, model_info
from genai_integrations.models.families import OPENROUTERS_ENDING

VISION, AUDIO, PDF, VIDEO = "vision", "audio", "pdf", "video"
TOOLS, JSON_SCHEMA = "tools", "json_schema"

FLAGS: Mapping[str, str] = {
    VISION: "supports_vision",
    AUDIO: "supports_audio_input",
    PDF: "supports_pdf_input",
    VIDEO: "supports_video_input",
    TOOLS: "supports_function_calling",
    JSON_SCHEMA: "supports_response_schema",
}
"""What a request may need of a model, and the price map's flag for it."""

WINDOW = "max_input_tokens"
"""The price map's name for how much a request may have, in tokens."""

_TEXT_ONLY = frozenset((VISION, AUDIO, PDF, VIDEO))
_BLIND = frozenset((VISION, AUDIO, VIDEO))
_NO_SOUND = frozenset((AUDIO, VIDEO))

_LACKS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern), lacks)
    for pattern, lacks in (
        # OpenAI's model pages, platform.openai.com/docs/models: input and output of each, and its features.
        (r"gpt-?3\.?5", _TEXT_ONLY | {JSON_SCHEMA}),
        (r"gpt-4(?:-32k)?(?:-0\d{3})?$", _TEXT_ONLY | {JSON_SCHEMA}),
        (r"gpt-4-(?:1106|0125)-preview|gpt-4-turbo-preview", _TEXT_ONLY | {JSON_SCHEMA}),
        (r"gpt-4-turbo", _NO_SOUND | {JSON_SCHEMA}),
        (r"o1-(?:mini|preview)", _TEXT_ONLY | {TOOLS, JSON_SCHEMA}),
        (r"o3-mini", _TEXT_ONLY),
        (r"gpt-oss", _BLIND),
        # Anthropic's overview of models, docs.anthropic.com/en/docs/about-claude/models: text and images.
        (r"claude-(?:2|instant)", _BLIND | {TOOLS, JSON_SCHEMA}),
        (r"claude-", _NO_SOUND),
        # DeepSeek's own API takes text only: api-docs.deepseek.com/quick_start/pricing.
        (r"deepseek-(?:chat|coder|reasoner|r1|v3)", _BLIND),
        # Mistral's overview of models, docs.mistral.ai/getting-started/models.
        (r"(?:open-)?mixtral|open-mistral|mistral-(?:tiny|nemo|7b)|codestral|ministral-[38]b-24", _BLIND),
        # Model cards of Meta, Cohere, Amazon, Alibaba, Moonshot and AI21. Those with images say so in their names.
        (r"llama-?2|llama-?3(?:[.-][13])?(?![.-]?2)(?!.*vision)", _BLIND),
        (r"command-(?:r|light|nightly)", _BLIND),
        (r"titan-text|nova-micro", _BLIND),
        (r"qwen-?2(?:\.5)?-(?!.*(?:vl|omni|audio))|qwq", _BLIND),
        (r"moonshot-v1-(?!.*vision)|kimi-k2-", _BLIND),
        (r"jamba", _BLIND),
    )
)  # fmt: skip
"""How the plain name of a family begins, and what its models do not take; the first that fits. Those that take PDFs
only as somebody makes text of them (Bedrock does) are not said to lack that."""

_SILENT = re.compile(r"(?:gpt-4o|gpt-4\.1|gpt-5|o[134])(?!.*(?:audio|realtime|omni|transcribe))")
"""Models that take sound by some other name, and by this one as far as OpenAI's pages tell do not."""

_OWN_WINDOWS = frozenset(("ollama",))
"""Providers whose server decides how much a model takes (`num_ctx`), whatever the map says."""

_MOST = 1024
_REGION_OR_VENDOR = re.compile(r"^(?:[a-z-]+\.)*(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Ability:
    """What a model cannot do.

    Attributes:
        lacks: Names of `FLAGS` that it is known not to do.
        window: Tokens that a request may have at most; None where that is not known.
        doubts: Names that it hardly does: it comes after those that may.
    """

    lacks: frozenset[str] = frozenset()
    window: int | None = None
    doubts: frozenset[str] = frozenset()


@lru_cache(_MOST)
def ability(provider: str, model: str) -> Ability:
    """What is known of one provider's model."""
    plain = OPENROUTERS_ENDING.sub("", model) if ":" in model else model
    row = model_info(provider, plain) or {}
    said = {name: row.get(flag) for name, flag in FLAGS.items()}
    # What the map says wins: a table of families is older than the newest model of one.
    lacks = {name for name in _by_family(plain) if not said[name]}
    lacks |= {name for name, says in said.items() if says is False}
    doubts = _NO_SOUND if _SILENT.match(_bare(plain)) else frozenset()
    doubts = frozenset(name for name in doubts if not said[name]) - lacks
    window = _window(provider, row)
    # One object for all of which nothing is known: names may be made up.
    known = bool(lacks or doubts or window)
    return Ability(frozenset(lacks), window, doubts) if known else _NOTHING_KNOWN


_NOTHING_KNOWN = Ability()


def _bare(model: str) -> str:
    return _REGION_OR_VENDOR.sub("", model.lower().rpartition("/")[2])


def _by_family(model: str) -> frozenset[str]:
    bare = _bare(model)
    return next((lacks for start, lacks in _LACKS if start.match(bare)), frozenset())


def _window(provider: str, row: ModelRow) -> int | None:
    if provider in _OWN_WINDOWS:
        return None
    tokens = row.get(WINDOW)
    return tokens if isinstance(tokens, int) and tokens > 0 else None
