"""What `GenAIClient(semantic_cache=...)` may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.cache.semantic.embedders import BUNDLED_THRESHOLD, Embedder
from genai_integrations.cache.semantic.sensitive import looks_sensitive
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown


@dataclass(frozen=True, slots=True)
class SemanticOptions:
    """How answers to questions that say the same are found and kept.

    Attributes:
        embedder: Texts to vectors, one row for each; None is the encoder of the extra `semantic-cache`.
        threshold: Cosine from which on a kept question is looked at, -1 to 1. The verifier decides.
        verifier: Takes the new question and a kept one, and says whether they ask the same; None is the built-in one.
        detector: Says whether a question or an answer is sensitive, so that it is neither kept nor looked up.
        max_entries: Most answers that are kept.
        ttl: Seconds for which an answer is kept.
        always: Whether every call may have such an answer, or only one with `cache={"semantic": True}`.
    """

    embedder: Embedder | None = None
    threshold: float = BUNDLED_THRESHOLD
    verifier: Callable[[str, str], bool] | None = None
    detector: Callable[[str], bool] = looks_sensitive
    max_entries: int = 10_000
    ttl: float = 600.0
    always: bool = True


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value  # noqa: PLR0124  no NaN


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "embedder": (callable, "a function from a list of strings to their vectors"),
    "threshold": (lambda value: _number(value) and -1 <= value <= 1, "a number from -1 to 1"),
    "verifier": (callable, "a function of two questions that returns True or False"),
    "detector": (callable, "a function of a text that returns True or False"),
    "max_entries": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
        "a whole number above 0",
    ),
    "ttl": (
        lambda value: _number(value) and 0 < value < float("inf"),
        "a number of seconds above 0",
    ),
    "always": (lambda value: isinstance(value, bool), "True or False"),
}


def semantic_options(value: object) -> SemanticOptions | None:
    """The options; None if nothing is to be kept.

    Raises:
        ConfigurationError: It cannot work.
    """
    if value is None or value is False:
        return None
    if value is True:
        return SemanticOptions()
    if not isinstance(value, Mapping) or not _CHECKS.keys() >= value.keys():
        raise ConfigurationError(
            f"semantic_cache must be True, False, or a dict with only the keys {', '.join(_CHECKS)}, "
            f"not {shown(value)}"
        )
    for name, item in value.items():
        is_right, wanted = _CHECKS[name]
        if not is_right(item):
            raise ConfigurationError(
                f"semantic_cache[{name!r}] must be {wanted}, not {shown(item)}"
            )
    return SemanticOptions(**value)
