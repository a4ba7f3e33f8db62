"""A store of answers by meaning, as options say."""

from __future__ import annotations

from genai_integrations.cache.semantic.comparing import Comparer, Told, Verified
from genai_integrations.cache.semantic.embedders import (
    Vectorizer,
    bundled_vectorizer,
    bundled_words,
    check_bundled,
)
from genai_integrations.cache.semantic.options import SemanticOptions
from genai_integrations.cache.semantic.store import Limits, SemanticStore


def opened(options: SemanticOptions) -> SemanticStore:
    """The store. Nothing is loaded before its first use.

    Raises:
        ConfigurationError: No embedder is given, and the extra is not installed.
    """
    given = options.embedder
    if given is None:
        check_bundled()
    vectorizer = bundled_vectorizer() if given is None else Vectorizer(lambda: given)
    comparer: Comparer
    if options.verifier is not None:
        comparer = Told(options.verifier)
    else:
        # How near two words are is known for the bundled encoder; for another one, letters and sounds decide.
        comparer = Verified(bundled_words() if given is None else None)
    limits = Limits(options.threshold, options.max_entries, options.ttl)
    return SemanticStore(vectorizer, comparer, limits)
