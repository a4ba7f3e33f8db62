"""Vectors of a reply: each where its text was."""

from __future__ import annotations

import random

import pytest

from genai_integrations.calls.vectors import vectors_of
from genai_integrations.errors import InvalidReplyError
from genai_integrations.testing.providers.embeddings import as_base64


def test_vectors_find_their_places():
    """Rows may come in any order, packed or not; missing ones are noticed."""
    rows = [{"index": number, "embedding": [float(number)]} for number in range(5)]
    random.Random(0).shuffle(rows)

    assert vectors_of(rows, 5) == [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert vectors_of([{"embedding": as_base64([0.5, 1.0])}], 1) == [[0.5, 1.0]]
    with pytest.raises(InvalidReplyError, match="6 texts were sent, and 5 vectors"):
        vectors_of(rows, 6)


@pytest.mark.parametrize("given", ["AAAA", "AAA", "!!!!", [1.0, "x"], [None], 3, [10**400]])
def test_what_is_no_vector_is_an_answer_that_cannot_be_read(given):
    """And no error of Python's, whatever a server sends."""
    with pytest.raises(InvalidReplyError, match="a vector of the answer cannot be read"):
        vectors_of([{"embedding": given}], 1)
