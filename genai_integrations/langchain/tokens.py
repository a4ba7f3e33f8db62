"""Counting tokens without a network, a model or an account."""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_RANKS = "litellm_core_utils/tokenizers/fb374d419588a4632f3f557e76b4b70aebbca790"
"""OpenAI's vocabulary `o200k_base`, which LiteLLM brings along as a file."""

_PER_MESSAGE, _PER_REPLY, _PER_MEDIUM = 3, 3, 765
_BYTES_PER_TOKEN = 4


def token_ids(text: str) -> list[int]:
    """Nearly the tokens that OpenAI's newer models count, and others' roughly. Without the vocabulary, a guess."""
    encoding = _encoding()
    if encoding is None:
        return list(range(-(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)))
    return list(encoding.encode(text, disallowed_special=()))


def count(messages: Iterable[Mapping[str, Any]], tools: Iterable[Mapping[str, Any]] = ()) -> int:
    """Tokens of a conversation in OpenAI's wire shape; a picture or file counts as one picture of middle size."""
    total = _PER_REPLY
    for message in messages:
        total += _PER_MESSAGE + sum(map(_of_value, message.items()))
    return total + sum(len(token_ids(json.dumps(tool, ensure_ascii=False))) for tool in tools)


def _of_value(item: tuple[str, Any]) -> int:
    name, value = item
    if isinstance(value, str):
        return len(token_ids(value))
    if name == "content" and isinstance(value, list):
        return sum(map(_of_part, value))
    return len(token_ids(json.dumps(value, ensure_ascii=False))) if value else 0


def _of_part(part: Mapping[str, Any]) -> int:
    text = part.get("text")
    return len(token_ids(text)) if isinstance(text, str) else _PER_MEDIUM


@cache
def _encoding() -> Any:
    spec = importlib.util.find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _RANKS
        if path.is_file():
            import tiktoken
            from tiktoken_ext.openai_public import r50k_pat_str  # type: ignore[import-untyped]

            ranks = {
                base64.b64decode(token): int(rank)
                for token, rank in map(bytes.split, path.read_bytes().splitlines())
            }
            return tiktoken.Encoding(
                "o200k_base", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={}
            )
    return None
