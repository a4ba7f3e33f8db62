"""Which vocabulary counts the tokens of a model: OpenAI's own, read from LiteLLM's wheel, and factors for others."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

from genai_integrations.models.catalog import bare
from genai_integrations.runtime.loading import Loading

_FOLDER = "litellm_core_utils/tokenizers"
"""In LiteLLM's wheel: vocabularies as tiktoken caches them, each under the SHA-1 of its address."""

_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How the tokens of some models are counted.

    Attributes:
        prefixes: What their names start with.
        encoding: Of tiktoken.
        factor: Their tokens for each token of the encoding.
        error: Share by which the count may be wrong either way, for prose and code.
    """

    prefixes: tuple[str, ...]
    encoding: str
    factor: float
    error: float


OTHERS = Vocabulary(("",), "o200k_base", 1.1, 0.25)
"""For models of which nothing is known."""

VOCABULARIES = (
    # OpenAI's are exact for text. The frame around messages is its cookbook's, which is right to a few tokens.
    Vocabulary(("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss"), "o200k_base", 1.0, 0.03),
    Vocabulary(("chatgpt-", "codex-", "computer-use-", "o1", "o3", "o4"), "o200k_base", 1.0, 0.03),
    Vocabulary(("gpt-4", "gpt-3.5", "text-embedding-"), "cl100k_base", 1.0, 0.03),
    # "May use up to 35 % more tokens for the same text": platform.claude.com, "What's new in Claude Opus 4.7".
    Vocabulary(
        (
            "claude-opus-4-7",
            "claude-opus-4-8",
            "claude-opus-5",
            "claude-sonnet-5",
            "claude-haiku-5",
            "claude-fable",
            "claude-mythos",
        ),
        "o200k_base",
        1.45,
        0.3,
    ),
    # Anthropic publishes no vocabulary: by public comparisons 10 to 30 % more tokens than OpenAI's for English.
    Vocabulary(("claude",), "o200k_base", 1.2, 0.2),
    # Google: "a token is about 4 characters, 100 tokens are 60 to 80 English words" (ai.google.dev, "Tokens").
    Vocabulary(("gemini", "gemma"), "o200k_base", 1.05, 0.15),
    # Llama 3 took OpenAI's 100,000 tokens and added 28,000 (its model card).
    Vocabulary(("llama", "meta-llama"), "cl100k_base", 1.0, 0.15),
    OTHERS,
)
"""The first whose prefix fits a model's bare name counts."""


class _Encodings:
    """Encodings that were made, by name; None for one whose file is not there."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self._loads = {
            name: Loading(f"the vocabulary {name}", _maker(self.made, name))
            for name in sorted({row.encoding for row in VOCABULARIES})
        }

    def loading(self, name: str) -> Loading:
        return self._loads[name]

    def get(self, name: str) -> Any:
        if name not in self.made:
            self._loads[name].load()
        return self.made[name]


def _maker(made: dict[str, Any], name: str) -> Callable[[], None]:
    def make() -> None:
        made[name] = _encoding(name)

    return make


def vocabulary_of(model: str) -> Vocabulary:
    """How the tokens of a model are counted.

    Args:
        model: Any provider's id, or a bare name; `ft:` before it and a vendor's prefix say nothing.
    """
    name = bare(model.lower().removeprefix("ft:"))
    return next(row for row in VOCABULARIES if name.startswith(row.prefixes))


def is_loaded(model: str) -> bool:
    """Whether tokens can be counted at once; else the first count takes about a second, for reading the file."""
    return vocabulary_of(model).encoding in _encodings.made


def load(model: str) -> None:
    """Read what it takes to count a model's tokens, in a thread of its own, and wait for it."""
    _encodings.loading(vocabulary_of(model).encoding).load()


async def aload(model: str) -> None:
    """As `load`, without blocking the loop."""
    await _encodings.loading(vocabulary_of(model).encoding).aload()


def token_ids(text: str, model: str) -> list[int]:
    """Tokens of a text in the encoding that comes next to the model's own. Without its file, one for four bytes."""
    encoding = _encodings.get(vocabulary_of(model).encoding)
    if encoding is None:
        return list(range(-(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)))
    return list(encoding.encode(text, disallowed_special=()))


def text_tokens(text: str, model: str) -> int:
    """How many tokens a text has for a model, within the `error` of its vocabulary."""
    return math.ceil(len(token_ids(text, model)) * vocabulary_of(model).factor)


def _encoding(name: str) -> Any:
    """A tiktoken encoding, made by OpenAI's published definition and LiteLLM's file; None without that file."""
    folder = _folder()
    if folder is None:
        return None
    import tiktoken
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    def ranks(url: str, **_: object) -> dict[bytes, int]:
        path = folder / hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
        rows = map(bytes.split, path.read_bytes().splitlines())
        return {base64.b64decode(token): int(rank) for token, rank in rows}

    # tiktoken's own loader looks for a cache named in os.environ, and else downloads. So the definition runs with this
    # one in its place, in globals of its own: neither the environment nor tiktoken's modules are changed.
    public = getattr(openai_public, name)
    defined = FunctionType(public.__code__, {**public.__globals__, "load_tiktoken_bpe": ranks})
    try:
        return tiktoken.Encoding(**defined())
    except OSError:
        return None


def _folder() -> Path | None:
    spec = importlib.util.find_spec("litellm")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return next((Path(row) / _FOLDER for row in folders if (Path(row) / _FOLDER).is_dir()), None)


_encodings = _Encodings()
