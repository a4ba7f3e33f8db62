"""The pairs of questions, and what the verifier says of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

from genai_integrations.cache.semantic.comparing import Verified
from genai_integrations.cache.semantic.embedders import bundled_words

DATA = Path(__file__).parent.parent / "data"


def rows(name):
    """A file of pairs."""
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def pairs(half=None):
    """All pairs, or those of one half: `tuned` on, or `held` out. A hash of the texts says which."""
    found = rows("semantic_pairs.jsonl")
    return [row for row in found if half in (None, half_of(row))]


def half_of(row):
    """The half that a pair belongs to."""
    digest = hashlib.sha256(f"{row['a']}\n{row['b']}".encode()).digest()
    return "held" if digest[0] & 1 else "tuned"


class Judge:
    """Says whether two questions are the same, with the bundled encoder's words."""

    def __init__(self):
        self._comparer = Verified(bundled_words())
        self._read = {}

    def read(self, text):
        """A question as it was read, once."""
        if text not in self._read:
            self._read[text] = self._comparer.read(text)
        return self._read[text]

    def same(self, one, other):
        """Whether they are the same."""
        first, second = self.read(one), self.read(other)
        return first is not None and second is not None and self._comparer.same(first, second)

    def hits(self, found):
        """How many pairs there are, and how many are hits: by language and by whether they are the same."""
        all_of, hits = Counter(), Counter()
        for row in found:
            kind = row["language"], row["same"]
            all_of[kind] += 1
            hits[kind] += self.same(row["a"], row["b"])
        return all_of, hits
