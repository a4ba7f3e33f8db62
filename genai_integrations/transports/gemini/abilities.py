"""What Google's models can, by their names: rows of data, each with its page."""

from __future__ import annotations

import re
from typing import Final

_OLD: Final = re.compile(r"gemini-(?:[12](?:[.-]|$)|exp\b|pro$|flash$|pro-vision|embedding)")
_NO_THOUGHTS: Final = re.compile(r"gemini-(?:1|2\.0|exp|pro$|pro-vision|flash$|embedding)|gemma")
_LEVELS_OF_3_PRO: Final = re.compile(r"gemini-3-pro")
_NO_SYSTEM: Final = re.compile(r"gemma-[1-3]")
_NO_PENALTIES: Final = re.compile(r"gemini-(?!1|2\.0)")
_EMBEDS_ON_VERTEX: Final = re.compile(
    r"gemini-embedding-|text-embedding-\d|text-embedding-(?:large-exp|preview)|textembedding-gecko"
    r"|text-multilingual-embedding-"
)


def is_on_vertex(model: str) -> bool:
    """Whether Vertex AI's model is one of Google's that this dialect is for."""
    name = model.lower().removeprefix("models/")
    return name.startswith("gemini-") or bool(_EMBEDS_ON_VERTEX.match(name))


def is_3_or_newer(model: str) -> bool:
    """Whether it is a Gemini 3 or newer.

    It has ids of calls, wants signatures back (https://ai.google.dev/gemini-api/docs/thought-signatures), thinks by
    levels (docs/thinking), and takes pictures in results (docs/function-calling). Names without a number, such as
    `gemini-flash-latest`, are of the newest.
    """
    name = _bare(model)
    return name.startswith("gemini-") and not _OLD.match(name)


def takes_instructions(model: str) -> bool:
    """Whether it has a system's turn. AI Studio: "Developer instruction is not enabled for models/gemma-3-27b-it"."""
    return not _NO_SYSTEM.match(_bare(model))


def thinks(model: str) -> bool:
    """Whether it takes a `thinkingConfig`: older models refuse it."""
    return not _NO_THOUGHTS.match(_bare(model))


def cannot_stop_thinking(model: str) -> bool:
    """Whether it always thinks: "Reasoning cannot be turned off for Gemini 2.5 Pro or 3 models", docs/openai."""
    return "-pro" in _bare(model)


def has_medium(model: str) -> bool:
    """Whether its thinking has a level between low and high; Gemini 3 Pro's has not, 3.1 Pro's has. docs/thinking."""
    return not _LEVELS_OF_3_PRO.match(_bare(model))


def has_penalties(model: str, *, vertex: bool) -> bool:
    """Whether it takes `presencePenalty` and `frequencyPenalty`.

    "Penalty is not enabled for models/gemini-2.5-flash", says AI Studio, and so of all that are newer; Vertex AI from
    Gemini 3 on.
    """
    return not is_3_or_newer(model) if vertex else not _NO_PENALTIES.match(_bare(model))


def embeds_by_predict(model: str) -> bool:
    """Whether Vertex AI embeds with it by `predict`; Gemini's embeddings from the second on have `embedContent`."""
    name = _bare(model)
    return not name.startswith("gemini-") or name.startswith(
        ("gemini-embedding-001", "gemini-embedding-exp")
    )


def _bare(model: str) -> str:
    return model.lower().rpartition("/")[2]
