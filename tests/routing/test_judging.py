"""Judges look at an answer that came whole, and say whether it is one to give to the caller."""

from __future__ import annotations

import pytest

from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.errors import ContentFilteredError, InvalidReplyError
from genai_integrations.routing.judging import (
    judges_of,
    not_filtered,
    one_vector_for_each_text,
)

HELLO = [{"role": "user", "content": "hi"}]


def chat():
    return chat_request("m", HELLO, {}, router_args({}), stream=False)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [("one", 1), (["one"], 1), (["one", "two"], 2), ([1, 2, 3], 1), ([[1], [2]], 2)],
)
def test_one_vector_for_each_text(texts, wanted):
    """Some models put all texts into one vector, which would be the wrong one for each."""
    request = embedding_request("m", texts, {}, router_args({}))
    rows = [{"embedding": [0.1]}] * wanted

    verdict = one_vector_for_each_text(request, {"data": [*rows, rows[0]]})

    assert one_vector_for_each_text(request, {"data": rows}) is None
    assert isinstance(verdict, InvalidReplyError)
    assert str(verdict) == f"{wanted + 1} vectors came back for {wanted} texts"


@pytest.mark.parametrize("key", ["message", "delta"])
def test_a_filtered_answer_is_refused(key):
    """In a whole reply as in a chunk."""
    wire = {"choices": [{"index": 0, key: {"content": "so"}, "finish_reason": "content_filter"}]}
    good = {"choices": [{"index": 0, key: {"content": "so"}, "finish_reason": "stop"}]}

    assert isinstance(not_filtered(chat(), wire), ContentFilteredError)
    assert not_filtered(chat(), good) is None


def test_nobody_judges_unless_somebody_must(plan_of):
    """A filtered answer is the answer where the program named nowhere else to go."""
    elsewhere = plan_of("a", instead={ContentFilteredError: [["b"]]})

    assert judges_of(chat(), plan_of("a")) == ()
    assert judges_of(chat(), elsewhere) == (not_filtered,)
